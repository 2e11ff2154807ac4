"""Libraries for archives that are not part of the smallest installation: packages of Python, and one of the system.

Belongs here: which are there, and what to say of one that is not. Not here: using them.
"""

from __future__ import annotations

from importlib.util import find_spec

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive.libarchive import library

LIBRARIES = ("py7zr", "pyzipper")


def installed_libraries() -> tuple[str, ...]:
    """Those that are there. No package is imported."""
    return (*(name for name in LIBRARIES if find_spec(name)), *(["libarchive"] if library() else []))


def missing_library(what: str) -> DocumentError:
    """The error of what such a library would read (``missing_program``); ``what`` begins the sentence."""
    return DocumentError("missing_program", f"{what}, which takes a library more: pip install 'rag-pipeline[archives]'", "unsupported")
