"""One run of `streetsight patrol`: folders and videos of patrols in, candidates, map and report out."""
