"""Office files: Word, PowerPoint, Excel, OpenDocument, in new and old containers, and what is embedded in them."""
