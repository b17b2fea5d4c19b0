"""Patrol duties of chiefs and leaders: how often somebody has to be outside, and who is behind."""
