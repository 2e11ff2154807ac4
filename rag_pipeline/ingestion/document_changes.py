"""What people do to documents, one or many: delete, move to another collection, read again; and what becomes of each.

Belongs here: what is done in the folder and noted in the catalog. Not here: which documents are meant (``stores/catalog/listing.py``), who
may, HTTP (``ui/api``), what the pipeline does then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.archives import why_not_moved, why_not_removed
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION, archive_of, path_in_archive
from rag_pipeline.ingestion.folder.uploads import folder_of
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.document_rows import reopen_documents, utc_now
from rag_pipeline.stores.catalog.missing_files import confirm_removals

_NOTED_AT_ONCE = 100
"""A note of a removal counts for ten seconds while the file is still there, and a bucket takes some hundredths of a second for each."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a document. ``message``: why nothing was done, or what is to be known of what was."""

    document: DocumentStatus
    done: bool
    message: str = ""


def delete_documents(folder: WatchedFolder, catalog: Catalog, documents: Sequence[DocumentStatus]) -> list[Change]:
    """Remove the files of documents from the watched folder: of a link, the link; of an archive all documents in it go.

    What is in an archive cannot be removed by itself. Documents leave the answers at the next look at the folder.

    Raises:
        CatalogError: it cannot be written; nothing was removed.
    """
    return _taken_out(catalog, documents, why_not_removed, partial(_remove, folder))


def _remove(folder: WatchedFolder, document: DocumentStatus) -> str:
    with suppress(FileNotFoundError):  # deleted by someone else meanwhile: what was asked for is so
        folder.remove(document.file)
    return ""


def move_documents(folder: WatchedFolder, catalog: Catalog, documents: Sequence[DocumentStatus], collection: str) -> list[Change]:
    """Put the files of documents into another collection, under their names and in their sub-folders; nothing is overwritten.

    Their text and vectors are known already, so nothing is read or embedded again. What is in an archive moves with it.

    Raises:
        RagError: the catalog cannot be read or written; nothing was moved.
    """
    into = folder_of(collection, catalog)
    return _taken_out(catalog, documents, why_not_moved, partial(_move, folder, into))


def _move(folder: WatchedFolder, into: str, document: DocumentStatus) -> str:
    below = document.file.partition("/")[2] or document.file
    subfolders, _, name = below.rpartition("/")
    try:
        moved = folder.move(document.file, f"{into or DEFAULT_COLLECTION}/{subfolders}" if subfolders else into)
    except FileNotFoundError:
        raise RagError("Its file is not there. Bring it back first, or delete the document.") from None
    if moved.outcome == "unchanged":
        return f"The same file is there already, as {moved.name}."
    return f"Another file has its name there, so it became {moved.name}." if moved.outcome == "renamed" else ""


def retry_documents(catalog: Catalog, documents: Sequence[DocumentStatus]) -> list[Change]:
    """Mark failed documents to be read again; a run finds them by itself.

    Raises:
        CatalogError: it cannot be written.
    """
    changes = [Change(one, not (why := why_not_retried(one)), why) for one in documents]
    reopen_documents(catalog, [change.document.document_id for change in changes if change.done])
    return changes


def why_not_retried(document: DocumentStatus) -> str:
    """What to say to someone who wants a document read again for which that is no way out; else empty."""
    if document.state == "indexed":
        return f"{document.document} has not failed: it is indexed."
    if document.deletion_held_since:
        return f"The file of {document.document} is missing, so it cannot be read again. Bring it back first."
    return ""


def _taken_out(
    catalog: Catalog, documents: Sequence[DocumentStatus], refusal: Callable[[str], str], take: Callable[[DocumentStatus], str]
) -> list[Change]:
    """Note that files are being removed, and remove them: some at a time. What is in an archive goes along with it, or stays."""
    chosen = {document.file for document in documents}
    changes: dict[str, Change] = {}
    outer: list[DocumentStatus] = []
    for one in documents:
        if not path_in_archive(one.file):
            outer.append(one)
        elif one.is_leaving or archive_of(one.file) in chosen:
            changes[one.document_id] = Change(one, True)
        else:
            changes[one.document_id] = Change(one, False, refusal(one.file))
    for begin in range(0, len(outer), _NOTED_AT_ONCE):
        changes |= {change.document.document_id: change for change in _some(catalog, outer[begin : begin + _NOTED_AT_ONCE], begin, take)}
    return [changes[document.document_id] for document in documents]


def _some(catalog: Catalog, documents: Sequence[DocumentStatus], begin: int, take: Callable[[DocumentStatus], str]) -> list[Change]:
    try:
        confirm_removals(catalog, {document.file: document.collection for document in documents}, utc_now())
    except RagError as error:
        if not begin:
            raise
        return [Change(document, False, str(error)) for document in documents]
    return [_one(document, take) for document in documents]


def _one(document: DocumentStatus, take: Callable[[DocumentStatus], str]) -> Change:
    try:
        return Change(document, True, take(document))
    except RagError as error:
        return Change(document, False, str(error))
