"""What this machine can read besides what the package brings: programs that are installed, passwords that are listed, languages of OCR.

Belongs here: looking, and one fingerprint of it all. Not here: using any of it.

A document that failed, or left something out, is read again when the fingerprint changes: after Tesseract was installed or a password
was added, nobody has to touch the file. The limits on a document are no part of it: they reopen only what failed at them.
"""

from __future__ import annotations

import hashlib

from rag_pipeline.ingestion.extract import registry
from rag_pipeline.ingestion.extract.archive.limits import ArchiveLimits
from rag_pipeline.ingestion.extract.archive.programs import installed_libraries
from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages
from rag_pipeline.ingestion.extract.process.libreoffice import libreoffice_program
from rag_pipeline.ingestion.extract.process.passwords import listed_passwords
from rag_pipeline.ingestion.extract.source import ReadingOptions
from rag_pipeline.settings import Settings


def reading_options(settings: Settings) -> ReadingOptions:
    """How documents are to be read.

    Raises:
        RagError: the passwords file cannot be read.
    """
    return ReadingOptions(listed_passwords(settings), settings.ocr_languages, settings.extraction_memory_bytes, archive_limits(settings))


def archive_limits(settings: Settings) -> ArchiveLimits:
    """What an archive may unpack to."""
    return ArchiveLimits(
        files=settings.archive_files,
        unpacked_bytes=settings.archive_bytes,
        ratio=settings.archive_ratio,
        depth=settings.archive_depth,
        file_bytes=settings.max_file_bytes,
    )


def abilities_fingerprint(settings: Settings) -> str:
    """Changes when a document that could not be read, or not whole, may be readable now."""
    programs: list[object] = [
        tesseract_languages(),
        *(libreoffice_program(one) is not None for one in ("writer", "impress", "calc", "draw")),
    ]
    # A file inside a document may have been refused for its type.
    programs += installed_libraries()
    known = repr((programs, listed_passwords(settings), settings.ocr_languages, registry.detection_fingerprint()))
    return hashlib.sha256(known.encode()).hexdigest()[:16]
