"""From the detected frames of a patrol to sightings, places, candidates and coverage: one job per patrol."""
