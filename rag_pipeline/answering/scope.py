"""Where an answer may come from.

Belongs here: the choice itself. Not here: whether what is chosen exists (``retrieve.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Documents by name, place, type, date and tags; what is left empty does not narrow.

    ``documents`` are whole paths under the collection, ``folder`` is one that documents lie in or below. ``types`` are endings of file
    names without the dot (``pdf``). A document must have all of the ``tags``. Its date is that of its file's last change; ``before`` is
    exclusive; both in UTC, without a zone.
    """

    documents: tuple[str, ...] = ()
    folder: str = ""
    types: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """What narrows, by name; times as ``2026-01-31T00:00:00``."""
        named = {"documents": list(self.documents), "folder": self.folder, "types": list(self.types), "tags": list(self.tags)}
        times = {name: time.isoformat() for name, time in (("since", self.since), ("before", self.before)) if time}
        return {**{name: value for name, value in named.items() if value}, **times}


EVERY_DOCUMENT = DocumentFilter()


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections, none meaning all, and which of their documents may be read.

    ``tagged``: collection → paths of the documents that have all tags of the filter, by whoever knows tags; None where it has none.
    ``nothing_indexed``: none of these collections is indexed yet, and whoever asks may hear nothing of the others.
    """

    collections: tuple[str, ...] = ()
    filter: DocumentFilter = EVERY_DOCUMENT
    nothing_indexed: bool = False
    tagged: Mapping[str, tuple[str, ...]] | None = None


EVERYWHERE = Scope()
"""All documents of all collections."""
