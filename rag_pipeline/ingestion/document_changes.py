"""What people do to documents, one or many: delete, move to another collection, read again, in other languages; and what becomes of each.

Belongs here: what is done in the folder and noted in the catalog. Not here: which documents are meant (``stores/catalog/listing.py``), who
may, HTTP (``ui/api``), what the pipeline does then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages
from rag_pipeline.ingestion.folder.archives import why_not_moved, why_not_removed
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION, archive_of, path_in_archive
from rag_pipeline.ingestion.folder.uploads import collection_in, folder_of
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.document_rows import choose_ocr_languages, reopen_documents, utc_now
from rag_pipeline.stores.catalog.missing_files import confirm_removals

_LANGUAGE = re.compile(r"\w[\w/-]{0,49}", re.ASCII)
"""As Tesseract's are named: ``deu``, ``chi_sim_vert``, ``script/Latin``."""
_NOTED_AT_ONCE = 100
"""A note of a removal counts for ten seconds while the file is still there, and a bucket takes some hundredths of a second for each."""


class OcrLanguageError(RagError):
    """A document cannot be read with these languages; the message says why, and what to do."""

    code = "ocr_language"


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
        CatalogError: it cannot be written. What was not removed until then stays; asking again harms nothing.
    """
    changes = _of_archives(documents, why_not_removed)
    for some in _parts([one for one in documents if one.document_id not in changes]):
        _note(catalog, some)
        changes |= {one.document_id: _change(one, partial(_remove, folder)) for one in some}
    return [changes[one.document_id] for one in documents]


def move_documents(folder: WatchedFolder, catalog: Catalog, documents: Sequence[DocumentStatus], collection: str) -> list[Change]:
    """Put the files of documents into another collection, under their names and in their sub-folders; nothing is overwritten.

    Their text and vectors are known already, so nothing is read or embedded again. What is in an archive moves with it.

    Raises:
        RagError: the catalog cannot be read or written. What was not moved until then stays.
    """
    into = folder_of(collection, catalog)
    there = {one.document_id: Change(one, True, "It was there already.") for one in documents if one.collection == collection_in(into)}
    changes = _of_archives(documents, why_not_moved) | there
    for some in _parts([one for one in documents if one.document_id not in changes]):
        moved = [_change(one, partial(_move, folder, into)) for one in some]
        # Not before: a file that is out of reach is not moved, and must not be taken for one that was deleted.
        _note(catalog, [change.document for change in moved if change.done])
        changes |= {change.document.document_id: change for change in moved}
    return [changes[one.document_id] for one in documents]


def retry_documents(catalog: Catalog, documents: Sequence[DocumentStatus], *, again: bool = False) -> list[Change]:
    """Mark failed documents to be read again; a run finds them by itself.

    ``again``: those too that have not failed, and the documents of the same content with them: what is published answers until then.

    Raises:
        CatalogError: it cannot be written.
    """
    changes = [Change(one, not (why := _why_not_retried(one, again)), why) for one in documents]
    if chosen := [change.document.document_id for change in changes if change.done]:
        reopen_documents(catalog, chosen, again=again)
    return changes


def _why_not_retried(document: DocumentStatus, again: bool) -> str:
    if document.state == "indexed" and not again:
        return f"{document.document} has not failed: it is indexed."
    if document.deletion_held_since:
        return f"The file of {document.document} is missing, so it cannot be read again. Bring it back first."
    return ""


def _remove(folder: WatchedFolder, document: DocumentStatus) -> str:
    with suppress(FileNotFoundError):  # deleted by someone else meanwhile: what was asked for is so
        folder.remove(document.file)
    return ""


def _move(folder: WatchedFolder, into: str, document: DocumentStatus) -> str:
    below = document.file.partition("/")[2] or document.file
    subfolders = below.rpartition("/")[0]
    try:
        moved = folder.move(document.file, f"{into or DEFAULT_COLLECTION}/{subfolders}" if subfolders else into)
    except FileNotFoundError:
        raise RagError("Its file is not there. Bring it back first, or delete the document.") from None
    if moved.outcome == "unchanged":
        return f"The same file was there already, as {moved.name}."
    return f"Another file has its name there, so it became {moved.name}." if moved.outcome == "renamed" else ""


def choose_languages(settings: Settings, catalog: Catalog, document: DocumentStatus, languages: str) -> None:
    """Have a document read with these languages of OCR, as ``RAG_OCR_LANGUAGES`` names them; "": with those of the settings. They are kept
    for its content, so a copy is read so too, and they outlast a move.

    Raises:
        OcrLanguageError: Tesseract has no data for one of them, or the file has not been looked at yet.
    """
    wanted = [one.strip() for one in languages.split("+")] if languages.strip() else []
    known = tesseract_languages()
    # Where workers read documents, what this machine has says nothing; theirs say so on the document's row.
    unknown = [one for one in wanted if one not in known and not (settings.celery_broker_url and _LANGUAGE.fullmatch(one))]
    if unknown:
        there = f"It has {', '.join(known)}." if known else "It is not installed."
        missing = f"Tesseract has no data for {', '.join(map(repr, unknown))}. {there}"
        raise OcrLanguageError(f"{missing} A language is a package of its own, such as tesseract-ocr-deu.")
    if document.content_hash is None:
        raise OcrLanguageError(f"{document.document} has not been looked at yet: wait for the next run.")
    choose_ocr_languages(catalog, document.content_hash, "+".join(dict.fromkeys(wanted)) or None)


def _of_archives(documents: Sequence[DocumentStatus], refusal: Callable[[str], str]) -> dict[str, Change]:
    """What becomes of files in archives: they go along with an archive that is meant too, or stay."""
    chosen = {document.file for document in documents}
    changes = {}
    for one in documents:
        if path_in_archive(one.file):
            goes = one.is_leaving or archive_of(one.file) in chosen
            changes[one.document_id] = Change(one, goes, "" if goes else refusal(one.file))
    return changes


def _parts(documents: Sequence[DocumentStatus]) -> Iterator[Sequence[DocumentStatus]]:
    for begin in range(0, len(documents), _NOTED_AT_ONCE):
        yield documents[begin : begin + _NOTED_AT_ONCE]


def _note(catalog: Catalog, documents: Iterable[DocumentStatus]) -> None:
    if files := {document.file: document.collection for document in documents}:
        confirm_removals(catalog, files, utc_now())


def _change(document: DocumentStatus, act: Callable[[DocumentStatus], str]) -> Change:
    try:
        return Change(document, True, act(document))
    except RagError as error:
        return Change(document, False, str(error))
