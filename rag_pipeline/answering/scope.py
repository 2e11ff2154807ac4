"""Where an answer may come from.

Belongs here: the choice itself. Not here: whether what is chosen exists (``retrieve.py``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections, and in them the documents (paths under the collection), that may be read; empty means all."""

    collections: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


EVERYWHERE = Scope()
"""All documents of all collections."""
