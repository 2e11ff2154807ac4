"""The documents as a table, and the panel that takes new ones.

Belongs here: what is said of each document, pure. Not here: markup (``templates/documents.html`` and those beside it), components
(``pages/documents.py``), the panel's behaviour (``static/app.js``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from urllib.parse import quote

from rag_pipeline.document_life import HeldDeletions, HoldRules, held_in_words, stage_of
from rag_pipeline.ingestion.folder.example_documents import COLLECTION
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import StateCounts
from ui.views.environment import render

STATES = ("indexed", "pending", "failed", "unsupported", "empty")
EVERY = ""
MOST_ROWS = 200
"""More is no reading matter, and every page that is open is sent the table whenever it changes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A document as words; "" where there is nothing to say. ``retry``: the address that has it read again."""

    document_id: str
    name: str
    collection: str
    state: str
    stage: str
    pages: str
    chunks: str
    size: str
    indexed_at: str
    indexed: str
    held: bool
    error: str
    retry: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``by_state``: how many documents are in which state. ``more`` says that there are others, ``nothing`` why there are no rows."""

    by_state: tuple[tuple[str, str], ...]
    dagster_url: str
    rows: tuple[Row, ...]
    more: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions of a collection that are held; ``confirm``: the address that carries them out, "" for those who may not."""

    collection: str
    words: str
    confirm: str


def table_html(
    chosen: Sequence[DocumentStatus],
    number: int,
    counts: StateCounts,
    dagster_url: str,
    *,
    may_write: bool = False,
    being_read: Set[str] = frozenset(),
) -> str:
    """The first of ``number`` chosen documents, below a line that counts all that may be seen by state.

    ``being_read``: files that are read just now, as paths below the uploads folder.
    """
    rows = tuple(_row(document, may_write, document.file in being_read) for document in chosen)
    more = f"The first {len(chosen)} of {number:,}. Choose a collection or a state to see others." if number > len(chosen) else ""
    nothing = "No document matches." if counts else "No documents yet. Drop some above."
    return render("documents.html", table=Table(_by_state(counts), dagster_url, rows, more, nothing))


def _by_state(counts: StateCounts) -> tuple[tuple[str, str], ...]:
    numbers = {state: sum(states.get(state, 0) for states in counts.values()) for state in STATES}
    return tuple((state, f"{number:,}") for state, number in numbers.items() if number)


def _row(document: DocumentStatus, may_write: bool, is_read_now: bool) -> Row:
    held, indexed = document.deletion_held_since is not None, document.indexed_at
    return Row(
        document_id=document.document_id,
        name=document.document,
        collection=document.collection,
        state=document.state,
        stage=stage_of(document.state, document.chunks, document.vectors, is_read_now=is_read_now),
        pages=f"{document.pages:,}" if document.pages else "",
        chunks=f"{document.chunks:,}" if document.chunks else "",
        size=size_in_words(document.size_bytes),
        indexed_at=f"{indexed.isoformat()}Z" if indexed else "",
        indexed=f"{indexed:%Y-%m-%d %H:%M} UTC" if indexed else "",
        held=held,
        error=_error(document),
        retry=f"/api/v1/documents/{document.document_id}/retry" if may_write and not held else "",
        warnings=() if document.error else tuple(document.warnings),
    )


def _error(document: DocumentStatus) -> str:
    return f"{document.error} Tried {document.attempts} times." if document.error and document.attempts > 1 else document.error or ""


def size_in_words(size_bytes: int) -> str:
    """``512 B``, ``3.4 kB``, ``12 MB`` (thousands, as file managers count)."""
    size, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


def held_html(held: Mapping[str, HeldDeletions], rules: HoldRules, *, may_write: bool) -> str:
    """A banner for each collection whose deletions are held, with a button for those who may confirm them."""
    shown = [Held(name, words, _confirm(name) if may_write else "") for name, words in held_in_words(held, rules).items()]
    return render("held.html", held=shown)


def _confirm(collection: str) -> str:
    return f"/api/v1/collections/{quote(collection, safe='')}/confirm-deletions"


def suggestions_html(collections: Sequence[str]) -> str:
    """The names that the upload panel's collection field suggests. Not part of the panel: an update must not undo what is typed there."""
    names = dict.fromkeys((DEFAULT_COLLECTION, *(name for name in collections if name != COLLECTION)))
    return render("suggestions.html", names=list(names))


def upload_html(settings: Settings) -> str:
    """A place to drop files on, and the collection they go to."""
    return render("upload.html", collection=DEFAULT_COLLECTION, uploads=str(settings.uploads))
