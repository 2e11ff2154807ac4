"""The catalog: one DuckDB file, and every statement on it."""
