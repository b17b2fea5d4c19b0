"""Sightings of many patrols merged into places: one thing in the street, one place."""
