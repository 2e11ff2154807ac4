"""The version of what each step's tables hold for a collection, with the settings and the model that made it.

Belongs here: asking the catalog with the workspace's fingerprints. Not here: the versions of code (``code_versions``), Dagster.

Equal versions mean equal results: a step that is run again and changes nothing leaves what depends on it up to date.
"""

from __future__ import annotations

from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.contents import Contents, chunk_contents, document_contents, element_contents, vector_contents


def source_documents(workspace: Workspace) -> Contents:
    """The files of the collection."""
    return document_contents(workspace.catalog, workspace.collection)


def extracted_text(workspace: Workspace) -> Contents:
    """What the documents say; changes also with what the machine can read, and with the limit that a document failed at."""
    return element_contents(workspace.catalog, workspace.collection)


def chunks(workspace: Workspace) -> Contents:
    """The pieces; changes also with ``RAG_CHUNK_TOKENS`` and the model's tokenizer."""
    return chunk_contents(workspace.catalog, workspace.collection, workspace.chunker_fingerprint)


def embeddings(workspace: Workspace) -> Contents:
    """The vectors; changes also with the model."""
    return vector_contents(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.model.fingerprint)


def vector_index(workspace: Workspace) -> Contents:
    """The version that answers, where one does."""
    manifest = workspace.index.manifest(workspace.collection)
    return Contents(manifest.chunks, manifest.version) if manifest else Contents(0, "none")
