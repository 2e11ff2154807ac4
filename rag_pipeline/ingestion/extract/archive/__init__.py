"""Archives: their files, each a document of its own."""
