"""OLE containers: old Office files, Outlook messages, and Office files encrypted with a password.

Belongs here: what a container holds, told by its directory and not by its name, and opening it with a password. Not here: what the
formats mean: old Word and PowerPoint files, and those of old programs, go through LibreOffice, workbooks and messages to their own
families.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.mail.outlook_message import read_outlook_message
from rag_pipeline.ingestion.extract.office.workbook_values import read_workbook_values
from rag_pipeline.ingestion.extract.old_programs.conversion import read_as_today
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline.ingestion.extract.source import Source, password_protected
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from olefile import OleFileIO


_OF_OLD_PROGRAMS = {
    "StarWriterDocument": ("sdw",),
    "StarCalcDocument": ("sdc",),
    "StarDrawDocument": ("sda", "sdd"),
    "StarDrawDocument3": ("sda", "sdd"),
    "VisioDocument": ("vsd",),
    "MM": ("wps", "wks"),
    "MatOST": ("wps",),
    "Contents": ("pub",),
    "CONTENTS": ("wps",),
}
"""Streams of documents that LibreOffice reads, and what a document that has one may be."""


def read_ole_file(source: Source) -> Iterator[Element]:
    """The elements of what the container holds.

    Raises:
        DocumentError: ``damaged``, ``password_protected``, ``missing_program`` (LibreOffice), ``unsupported_type``.
    """
    import olefile

    try:
        ole = olefile.OleFileIO(source.stream)
    except (OSError, ValueError, IndexError) as error:
        message = f"The file is damaged ({error}). Open it in its program and save it again."
        raise DocumentError("damaged", message) from None
    with ole:
        yield from _elements(source, ole)


def _elements(source: Source, ole: OleFileIO[str]) -> Iterator[Element]:
    if ole.exists("EncryptedPackage"):
        yield from elements_in_place(source, _opened(source, source.stream))
    elif ole.exists("__properties_version1.0"):
        yield from read_outlook_message(source, ole)
    elif ole.exists("WordDocument"):
        yield from elements_in_place(source, converted(_unprotected(source), "doc", "docx"))
    elif ole.exists("PowerPoint Document"):
        yield from elements_in_place(source, converted(_unprotected(source), "ppt", "pptx"))
    elif ole.exists("Workbook") or ole.exists("Book"):
        inner = source.inside(_unprotected(source), source.name)
        yield from read_workbook_values(inner)
        source.pages = inner.pages
        source.notes += inner.notes
    elif stream := next(filter({"/".join(entry) for entry in ole.listdir()}.__contains__, _OF_OLD_PROGRAMS), None):  # case tells some
        yield from read_as_today(source, *_OF_OLD_PROGRAMS[stream])
    else:
        names = ", ".join(sorted({entry[0] for entry in ole.listdir()})[:5])
        message = f"The file is an OLE container of an unknown kind (with {names or 'nothing in it'}). Save it in a modern format."
        raise DocumentError("unsupported_type", message, state="unsupported")


def _unprotected(source: Source) -> bytes:
    """The bytes of a file of the old formats, decrypted where it is encrypted."""
    import msoffcrypto

    source.stream.seek(0)
    encrypted = False
    with contextlib.suppress(Exception):  # old and odd files which only that library cannot take apart
        encrypted = msoffcrypto.OfficeFile(source.stream).is_encrypted()
    source.stream.seek(0)
    return _opened(source, source.stream) if encrypted else source.stream.read()


def _opened(source: Source, stream: BinaryIO) -> bytes:
    """The decrypted bytes.

    Raises:
        DocumentError: no listed password opens it (``password_protected``).
    """
    import msoffcrypto

    for password in ("VelvetSweatshop", *source.options.passwords):  # Excel's own password for workbooks that open without one
        stream.seek(0)
        target = io.BytesIO()
        try:
            file = msoffcrypto.OfficeFile(stream)
            file.load_key(password=password)
            file.decrypt(target)
        except Exception:  # noqa: BLE001, S112 - a wrong password shows as any of several exceptions
            continue
        if target.getvalue():
            return target.getvalue()
    raise password_protected("The file")
