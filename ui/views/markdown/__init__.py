"""Markdown that documents and models wrote: as it reads, and without what would be fetched."""
