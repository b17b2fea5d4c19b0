"""What a release found on a frame."""
