"""OLE containers, the form of old Office files, of Outlook messages, and of Office files with a password."""
