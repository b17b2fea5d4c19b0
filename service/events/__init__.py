"""Events: what happened, in order, for other systems to follow."""
