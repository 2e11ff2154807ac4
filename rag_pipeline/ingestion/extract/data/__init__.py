"""Plain text and data: characters from bytes, tables of values, JSON, notebooks, source code."""
