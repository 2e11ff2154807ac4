"""Sessions of people who logged in.

Belongs here: the cookie's value, signed and read. Not here: setting it (``login.py``), what its token may do (``gatekeeper.py``).
"""

from __future__ import annotations

import secrets
from pathlib import Path

from filelock import FileLock
from itsdangerous import BadData, URLSafeTimedSerializer
from pydantic import SecretStr

from rag_pipeline.access import Access
from rag_pipeline.stores.files import write_atomically

COOKIE = "rag_session"
SESSION_SECONDS = 14 * 24 * 3600


class Sessions:
    """Signed cookies that stand for a token after a login; they end with the token, or after two weeks.

    Args:
        key_file: holds the key that signs, made at first use, readable by this user only. Processes that share the data folder share it.
        key: in its place, where several machines let in the same people.
    """

    def __init__(self, key_file: Path, key: SecretStr | None = None) -> None:
        self._key_file = key_file
        self._key = key
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
            key = self._key.get_secret_value().encode() if self._key else self._kept_key()
            self._serializer = URLSafeTimedSerializer(key, salt="rag session")
        return self._serializer

    def _kept_key(self) -> bytes:
        """Of two processes that start at the same moment one makes it, and the other one waits and reads it."""
        self._key_file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._key_file.with_suffix(".lock")):
            if not self._key_file.exists():
                write_atomically(self._key_file, secrets.token_bytes(32))
            return self._key_file.read_bytes()
