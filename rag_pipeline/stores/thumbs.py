"""Whether anybody judged an answer, told without the libraries that conversations need: to load them takes most of a second.

Belongs here: that one look at the SQLite file. Not here: reading conversations (``conversations/``).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def may_hold_thumbs(conversations: Path) -> bool:
    """False where there is no such file, or no message in it was judged; true where it cannot be told: whoever reads it says why."""
    if not conversations.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{conversations.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            return connection.execute("SELECT 1 FROM messages WHERE feedback IS NOT NULL LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True
