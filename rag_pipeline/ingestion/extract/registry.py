"""Which families of formats there are: everything that lists formats, or asks for one, asks here.

Belongs here: the list, and look-ups in it. Not here: any family (each stands in its room), opening files (``reading``).
A new family is a module with its record, and a line here.
"""

from __future__ import annotations

from rag_pipeline.ingestion.extract.archive import family as archive
from rag_pipeline.ingestion.extract.books import family as books
from rag_pipeline.ingestion.extract.calendar import family as calendar
from rag_pipeline.ingestion.extract.data import family as data
from rag_pipeline.ingestion.extract.family import Family
from rag_pipeline.ingestion.extract.mail import family as mail
from rag_pipeline.ingestion.extract.markup import family as markup
from rag_pipeline.ingestion.extract.media_types import Detection
from rag_pipeline.ingestion.extract.office import family as office
from rag_pipeline.ingestion.extract.old_programs import family as old_programs
from rag_pipeline.ingestion.extract.ole import family as ole
from rag_pipeline.ingestion.extract.pdf import family as pdf
from rag_pipeline.ingestion.extract.picture import family as picture
from rag_pipeline.ingestion.extract.source import Reader
from rag_pipeline.ingestion.extract.visio import family as visio

FAMILIES: tuple[Family, ...] = (
    *pdf.FAMILIES,
    *visio.FAMILIES,  # before office: ``xl/`` is short enough to stand in compressed bytes by chance
    *office.FAMILIES,
    *ole.FAMILIES,
    *old_programs.FAMILIES,
    *books.FAMILIES,
    *markup.FAMILIES,
    *data.FAMILIES,
    *mail.FAMILIES,
    *calendar.FAMILIES,
    *picture.FAMILIES,
    *archive.FAMILIES,
)
"""In the order in which detection asks and lists are shown."""
UNREAD_VERSION = "6"
"""Stands for a version in the keys of documents that no family reads. Never raised: what is refused is not read again in vain."""
_READERS = {one.media_type: one.reader for family in FAMILIES for one in family.formats}
_FAMILIES = {one.media_type: family for family in FAMILIES for one in family.formats}
_DETECTION = Detection(FAMILIES)


def media_type_of(name: str, head: bytes) -> str:
    """The media type of a file.

    Args:
        name: the file's name or path; only its suffix is looked at.
        head: its first ``HEAD_BYTES`` bytes (fewer if it is shorter).

    Returns:
        A media type; ``application/octet-stream`` for bytes that say nothing.
    """
    return _DETECTION.media_type_of(name, head)


def reader_of(media_type: str) -> Reader | None:
    """What reads a media type; None where no family does."""
    return _READERS.get(media_type)


def supported_formats() -> str:
    """The families in words, as the end of a sentence: ``PDF, Word, … and pictures of text``."""
    *first, last = (family.words for family in FAMILIES)
    return f"{', '.join(first)} and {last}"


def family_of(media_type: str) -> Family | None:
    """The family that reads a media type."""
    return _FAMILIES.get(media_type)


def versions() -> dict[str, str]:
    """The version of the family that reads it, by media type: part of the key of what a document says."""
    return {one.media_type: family.version for family in FAMILIES for one in family.formats}


def detection_fingerprint() -> str:
    """Changes when a file may be told to be of another type than before: a media type, suffix or signature was added, changed or removed.

    For whoever keeps the types of files: those that were refused are worth another look when it differs from the one kept with them.
    It does not change with a family's version or words.
    """
    return _DETECTION.fingerprint
