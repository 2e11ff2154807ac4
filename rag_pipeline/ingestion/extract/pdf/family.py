"""The record of PDF.

Belongs here: how the format is named and told. Not here: reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

PDF = "application/pdf"
# Some producers put print commands or a wrapper in front; readers look for the header in the first kilobyte.
_HEADER = re.compile(rb".{0,1019}%PDF-", re.DOTALL)
_HEADER_ANYWHERE = re.compile(rb".*%PDF-", re.DOTALL)


def _read(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.pdf.reader import read_pdf

    return read_pdf(source)


FAMILIES = (
    Family("pdf", "PDF", "Documents", (Format(PDF, _read, ("pdf",), signature=_HEADER, named_signature=_HEADER_ANYWHERE),), version="16"),
)
