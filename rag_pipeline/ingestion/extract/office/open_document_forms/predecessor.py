"""Files of OpenOffice.org 1 and StarOffice 6 and 7: sxw, sxc, sxi and their templates.

Belongs here: bringing them into OpenDocument, which came from them. Not here: starting LibreOffice (``process/libreoffice``), reading what
comes out.

Names and structure differ in a hundred places from those of OpenDocument, so they are converted, and not read by a table of names of ours.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.office.office_file import check_archive, damage_reported
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_MANIFEST = "META-INF/manifest.xml"


def read_predecessor(source: Source, old: str, new: str) -> Iterator[Element]:
    """The elements of a file with one suffix (``sxw``), which becomes one with another (``odt``) first.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``password_protected``, ``missing_program`` (LibreOffice), ``unreadable_content``.
    """
    check_archive(source.stream)
    with damage_reported(), zipfile.ZipFile(source.stream) as archive:
        encrypted = _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST)
    if encrypted:  # by Blowfish, which nothing here reads: listed passwords would not help
        raise DocumentError("password_protected", "The document is protected with a password. Save a copy without one.")
    source.stream.seek(0)
    yield from elements_in_place(source, converted(source.stream.read(), old, new))
