"""Back-ups: the database and what belongs to it as one consistent point, in a folder that keeps many."""
