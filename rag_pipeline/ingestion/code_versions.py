"""The version of each step's code, by the name of its asset: what Dagster compares with the code that made what is there.

Belongs here: versions that are known without settings, files and model. Not here: what depends on those (``data_versions``), and any
version that no key of the catalog or the index holds: a run would not do again what such a version calls out of date.
"""

from __future__ import annotations

import hashlib

from rag_pipeline.ingestion.chunker import CHUNKER_VERSION
from rag_pipeline.ingestion.extract import registry
from rag_pipeline.stores.vectors import INDEX_SCHEMA

_FAMILIES = " ".join(f"{family.name}:{family.version}" for family in registry.FAMILIES)
_VERSIONS = {
    "extracted_text": hashlib.sha256(_FAMILIES.encode()).hexdigest()[:12],
    "chunks": CHUNKER_VERSION,
    "vector_index": INDEX_SCHEMA,
}


def code_version(asset: str) -> str | None:
    """The version of the code behind an asset. None: it has none, as for ``embeddings``, which only the model's files decide."""
    return _VERSIONS.get(asset)
