"""What a worker must have in common with the machine of the run, so that a batch comes out there as it would here.

Belongs here: naming it, and comparing. Not here: what follows from a difference (``worker``).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from rag_pipeline.document_life import LIMIT_OF_FAILURE
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.progress import EMBEDDING
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import variable_name

_OF_ARCHIVES = ("archive_files", "archive_bytes", "archive_ratio", "archive_depth")


def likeness(workspace: Workspace, queue: str) -> dict[str, str]:
    """What the batches of a queue depend on → its value on this machine."""
    settings = workspace.settings
    common = {"the product's code": f"{importlib.metadata.version('rag-pipeline')} ({_code()})"}
    if queue == EMBEDDING:
        return {
            **common,
            "RAG_EMBEDDING_MODEL, or what RAG_EMBEDDING_URL has for it": _model(workspace),
            "RAG_EMBEDDING_DTYPE": settings.embedding_dtype,
        }
    limits = {variable_name(name): str(getattr(settings, name)) for name in (*LIMIT_OF_FAILURE.values(), *_OF_ARCHIVES)}
    return {**common, **limits, "its programs, OCR languages and passwords": workspace.extractor.abilities}


def differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """A line for each that differs."""
    names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    return [f"{name}: {theirs.get(name, 'unknown')} where the run is, {ours.get(name, 'unknown')} here" for name in names]


def _model(workspace: Workspace) -> str:
    try:
        return workspace.model.fingerprint
    except RagError as error:
        return str(error)


@lru_cache(maxsize=1)
def _code() -> str:
    """Of all modules: a release's number says nothing of a checkout, and a batch passes through many of them."""
    folder = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
