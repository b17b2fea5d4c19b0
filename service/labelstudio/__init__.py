"""Label Studio's ML backend: suggestions for whoever draws boxes there."""
