"""A document's own page: what is known of it, what was left out of it and why, and its text as the index has it.

Belongs here: what is said, pure. Not here: markup (``templates/document/page.html``), a part of the text (``part.py``), routes
(``ui/api/documents/page.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rag_pipeline.document_life import stage_of
from rag_pipeline.ingestion.extract.registry import family_of
from rag_pipeline.ingestion.folder.archives import why_not_removed
from rag_pipeline.ingestion.folder.listing import path_in_archive
from rag_pipeline.models import Hit, page_runs
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.document_text import MOST_COPIES, DocumentDetails, TextPart
from rag_pipeline.stores.conversations import AskedAbout
from rag_pipeline.stores.vectors import Manifest
from rag_pipeline.stores.vectors.languages import language_of
from ui.views.citations import passage_url, snippet
from ui.views.documents.links import PDF, document_url, original_url
from ui.views.documents.part import ShownPart, page_word, shown_part
from ui.views.documents.table import size_in_words
from ui.views.environment import render

_FUNCTION_WORDS = 5
"""Different ones of a language in a text, for it to be said that it is in that language."""
_QUESTION_CHARACTERS = 160
_PICTURES = "Pictures are read where they stand in the place of text, and nowhere else."
_EDGES = "Headers and footers, layouts and master slides are read once each."
_LEFT_OUT_OF = {
    "pdf": "Of lines that pages repeat at their edges, such as headers and page numbers, the first is read. Pictures beside text are not.",
    "word": f"{_EDGES} {_PICTURES} Text that was deleted with changes tracked is not read.",
    "powerpoint": f"{_EDGES} {_PICTURES}",
    "open_document": f"{_EDGES} {_PICTURES}",
    "html": "Navigation, lists of links, headers and footers of the site and banners are left out, where enough is left without them.",
}
"""What is never read of the documents of a family, and so is no warning."""
_WANT_A_KEY = {"mail", "outlook", "epub"}
"""Families whose encrypted documents no password opens."""
_READ_AS_NOW = "the family of formats and its version, part of the key of what was read"
_OTHERWISE = "read by another version, or with other programs and passwords than there are now"


@dataclass(frozen=True, slots=True)
class Look:
    """All that was found out about a document for one who looks at it.

    Attributes:
        part: of its text; None where there is none.
        manifest: of its collection's index; None where nothing is published.
        questions: of this reader alone, whose answers cite it; ``questions_failed`` says why they cannot be shown.
        passage: the one of it that the reader came from.
        tags: None where they cannot be read; its questions cannot, then, and say why.
    """

    details: DocumentDetails
    part: TextPart | None
    manifest: Manifest | None
    questions: Sequence[AskedAbout]
    questions_failed: str
    passage: Hit | None
    may_write: bool
    is_read_now: bool
    tags: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is known. ``moment``: the same as ISO 8601, where it is a time."""

    name: str
    words: str
    moment: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list, which may lead somewhere."""

    words: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows; "" where there is nothing to say, or to do."""

    document_id: str
    name: str
    collection: str
    state: str
    stage: str
    passage: str
    error: str
    held: bool
    original: str
    opens: bool
    retry: str
    retry_words: str
    delete: str
    password: str
    advice: str
    facts: tuple[Fact, ...]
    left_out: tuple[Line, ...]
    copies: tuple[Line, ...]
    questions: tuple[Line, ...]
    questions_failed: str
    shown: str
    unit: str
    asks: str
    most: int
    without_text: str


def document_page(look: Look) -> str:
    """The whole page."""
    status = look.details.status
    part: ShownPart | None = shown_part(status, look.part, look.passage.chunk_id if look.passage else "") if look.part else None
    return render("document/page.html", page=_page(look), part=part, tags=look.tags, may_write=look.may_write)


def _page(look: Look) -> Page:
    details, status = look.details, look.details.status
    held = status.deletion_held_since is not None
    retry, words = _retry(look, held)
    error = f"{status.error} Tried {status.attempts} times." if status.error and status.attempts > 1 else status.error or ""
    return Page(
        document_id=status.document_id,
        name=status.document,
        collection=status.collection,
        state=status.state,
        stage=stage_of(status.state, status.chunks, status.vectors, is_read_now=look.is_read_now),
        passage=passage_url(look.passage) if look.passage else "",
        error=error,
        held=held,
        original=original_url(status.document_id),
        opens=status.media_type == PDF,
        retry=retry,
        retry_words=words,
        delete=f"/api/v1/documents/{status.document_id}" if look.may_write and not path_in_archive(status.file) else "",
        password=f"/api/v1/documents/{status.document_id}/password" if look.may_write and not held and wants_password(status) else "",
        advice=_advice(look, retry),
        facts=tuple(_facts(look)),
        left_out=tuple(_left_out(details, look.part)),
        copies=tuple(_copies(details)),
        questions=tuple(map(_question, look.questions)),
        questions_failed=look.questions_failed,
        shown="chunks" if look.passage else "elements",
        unit=page_word(status) if status.pages else "Part",
        asks="page" if status.pages else "part",
        most=status.pages or (len(look.part.extents) if look.part else 1),
        without_text=_without_text(details),
    )


