"""A simulated patrol: rendered street frames with exact truth, for demos, tests and the location code."""
