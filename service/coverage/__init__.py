"""Which ground was seen on which day, and what later passes say about what was there."""
