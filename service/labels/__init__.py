"""Labels: what people decided, as lessons for the next model."""
