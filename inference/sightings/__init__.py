"""Detections of one patrol's frames joined into sightings: one real thing seen in one patrol."""
