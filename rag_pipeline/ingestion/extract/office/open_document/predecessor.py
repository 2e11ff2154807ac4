"""Files of OpenOffice.org 1 and StarOffice 6 and 7: sxw, sxc, sxi and their templates.

Belongs here: bringing them into OpenDocument, which came from them. Not here: starting LibreOffice (``process/libreoffice``), reading what
comes out.

Names and structure differ in a hundred places from those of OpenDocument, so they are converted, and not read by a table of names of ours.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.office.office_file import check_archive, damage_reported
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_MANIFEST = "META-INF/manifest.xml"
_TEMPLATE = re.compile(rb"(application/vnd\.sun\.xml\.\w+)\.template")


def read_predecessor(source: Source, old: str, new: str) -> Iterator[Element]:
    """The elements of a file with one suffix (``sxw``), which becomes one with another (``odt``) first.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``password_protected``, ``missing_program`` (LibreOffice), ``unreadable_content``.
    """
    check_archive(source.stream)
    with damage_reported(), zipfile.ZipFile(source.stream) as archive:
        content = _no_template(archive)
    yield from elements_in_place(source, converted(content, old, new))


def _no_template(archive: zipfile.ZipFile) -> bytes:
    """The archive; a template as the document that it makes, because LibreOffice does not know those of decks."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as plain:
        for name in dict.fromkeys(archive.namelist()):
            part = archive.read(name)
            if name == _MANIFEST and b"encryption-data" in part:  # by Blowfish, which nothing here reads: listed passwords would not help
                raise DocumentError("password_protected", "The document is protected with a password. Save a copy without one.")
            plain.writestr(name, _TEMPLATE.sub(rb"\1", part) if name in ("mimetype", _MANIFEST) else part)
    return target.getvalue()
