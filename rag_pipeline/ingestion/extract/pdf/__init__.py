"""PDF: letters of the text layer to lines, lines to elements in reading order; pages without text by OCR."""
