"""Tracks of patrols by a logger of their own."""
