"""Pictures of text, by tesseract."""
