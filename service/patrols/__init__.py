"""Patrols: the frames of one device on one outing."""
