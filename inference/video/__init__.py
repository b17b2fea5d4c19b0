"""Patrol videos: which moments of a clip to look at, and the pictures of those moments.

Positions come from a GPX or NMEA track, joined by time: when the clip was made, plus the picture's offset.
Telemetry that some dashcams hide inside their videos (GoPro's GPMF, CAMM) is not read.
"""
