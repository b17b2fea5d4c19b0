"""The database: engine, sessions, ids, the group-commit writer, and the migrations."""
