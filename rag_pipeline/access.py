"""Access tokens: who may read and who may write, and in which collections.

Belongs here: the setting's grammar, making tokens, recognising them. Not here: HTTP (``ui/web/gatekeeper.py``).

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
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
    """What someone may do.

    Attributes:
        name: what messages call them.
        scopes: what may be done.
        collections: those that may be seen; empty means all.
        digest: the sha256 of their token, in hexadecimal. Whatever belongs to someone goes by it: a name may be given to another token,
            and a position moves when a token before it is taken out. Empty where no tokens are set.
    """

    name: str
    scopes: frozenset[TokenScope]
    collections: tuple[str, ...] = ()
    digest: str = ""

    def may(self, scope: TokenScope) -> bool:
        """Whether this access has a scope."""
        return scope in self.scopes

    def sees(self, collection: str) -> bool:
        """Whether documents of a collection may be shown."""
        return not self.collections or collection in self.collections


EVERYTHING = Access("", frozenset(SCOPES))
"""Where no tokens are set: whoever reaches the app may do everything, and only this machine reaches it."""


class Tokens:
    """The tokens that are accepted; without any, nothing is asked for.

    Args:
        accesses: what each token gives.
        former_owners: by what name older versions kept a token's conversations, and its digest.
    """

    def __init__(self, accesses: Sequence[Access], former_owners: Mapping[str, str] | None = None) -> None:
        self._accesses = tuple(accesses)
        self.former_owners = dict(former_owners or {})

    def __bool__(self) -> bool:
        return bool(self._accesses)

    def recognise(self, token: str) -> Access | None:
        """What a token gives. Takes as long for a wrong one as for a right one."""
        return self.of_digest(digest_of(token))

    def of_digest(self, digest: str) -> Access | None:
        """What the token with a digest gives."""
        found: Access | None = None
        for known in self._accesses:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_tokens(text: str) -> Tokens:
    """The value of ``RAG_API_TOKENS``.

    Raises:
        AccessError: no token in it, an entry that cannot be understood, a token that is too short, or one that is there twice.
    """
    entries = [entry for entry in re.split(r"[\s,]+", text) if entry]
    if not entries:
        raise AccessError(f"RAG_API_TOKENS is set, but holds no token, so nobody could be let in. {_REMEDY}")
    accesses = [_parse_entry(entry, number) for number, entry in enumerate(entries, start=1)]
    for first, second in combinations(accesses, 2):
        if first.digest == second.digest:
            raise AccessError(f"RAG_API_TOKENS: {first.name} and {second.name} are the same token. Take one of the two entries out.")
    return Tokens(accesses, _former_owners(entries, accesses))


_REMEDY = "Make one (rag token NAME) and put in what it prints, or leave RAG_API_TOKENS out altogether."


def hashed_entries(text: str) -> list[str]:
    """The entries of ``RAG_API_TOKENS`` without a token in clear text: what may be kept of them.

    Raises:
        AccessError: as :func:`parse_tokens`.
    """
    entries = [entry for entry in re.split(r"[\s,]+", text) if entry]
    digests = [_parse_entry(entry, number).digest for number, entry in enumerate(entries, start=1)]
    return [":".join([*entry.split(":")[:-1], f"{_HASHED}{digest}"]) for entry, digest in zip(entries, digests, strict=True)]


def _former_owners(entries: Sequence[str], accesses: Sequence[Access]) -> dict[str, str]:
    """Two tokens of one name shared their conversations: the first one has them now. A name that looks like a position is neither's."""
    named = [access for entry, access in zip(entries, accesses, strict=True) if ":" in entry]
    unnamed = [access for access in accesses if access not in named]
    clashing = {access.name for access in named} & {access.name for access in unnamed}
    return {access.name: access.digest for access in (*reversed(named), *unnamed) if access.name not in clashing}


def _parse_entry(entry: str, number: int) -> Access:
    *parts, secret = entry.split(":")
    if entry.startswith("#"):
        raise AccessError(f"RAG_API_TOKENS: entry {number} begins with #, and there are no comments in it. {_REMEDY}")
    name = unquote(parts[0]) if parts else f"token {number}"
    if not name:
        raise AccessError(f"RAG_API_TOKENS: entry {number} has no name. Write NAME:SCOPES:COLLECTIONS:SECRET.")
    if len(parts) > 3:
        raise AccessError(f"RAG_API_TOKENS: entry {number} ({name}) has too many parts. Write NAME:SCOPES:COLLECTIONS:SECRET.")
    scopes = parts[1].split("+") if len(parts) > 1 else SCOPES
    if unknown := set(scopes) - set(SCOPES):
        raise AccessError(f"RAG_API_TOKENS: {name} has the scope {sorted(unknown)[0]!r}. Scopes are read and write, joined by +.")
    collections = tuple(unquote(part) for part in parts[2].split("+")) if len(parts) > 2 else ()
    if not all(collections):
        raise AccessError(f"RAG_API_TOKENS: {name} has an empty collection. Name it, or leave the part out: without it, all are meant.")
    return Access(name, frozenset(scope for scope in SCOPES if scope in scopes), collections, _digest(secret, name))


def _digest(secret: str, name: str) -> str:
    if secret.lower().startswith(_HASHED):  # in capitals it must not become a token, which everyone could read in the setting
        digest = secret.lower().removeprefix(_HASHED)
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise AccessError(f"RAG_API_TOKENS: the hash of {name} is not 64 hexadecimal digits. Make a new one: rag token {name}")
        return digest
    if len(secret) < SHORTEST_TOKEN:
        raise AccessError(f"RAG_API_TOKENS: the token of {name} is shorter than {SHORTEST_TOKEN} characters. Make one: rag token {name}")
    return digest_of(secret)


def new_token(name: str, scopes: Iterable[TokenScope], collections: Iterable[str] = ()) -> tuple[str, str]:
    """A fresh token, and its entry for ``RAG_API_TOKENS``, which does not hold it in clear text.

    Raises:
        AccessError: the name or a collection is empty.
    """
    wanted = tuple(collections)
    if not name:
        raise AccessError("A token needs a name: rag token NAME")
    if not all(wanted):
        raise AccessError("A collection has no name. Name it, or leave --collection out: without it, the token is for all collections.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    parts = [quote(name, safe=""), "+".join(scopes), "+".join(quote(one, safe="") for one in wanted)]
    return token, ":".join([*(parts if wanted else parts[:2]), f"{_HASHED}{digest_of(token)}"])


def accepted_tokens(settings: Settings) -> Tokens:
    """The tokens that the settings name; to be asked for before anything is opened to anyone.

    Raises:
        AccessError: ``RAG_API_TOKENS`` cannot be used.
        RagError: others can reach the app, and nobody would ask them who they are.
    """
    if settings.api_tokens is not None:
        return parse_tokens(settings.api_tokens.get_secret_value())
    if not is_loopback(settings.host):
        raise RagError(
            f"RAG_HOST is {settings.host}, so others could reach your documents, and no access token is set. "
            "Make one (rag token NAME) and put it into RAG_API_TOKENS, or leave RAG_HOST at 127.0.0.1."
        )
    return Tokens(())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
