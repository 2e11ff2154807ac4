"""Where things are kept: the only package that touches duckdb, qdrant and sqlalchemy."""
