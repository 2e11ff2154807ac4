"""Documents of old programs, by way of LibreOffice, to those of today and their readers.

Belongs here: which of LibreOffice's filters are tried on which file. Not here: starting LibreOffice (``process/libreoffice``), telling the
formats (``family``, and in containers ``ole``).
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_TODAY = {"wk1": "xlsx", "wb1": "xlsx", "wks": "xlsx", "sdc": "xlsx", "sdd": "odp", "vsd": "odg", "pub": "odg", "sda": "odg"}
"""What documents become that are no texts."""


def read_as_today(source: Source, *olds: str) -> Iterator[Element]:
    """The elements of a document as LibreOffice saves it in a format of today.

    Args:
        source: the document.
        olds: suffixes of the formats that it may be of, as ``converted`` names them; the first that fits decides.

    Raises:
        DocumentError: ``missing_program`` (LibreOffice), ``unreadable_content``.
    """
    source.stream.seek(0)
    content = source.stream.read()
    for old in olds:
        try:
            today = converted(content, old, _TODAY.get(old, "odt"))
        except DocumentError as error:
            if error.code == "missing_program" or old == olds[-1]:
                raise
            continue
        yield from elements_in_place(source, today)
        return
