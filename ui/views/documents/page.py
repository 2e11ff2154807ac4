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
from ui.views.documents.table import error_of
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.views.language.formats import day, language_name, listed, moment_utc, number, size
from ui.views.language.told import stage_in_words, told

_FUNCTION_WORDS = 5
"""Different ones of a language in a text, for it to be said that it is in that language."""
_QUESTION_CHARACTERS = 160
_PICTURES = message("Pictures are read where they stand in the place of text, and nowhere else.")
_EDGES = message("Headers and footers, layouts and master slides are read once each.")
_REPEATED = message(
    "Of lines that pages repeat at their edges, such as headers and page numbers, the first is read. Pictures beside text are not."
)
_DELETED = message("Text that was deleted with changes tracked is not read.")
_NAVIGATION = message(
    "Navigation, lists of links, headers and footers of the site and banners are left out, where enough is left without them."
)
_LEFT_OUT_OF = {
    "pdf": (_REPEATED,),
    "word": (_EDGES, _PICTURES, _DELETED),
    "powerpoint": (_EDGES, _PICTURES),
    "open_document": (_EDGES, _PICTURES),
    "html": (_NAVIGATION,),
}
"""What is never read of the documents of a family, and so is no warning."""
_PLURALS = {"Page": message("Pages"), "Slide": message("Slides"), "Sheet": message("Sheets")}
_WANT_A_KEY = {"mail", "outlook", "epub"}
"""Families whose encrypted documents no password opens."""
_READ_AS_NOW = message("the family of formats and its version, part of the key of what was read")
_OTHERWISE = message("read by another version, or with other programs and passwords than there are now")


@dataclass(frozen=True, slots=True)
class OcrLanguages:
    """What a scan may be read in: Tesseract's names, as ``RAG_OCR_LANGUAGES`` joins them.

    Attributes:
        otherwise: of the settings.
        known: those that there is data for on this machine.
    """

    otherwise: str
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OcrForm:
    """Where languages for one document are sent, those that were chosen for it, and the others as words."""

    address: str
    chosen: str
    otherwise: str
    known: str


