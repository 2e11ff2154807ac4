"""Access tokens: who may read and who may write, and in which collections.

Belongs here: the setting's grammar, making tokens, recognising them. Not here: HTTP (``ui/gatekeeper.py``).

An entry of ``RAG_API_TOKENS`` is ``NAME:SCOPES:COLLECTIONS:SECRET`` with the last two parts as they are needed: ``anna:read:sha256-…``,
``anna:read+write:contracts+reports:sha256-…``, or only a SECRET, which may do everything. Entries are separated by blanks or commas.
A SECRET is the token itself or, so that no token is kept in clear text, ``sha256-`` and its hash. Tokens are long random strings, so a
plain hash is enough to keep: there is nothing to guess from it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

TokenScope = Literal["read", "write"]
SCOPES: tuple[TokenScope, ...] = ("read", "write")
SHORTEST_TOKEN = 16
"""Characters; shorter ones can be guessed."""
TOKEN_BYTES = 32
_HASHED = "sha256-"


class AccessError(RagError):
    """``RAG_API_TOKENS`` cannot be used; the message names the entry (never its secret) and the fix."""


@dataclass(frozen=True, slots=True)
class Access:
    """What someone may do. ``collections`` are those that may be seen; empty means all."""

    name: str
    scopes: frozenset[TokenScope]
    collections: tuple[str, ...] = ()

    def may(self, scope: TokenScope) -> bool:
        """Whether this access has a scope."""
        return scope in self.scopes

    def sees(self, collection: str) -> bool:
        """Whether documents of a collection may be shown."""
        return not self.collections or collection in self.collections


EVERYTHING = Access("", frozenset(SCOPES))
"""Where no tokens are set: whoever reaches the app may do everything, and only this machine reaches it."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is kept: the sha256 of it, in hexadecimal, and what it gives."""

    digest: str
    access: Access


class Tokens:
    """The tokens that are accepted; without any, nothing is asked for."""

    def __init__(self, tokens: Sequence[AccessToken]) -> None:
        self._tokens = tuple(tokens)

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def recognise(self, token: str) -> AccessToken | None:
        """The entry of a token. Takes as long for a wrong one as for a right one."""
        return self.of_digest(digest_of(token))

    def of_digest(self, digest: str) -> AccessToken | None:
        """The entry that has a digest."""
        found: AccessToken | None = None
        for known in self._tokens:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_tokens(text: str) -> Tokens:
    """The value of ``RAG_API_TOKENS``.

    Raises:
        AccessError: an entry that cannot be understood, or a token that is too short.
    """
    return Tokens([_parse_entry(entry, number) for number, entry in enumerate(filter(None, re.split(r"[\s,]+", text)), start=1)])


def _parse_entry(entry: str, number: int) -> AccessToken:
    *parts, secret = entry.split(":")
    name = unquote(parts[0]) if parts else f"token {number}"
    if len(parts) > 3:
        raise AccessError(f"RAG_API_TOKENS: entry {number} ({name}) has too many parts. Write NAME:SCOPES:COLLECTIONS:SECRET.")
    scopes = parts[1].split("+") if len(parts) > 1 else SCOPES
    if unknown := set(scopes) - set(SCOPES):
        raise AccessError(f"RAG_API_TOKENS: {name} has the scope {sorted(unknown)[0]!r}. Scopes are read and write, joined by +.")
    collections = tuple(unquote(part) for part in parts[2].split("+")) if len(parts) > 2 else ()
    access = Access(name, frozenset(scope for scope in SCOPES if scope in scopes), tuple(filter(None, collections)))
    return AccessToken(_digest(secret, name), access)


def _digest(secret: str, name: str) -> str:
    if secret.startswith(_HASHED):
        digest = secret.removeprefix(_HASHED).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise AccessError(f"RAG_API_TOKENS: the hash of {name} is not 64 hexadecimal digits. Make a new one: rag token {name}")
        return digest
    if len(secret) < SHORTEST_TOKEN:
        raise AccessError(f"RAG_API_TOKENS: the token of {name} is shorter than {SHORTEST_TOKEN} characters. Make one: rag token {name}")
    return digest_of(secret)


def new_token(name: str, scopes: Iterable[TokenScope], collections: Iterable[str] = ()) -> tuple[str, str]:
    """A fresh token, and its entry for ``RAG_API_TOKENS``, which does not hold it in clear text."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    parts = [quote(name, safe=""), "+".join(scopes), "+".join(quote(one, safe="") for one in collections)]
    return token, ":".join([*(parts if parts[2] else parts[:2]), f"{_HASHED}{digest_of(token)}"])


def require_tokens_beyond_this_machine(settings: Settings) -> None:
    """Raise a RagError when others can reach the app and nobody would ask them who they are."""
    if not is_loopback(settings.host) and settings.api_tokens is None:
        raise RagError(
            f"RAG_HOST is {settings.host}, so others could reach your documents, and no access token is set. "
            "Make one (rag token NAME) and put it into RAG_API_TOKENS, or leave RAG_HOST at 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
