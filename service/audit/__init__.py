"""The audit log: who did what, when; append-only, and chained by hashes."""
