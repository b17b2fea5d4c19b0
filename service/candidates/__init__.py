"""Candidates: places and conditions that wait for a person, and what people report."""
