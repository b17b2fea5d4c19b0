"""What left the system: who took what, when, how much of it."""
