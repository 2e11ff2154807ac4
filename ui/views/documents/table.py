"""The documents as a table, the folders beside it, and the panel that takes new ones.

Belongs here: what is said of each document and of the list, pure. Not here: markup (``templates/documents``), behaviour
(``static/documents/list.js``, ``static/documents/uploads.js``), where the list comes from (``api/documents/listed.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from rag_pipeline.document_life import HeldDeletions, HoldRules, stage_of
from rag_pipeline.ingestion.folder.example_documents import COLLECTION
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import HELD, Choice, Order, SortKey, StateCounts
from rag_pipeline.stores.catalog.narrowing import MOST_FOLDERS, Narrowing
from rag_pipeline.stores.conversations.tags import NOTHING_TAGGED, Tagged
from ui.views.environment import render
from ui.views.language import gettext, message, ngettext
from ui.views.language.formats import moment_utc, number, size
from ui.views.language.told import Told, held_deletions_in_words, reason_of, stage_in_words, told

STATES = (message("indexed"), message("pending"), message("failed"), message("unsupported"), message("empty"))
ROWS = 100
"""On a page."""
COLUMNS: Mapping[SortKey, str] = {
    "name": message("Document"),
    "collection": message("Collection"),
    "state": message("State"),
    "pages": message("Pages"),
    "chunks": message("Chunks"),
    "size": message("Size"),
    "indexed": message("Indexed"),
}
_NUMBERS = ("pages", "chunks", "size")


@dataclass(frozen=True, slots=True)
class Row:
    """A document as words; "" where there is nothing to say.

    Attributes:
        retry: the address that has it read again.
        gone: whether somebody may say that its missing file was deleted.
    """

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
    leaving: bool
    error: str
    original_error: str
    retry: str
    gone: bool
    warnings: tuple[str, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column to sort by. ``sorted``: how it is now (``ascending``, ``descending``), "" where it is not."""

    key: str
    words: str
    is_number: bool
    sorted: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A collection, or a folder in one, with those in it where it is open; ``documents``: in it or below it, as a number in words."""

    name: str
    collection: str
    path: str
    documents: str
    is_chosen: bool
    below: tuple[Folder, ...] = ()
    more: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of documents as it was found.

    Attributes:
        documents: of the page.
        total: on all pages.
        number: of the page, from 1.
        choice: which documents.
        order: in which order.
        narrowing: by what else they could be chosen.
        being_read: files that are read just now, as paths below the uploads folder.
        tagged: all tags.
        tag_counts: key of a tag → how many documents it would leave, the most frequent first.
    """

    documents: Sequence[DocumentStatus]
    total: int
    number: int
    choice: Choice
    order: Order
    narrowing: Narrowing
    being_read: Set[str] = frozenset()
    tagged: Tagged = NOTHING_TAGGED
    tag_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions of a collection that are held; ``confirm``: the address that carries them out, "" for those who may not."""

    collection: str
    words: str
    confirm: str


def list_html(listed: Listed, counts: StateCounts, held: Sequence[Held] = (), dagster_url: str = "", *, may_write: bool = False) -> str:
    """The parts of the tab that change: the browser puts each where it belongs, if it differs from what is there.

    Args:
        listed: the page.
        counts: of all documents that may be seen.
        held: of :func:`held_banners`.
        dagster_url: "" where the reader cannot reach it.
        may_write: whether documents may be changed.
    """
    pages = max(1, -(-listed.total // ROWS))
    return render(
        "documents/parts.html",
        by_state=_by_state(counts),
        dagster_url=dagster_url,
        held=held,
        held_state=HELD,
        folders=_folders(listed),
        collections=sorted(counts),
        types=listed.narrowing.types,
        tags_trouble=reason_of("conversations", listed.tagged.trouble).words if listed.tagged.trouble else "",
        tags=[(listed.tagged.names[key], number(documents)) for key, documents in listed.tag_counts.items()],
        rows=[_row(document, listed, may_write) for document in listed.documents],
        columns=[_column(key, listed.order) for key in COLUMNS],
        nothing=gettext("No document matches.") if counts else gettext("No documents yet. Drop some above."),
        number=listed.number,
        pages=pages,
        total=ngettext("{number} document", "{number} documents", listed.total),
        total_number=listed.total,
        may_write=may_write,
        names=suggested_collections(tuple(counts)),
    )


def _by_state(counts: StateCounts) -> tuple[tuple[str, str], ...]:
    numbers = {state: sum(states.get(state, 0) for states in counts.values()) for state in STATES}
    return tuple((state, number(count)) for state, count in numbers.items() if count)


def _column(key: SortKey, order: Order) -> Column:
    direction = "descending" if order.descending else "ascending"
    return Column(key, COLUMNS[key], key in _NUMBERS, direction if key == order.by else "")


def _row(document: DocumentStatus, listed: Listed, may_write: bool) -> Row:
    held, indexed, error = document.deletion_held_since is not None, document.indexed_at, error_of(document)
    is_read_now = document.file in listed.being_read
    stage = stage_of(document.state, document.chunks, document.vectors, is_read_now=is_read_now, is_leaving=document.is_leaving)
    return Row(
        document_id=document.document_id,
        name=document.document,
        collection=document.collection,
        state="leaving" if document.is_leaving else document.state,
        stage=stage_in_words(stage),
        pages=number(document.pages) if document.pages else "",
        chunks=number(document.chunks) if document.chunks else "",
        size=size(document.size_bytes),
        indexed_at=f"{indexed.isoformat()}Z" if indexed else "",
        indexed=moment_utc(indexed) if indexed else "",
        held=held,
        leaving=document.is_leaving,
        error=error.words,
        original_error=error.original,
        retry=f"/api/v1/documents/{document.document_id}/retry" if may_write and not held and not document.is_leaving else "",
        gone=held and may_write,
        warnings=() if document.error else tuple(map(told, document.warnings)),
        tags=listed.tagged.of(document.document_id) or (),
    )


def error_of(document: DocumentStatus) -> Told:
    """Why there is no answer of it, how often it was tried; nothing where there is no reason."""
    if not document.error:
        return Told("")
    reason = reason_of(document.error_code or "", document.error)
    if document.attempts < 2:
        return reason
    tried = ngettext("Tried {number} time.", "Tried {number} times.", document.attempts)
    return replace(reason, words=f"{reason.words} {tried}")


def _folders(listed: Listed) -> list[Folder]:
    """All collections, the chosen one open down to the chosen folder."""
    chosen, folder = listed.choice.collection, listed.choice.folder.strip("/")
    found = []
    for name, documents in listed.narrowing.collections.items():
        one = Folder(name, name, "", number(documents), name == chosen and not folder)
        found.append(_opened(one, listed.narrowing.folders, folder) if name == chosen else one)
    return found


def _opened(one: Folder, folders: Mapping[str, Mapping[str, int]], chosen: str) -> Folder:
    if one.path not in folders:
        return one
    below = []
    for name, documents in folders[one.path].items():
        path = f"{one.path}/{name}".lstrip("/")
        below.append(_opened(Folder(name, one.collection, path, number(documents), path == chosen), folders, chosen))
    more = gettext("The first {number} folders. Find others by name.", number=MOST_FOLDERS) if len(below) == MOST_FOLDERS else ""
    return replace(one, below=tuple(below), more=more)


def held_banners(held: Mapping[str, HeldDeletions], rules: HoldRules, *, may_write: bool) -> list[Held]:
    """One for each collection whose deletions are held, with a button for those who may confirm them."""
    return [Held(name, held_deletions_in_words(one, rules), _confirm(name) if may_write else "") for name, one in held.items()]


def _confirm(collection: str) -> str:
    return f"/api/v1/collections/{quote(collection, safe='')}/confirm-deletions"


def suggested_collections(collections: Sequence[str]) -> list[str]:
    """The names that fields for a collection to put something into suggest."""
    return list(dict.fromkeys((DEFAULT_COLLECTION, *(name for name in collections if name != COLLECTION))))


def upload_html(settings: Settings) -> str:
    """A place to drop files and folders on, and the collection they go to."""
    return render("documents/upload.html", collection=DEFAULT_COLLECTION, uploads=str(settings.uploads))


def frame_html() -> str:
    """What does not change of the list: the filter, and the places of its parts."""
    return render("documents/frame.html", states=[*STATES, HELD], columns=COLUMNS.items())
