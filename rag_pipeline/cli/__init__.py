"""``rag``: the command line."""