def _retry(look: Look, held: bool) -> tuple[str, str]:
    """Where to send for it to be read again, and what the button says."""
    status = look.details.status
    nothing_yet = status.state == "pending" and look.part is None
    if not look.may_write or held or nothing_yet:
        return "", ""
    address = f"/api/v1/documents/{status.document_id}/retry"
    return (address, "Retry") if status.error else (f"{address}?again=true", "Read again")


def wants_password(status: DocumentStatus) -> bool:
    """Whether a document failed for want of a password that somebody may know: encrypted mail and books want a key instead."""
    family = family_of(status.media_type or "")
    return status.error_code == "password_protected" and not (family and family.name in _WANT_A_KEY)


def _advice(look: Look, retry: str) -> str:
    status = look.details.status
    said = []
    if retry and not status.error:
        said.append("Reading it again is by today's settings, OCR languages and list of passwords; what is published answers until then.")
    if look.may_write and path_in_archive(status.file):
        said.append(why_not_removed(status.file))
    return " ".join(said)


def _facts(look: Look) -> Iterator[Fact]:
    details, status = look.details, look.details.status
    family = family_of(status.media_type or "")
    yield Fact("Type", family.words if family else status.media_type or "not told", note=status.media_type or "")
    yield Fact("Size", size_in_words(status.size_bytes), note=f"{status.size_bytes:,} bytes")
    if status.pages:
        yield Fact(f"{page_word(status)}s", f"{status.pages:,}")
    yield Fact("Chunks", f"{status.chunks:,}", note="in the index")
    yield Fact("Vectors", f"{status.vectors:,}", note="chunks that are found by their meaning too")
    if language := language_of(details.sample, _FUNCTION_WORDS):
        yield Fact("Language", language, note="told by its function words")
    yield from (
        Fact(name, f"{moment:%Y-%m-%d %H:%M} UTC", f"{moment.isoformat()}Z")
        for name, moment in (("Found", details.added_at), ("Read", details.read_at), ("Indexed", status.indexed_at))
        if moment
    )
    if family and look.part:
        reader = f"{family.name} {family.version}"
        as_now = Fact("Reader", reader, note=_READ_AS_NOW)
        yield as_now if details.read_as_now else Fact("Reader", f"otherwise than {reader}", note=_OTHERWISE)
    if look.manifest and status.chunks:
        yield Fact("Index", look.manifest.version, note=f"of the collection, with vectors of {look.manifest.embedding_model}")


def _left_out(details: DocumentDetails, part: TextPart | None) -> Iterator[Line]:
    """What the reading noted, what follows from what it kept, and what is never read."""
    status = details.status
    yield from (Line(warning) for warning in status.warnings)
    if not part:
        return
    empty = [extent.page for extent in part.extents if extent.first is None and extent.page]
    if empty:
        yield Line(f"No text was found on {pages_in_words(empty)}.", _first_of(status.document_id, empty))
    for _, text, page in details.edges:
        yield Line(f"Kept once, at the edge of {f'page {page:,}' if page else 'the pages'}: “{snippet(text)}”")
    family = family_of(status.media_type or "")
    if family and family.name in _LEFT_OUT_OF:
        yield Line(_LEFT_OUT_OF[family.name], note="in every document of this type")


def _first_of(document_id: str, pages: Sequence[int]) -> str:
    return document_url(document_id, page=pages[0])


def pages_in_words(pages: Sequence[int]) -> str:
    """``page 3``, ``pages 3, 7–9``."""
    words = ", ".join(f"{first:,}" if first == last else f"{first:,}–{last:,}" for first, last in page_runs(pages))
    return f"page{'s' if len(pages) > 1 else ''} {words}"


def _copies(details: DocumentDetails) -> Iterator[Line]:
    yield from (Line(f"{one.collection}/{one.document}", document_url(one.document_id)) for one in details.copies)
    if len(details.copies) == MOST_COPIES:
        yield Line("There may be others.")


def _question(one: AskedAbout) -> Line:
    day: datetime = one.answered_at
    return Line(snippet(one.question, _QUESTION_CHARACTERS), f"/?conversation={one.conversation_id}", f"{day:%Y-%m-%d}")


def _without_text(details: DocumentDetails) -> str:
    if details.is_archive:
        return "An archive has no text of its own: the files in it are documents of their own."
    if details.status.state == "pending":
        return "It is not read yet, or is being read again: its text comes here then."
    return "There is no text of it."
