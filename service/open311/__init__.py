"""Open311 GeoReport v2: other systems report to us, and read what became of it."""
