"""Resumable uploads: videos and archives of photos, which become frames."""
