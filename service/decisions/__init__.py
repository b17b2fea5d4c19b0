"""Decisions: what people say of candidates. Rows are added, never changed."""
