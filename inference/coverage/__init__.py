"""Which ground was really seen, and what a later pass says about a thing that was there."""
