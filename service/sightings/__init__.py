"""Sightings: one real thing seen on one pass, with where it stands; and the poses of their frames."""
