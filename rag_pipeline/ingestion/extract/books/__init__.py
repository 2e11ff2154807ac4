"""E-books that are not EPUB."""
