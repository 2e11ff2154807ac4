"""Other forms of OpenDocument, which are brought into the one that is read: one XML file, and the format that came before."""
