"""The watched folder: what lies in it, when to act, what is put in and taken out."""
