"""Registered ground: what is scored and swept, in overlapping layers, with its history."""
