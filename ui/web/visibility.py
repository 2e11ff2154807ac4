"""What someone may see and do: the one place where an access meets documents, collections and questions.

Belongs here: decisions, pure. Not here: who asks (``gatekeeper.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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


def may_everything(access: Access) -> bool:
    """Whether someone may write, and in all collections: what concerns the machine, or everybody's answers, is for nobody else."""
    return access.may("write") and not access.collections


def require_everything(access: Access) -> None:
    """Raise :class:`ForbiddenError` unless an access may do everything."""
    require(access, "write")
    if not may_everything(access):
        raise ForbiddenError(f"The token {access.name!r} is not for all collections. Use one that is: rag token NAME")


def choice_of(access: Access, wanted: Choice) -> Choice:
    """What is asked for, of the documents that may be shown."""
    return replace(wanted, collections=access.collections or None)


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
