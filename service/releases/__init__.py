"""Which release is in force, and how another takes its place while the server runs."""
