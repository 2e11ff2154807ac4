"""The record of OLE containers that their name does not tell: which format one holds, its directory says.

Belongs here: how they are named. Not here: reading them, the families that have a name in such a container (``office``, ``mail``).
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.media_types import OLE_OFFICE, OLE_STORAGE
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element


def read_container(source: Source) -> Iterator[Element]:
    """The elements of what the container holds."""
    from rag_pipeline.ingestion.extract.ole.container import read_ole_file

    return read_ole_file(source)


FAMILIES = (
    Family(
        "ole",
        "Office files with a password",
        "Documents",
        (Format(OLE_OFFICE, read_container), Format(OLE_STORAGE, read_container)),
        version="11",
    ),
)
