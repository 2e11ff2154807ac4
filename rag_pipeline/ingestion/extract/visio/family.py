"""The record of Visio drawings.

Belongs here: how the format is named and told. Not here: reading it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

VISIO = "application/vnd.ms-visio.drawing"


def _read(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.visio.drawing import read_drawing

    return read_drawing(source)


FAMILIES = (
    Family(
        "visio",
        "Visio drawings",
        "Documents",
        (Format(VISIO, _read, ("vsdx", "vsdm", "vstx", "vstm"), "zip", zip_folder=b"visio/"),),
        version="2",
    ),
)
