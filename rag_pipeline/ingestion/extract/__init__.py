"""Files to text: which type a file is, and its elements in reading order. One module for each family of formats.

Belongs here: the entry points. Not here: the formats themselves (``families`` names their modules), processes (``pool``).
Importing this package costs milliseconds: each family imports its libraries when its first document comes.
"""

from __future__ import annotations

from rag_pipeline.ingestion.extract.families import EXTRACTOR_VERSION, extract, extract_stream
from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES, media_type_of

__all__ = ["EXTRACTOR_VERSION", "HEAD_BYTES", "extract", "extract_stream", "media_type_of"]
