"""Scores: what was confirmed becomes points, months and rankings, by rules that belong to the city."""
