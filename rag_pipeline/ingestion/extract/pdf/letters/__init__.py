"""The letters of a PDF page: in their order, on their words, with their accents."""
