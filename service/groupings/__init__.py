"""How issues are grouped: aspects, topics, tags; versioned documents."""
