"""Files to text: which type a file is, and its elements in reading order. One module for each family of formats.

Belongs here: the entry points. Not here: the formats themselves (``registry`` lists them), processes (``process``).
Importing this package costs milliseconds: each family imports its libraries when its first document comes.
"""

from __future__ import annotations

from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES
from rag_pipeline.ingestion.extract.reading import elements_of, extract
from rag_pipeline.ingestion.extract.registry import media_type_of
from rag_pipeline.ingestion.extract.source import ReadingOptions, Source

__all__ = ["HEAD_BYTES", "ReadingOptions", "Source", "elements_of", "extract", "media_type_of"]
