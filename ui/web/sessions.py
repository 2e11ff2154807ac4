"""Sessions of people who logged in.

Belongs here: the cookie's value, signed and read. Not here: setting it (``login.py``), what its token may do (``gatekeeper.py``).
"""

from __future__ import annotations

import secrets
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer

from rag_pipeline.access import Access
from rag_pipeline.stores.files import write_atomically

COOKIE = "rag_session"
SESSION_SECONDS = 14 * 24 * 3600


class Sessions:
    """Signed cookies that stand for a token after a login; they end with the token, or after two weeks.

    Args:
        key_file: holds the key that signs, made at first use, readable by this user only.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._serializer: URLSafeTimedSerializer | None = None

    def issue(self, access: Access) -> str:
        """The cookie's value."""
        return str(self._signer().dumps(access.digest))

    def digest(self, value: str) -> str | None:
        """The digest of the token that a cookie stands for; None when it is forged or too old."""
        try:
            return str(self._signer().loads(value, max_age=SESSION_SECONDS))
        except BadData:
            return None

    def _signer(self) -> URLSafeTimedSerializer:
        if self._serializer is None:
            if not self._key_file.exists():
                write_atomically(self._key_file, secrets.token_bytes(32))
                self._key_file.chmod(0o600)
            self._serializer = URLSafeTimedSerializer(self._key_file.read_bytes(), salt="rag session")
        return self._serializer