@dataclass(frozen=True, slots=True)
class Look:
    """All that was found out about a document for one who looks at it.

    Attributes:
        part: of its text; None where there is none.
        manifest: of its collection's index; None where nothing is published.
        questions: of this reader alone, whose answers cite it; ``questions_failed`` says why they cannot be shown.
        passage: the one of it that the reader came from.
        ocr: None where no document can be read by it.
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
    ocr: OcrLanguages | None = None


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
    original_error: str
    held: bool
    original: str
    opens: bool
    retry: str
    retry_words: str
    delete: str
    password: str
    ocr: OcrForm | None
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
    error = error_of(status)
    return Page(
        document_id=status.document_id,
        name=status.document,
        collection=status.collection,
        state=status.state,
        stage=stage_in_words(stage_of(status.state, status.chunks, status.vectors, is_read_now=look.is_read_now)),
        passage=passage_url(look.passage) if look.passage else "",
        error=error.words,
        original_error=error.original,
        held=held,
        original=original_url(status.document_id),
        opens=status.media_type == PDF,
        retry=retry,
        retry_words=words,
        delete=f"/api/v1/documents/{status.document_id}" if look.may_write and not path_in_archive(status.file) else "",
        password=f"/api/v1/documents/{status.document_id}/password" if look.may_write and not held and wants_password(status) else "",
        ocr=_ocr_form(look, held),
        advice=_advice(look, retry),
        facts=tuple(_facts(look)),
        left_out=tuple(_left_out(details, look.part)),
        copies=tuple(_copies(details)),
        questions=tuple(map(_question, look.questions)),
        questions_failed=look.questions_failed,
        shown="chunks" if look.passage else "elements",
        unit=gettext(page_word(status)) if status.pages else gettext("Part"),
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
    return (address, gettext("Retry")) if status.error else (f"{address}?again=true", gettext("Read again"))


def wants_password(status: DocumentStatus) -> bool:
    """Whether a document failed for want of a password that somebody may know: encrypted mail and books want a key instead."""
    family = family_of(status.media_type or "")
    return status.error_code == "password_protected" and not (family and family.name in _WANT_A_KEY)


def _ocr_form(look: Look, held: bool) -> OcrForm | None:
    """Of pictures and PDFs, whose pages may be pictures."""
    status = look.details.status
    is_scan = status.media_type is not None and (status.media_type == PDF or status.media_type.startswith("image/"))
    if not (look.ocr and look.may_write and is_scan and status.content_hash) or held:
        return None
    address = f"/api/v1/documents/{status.document_id}/ocr-languages"
    return OcrForm(address, look.details.ocr_languages or "", look.ocr.otherwise, listed(look.ocr.known) or gettext("none"))


def _advice(look: Look, retry: str) -> str:
    status = look.details.status
    said = []
    if retry and not status.error:
        said.append(
            gettext("Reading it again is by today's settings, OCR languages and list of passwords; what is published answers until then.")
        )
    if look.may_write and path_in_archive(status.file):
        said.append(told(why_not_removed(status.file)))
    return " ".join(said)


def _facts(look: Look) -> Iterator[Fact]:
    details, status = look.details, look.details.status
    family = family_of(status.media_type or "")
    kind = gettext(family.words) if family else status.media_type or gettext("not told")
    yield Fact(gettext("Type"), kind, note=status.media_type or "")
    yield Fact(gettext("Size"), size(status.size_bytes), note=gettext("{number} bytes", number=status.size_bytes))
    if status.pages:
        yield Fact(gettext(_PLURALS[page_word(status)]), number(status.pages))
    yield Fact(gettext("Chunks"), number(status.chunks), note=gettext("in the index"))
    yield Fact(gettext("Vectors"), number(status.vectors), note=gettext("chunks that are found by their meaning too"))
    if found := language_of(details.sample, _FUNCTION_WORDS):
        yield Fact(gettext("Language"), language_name(found), note=gettext("told by its function words"))
    times = (gettext("Found"), details.added_at), (gettext("Read"), details.read_at), (gettext("Indexed"), status.indexed_at)
    yield from (Fact(name, moment_utc(when), f"{when.isoformat()}Z") for name, when in times if when)
    yield from _made_by(look)


def _made_by(look: Look) -> Iterator[Fact]:
    details, status = look.details, look.details.status
    family = family_of(status.media_type or "")
    if family and look.part:
        reader = f"{family.name} {family.version}"
        as_now = Fact(gettext("Reader"), reader, note=gettext(_READ_AS_NOW))
        yield (
            as_now
            if details.read_as_now
            else Fact(gettext("Reader"), gettext("otherwise than {reader}", reader=reader), note=gettext(_OTHERWISE))
        )
    if look.manifest and status.chunks:
        note = gettext("of the collection, with vectors of {model}", model=look.manifest.embedding_model)
        yield Fact(gettext("Index"), look.manifest.version, note=note)


def _left_out(details: DocumentDetails, part: TextPart | None) -> Iterator[Line]:
    """What the reading noted, what follows from what it kept, and what is never read."""
    status = details.status
    yield from (Line(told(warning)) for warning in status.warnings)
    if not part:
        return
    empty = [extent.page for extent in part.extents if extent.first is None and extent.page]
    if empty:
        yield Line(gettext("No text was found on {pages}.", pages=pages_in_words(empty)), _first_of(status.document_id, empty))
    for _, text, page in details.edges:
        where = gettext("page {page}", page=page) if page else gettext("the pages")
        yield Line(gettext("Kept once, at the edge of {where}: “{text}”", where=where, text=snippet(text)))
    family = family_of(status.media_type or "")
    if family and family.name in _LEFT_OUT_OF:
        yield Line(" ".join(map(gettext, _LEFT_OUT_OF[family.name])), note=gettext("in every document of this type"))


def _first_of(document_id: str, pages: Sequence[int]) -> str:
    return document_url(document_id, page=pages[0])


def pages_in_words(pages: Sequence[int]) -> str:
    """``page 3``, ``pages 3, 7–9``."""
    words = ", ".join(number(first) if first == last else f"{number(first)}–{number(last)}" for first, last in page_runs(pages))
    return gettext("pages {pages}", pages=words) if len(pages) > 1 else gettext("page {page}", page=words)


def _copies(details: DocumentDetails) -> Iterator[Line]:
    yield from (Line(f"{one.collection}/{one.document}", document_url(one.document_id)) for one in details.copies)
    if len(details.copies) == MOST_COPIES:
        yield Line(gettext("There may be others."))


def _question(one: AskedAbout) -> Line:
    answered: datetime = one.answered_at
    return Line(snippet(one.question, _QUESTION_CHARACTERS), f"/?conversation={one.conversation_id}", day(answered))


def _without_text(details: DocumentDetails) -> str:
    if details.is_archive:
        return gettext("An archive has no text of its own: the files in it are documents of their own.")
    if details.status.state == "pending":
        return gettext("It is not read yet, or is being read again: its text comes here then.")
    return gettext("There is no text of it.")
