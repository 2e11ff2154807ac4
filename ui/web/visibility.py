"""What someone may see and do: the one place where an access meets documents, collections and questions.

Belongs here: decisions, pure. Not here: who asks (``gatekeeper.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from rag_pipeline.access import Access, TokenScope
from rag_pipeline.answering.scope import EVERY_DOCUMENT, DocumentFilter, Scope
from rag_pipeline.errors import RagError
from rag_pipeline.stores.catalog.listing import Choice


class ForbiddenError(RagError):
    """The token does not allow it."""

    code = "forbidden"


def require(access: Access, scope: TokenScope) -> None:
    """Raise :class:`ForbiddenError` unless the access has a scope."""
    if not access.may(scope):
        raise ForbiddenError(f"The token {access.name!r} may not {scope}. Use one that may: rag token NAME --scope {scope}")


def require_collection(access: Access, collection: str) -> None:
    """Raise :class:`ForbiddenError` unless documents of a collection may be seen."""
    if not access.sees(collection):
        raise ForbiddenError(f"The token {access.name!r} is not for the collection {collection!r}.")


def may_choose_model(access: Access) -> bool:
    """Whether someone may say which language model of this machine writes the answers: it writes those of everybody."""
    return access.may("write") and not access.collections


def require_choosing_model(access: Access) -> None:
    """Raise :class:`ForbiddenError` unless :func:`may_choose_model`."""
    require(access, "write")
    if not may_choose_model(access):
        raise ForbiddenError(f"The token {access.name!r} is for some collections only, and a language model writes everybody's answers.")


def choice_of(access: Access, collection: str = "", state: str = "", name: str = "") -> Choice:
    """The documents that may be shown, narrowed to what is asked for ("": not narrowed)."""
    if collection:
        return Choice((collection,) if access.sees(collection) else (), state, name)
    return Choice(access.collections or None, state, name)


def scope_of(access: Access, collections: Sequence[str], existing: Sequence[str], wanted: DocumentFilter = EVERY_DOCUMENT) -> Scope:
    """Where an answer may come from.

    Args:
        access: who asks.
        collections: those asked for; none: all that may be seen.
        existing: those that are indexed.
        wanted: which of their documents.

    Raises:
        ForbiddenError: a collection was asked for that may not be seen.
    """
    for collection in collections:
        require_collection(access, collection)
    if collections or not access.collections:
        return Scope(tuple(collections), wanted)
    seen = tuple(name for name in existing if access.sees(name))
    # An empty scope would mean everything. That nothing is indexed yet is no lack of rights: it is for the answer to say.
    return Scope(seen or access.collections, wanted, nothing_indexed=not seen)
