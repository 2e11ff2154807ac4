"""Backups: all that is kept but the originals, as it was at one moment, in a folder, a zip file or a bucket; and putting it back.

Belongs here: what a backup holds and looks like, taking one while the product runs, replacing a data folder by one. Not here: how each
store copies what it keeps (``stores``), words on a terminal (``cli/backup.py``).
"""
