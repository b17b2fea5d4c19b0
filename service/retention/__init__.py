"""What is kept for how long: photos expire by the state of what they show, and stray bytes are swept."""
