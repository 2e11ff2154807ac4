"""The two ways work on a document can fail, and the error that every command line or page shows as words.

Belongs here: exceptions whose message is written for the person who reads it. Not here: exceptions of one module only.
"""

from __future__ import annotations


class RagError(Exception):
    """Something the user can act on; the message names the fix. Never shown with a traceback."""


class DocumentError(RagError):
    """A document cannot be read, and reading the same bytes again would fail again.

    Kept on the document's row until its content, its type, or the extractor changes.

    Args:
        code: short stable identifier, for example ``unsupported_type``, ``password_protected``, ``damaged``.
        message: plain words for the user, naming what to do.
        state: the document state this leads to.
    """

    def __init__(self, code: str, message: str, state: str = "failed") -> None:
        super().__init__(message)
        self.code = code
        self.state = state


class TransientError(RagError):
    """A document could not be read this time (unreadable, changed while read, worker killed); tried again, a bounded number of times."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
