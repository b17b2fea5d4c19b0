"""When, where and which way each frame was taken: EXIF, tracks, device profiles, coordinate systems."""
