"""Frames: photos with what is known of their making, taken in durably."""
