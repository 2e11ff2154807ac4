"""Whether anybody judged an answer, or gave a tag, told without the libraries that conversations need: to load them takes most of a second.

Belongs here: that one look at the SQLite file. Not here: reading conversations and tags (``conversations/``).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def may_hold_thumbs(conversations: Path) -> bool:
    """False where there is no such file, or no message in it was judged; true where it cannot be told: whoever reads it says why."""
    return _finds(conversations, "SELECT 1 FROM messages WHERE feedback IS NOT NULL LIMIT 1")


def may_hold_tags(conversations: Path) -> bool:
    """The same of documents that have a tag. A file of an older version may have none, and has not got the table."""
    return _finds(conversations, "SELECT 1 FROM tagged_documents LIMIT 1")


def may_hold_tags_that_left(conversations: Path) -> bool:
    """The same of documents that have a tag and were seen to leave the catalog."""
    return _finds(conversations, "SELECT 1 FROM tagged_documents WHERE missing_since IS NOT NULL LIMIT 1")


def _finds(conversations: Path, statement: str) -> bool:
    if not conversations.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{conversations.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            return connection.execute(statement).fetchone() is not None
    except sqlite3.Error as error:
        return "no such table" not in str(error)  # a file that is being made, or an older version's
