"""Answering from the version of an index before the current one, until the next is published.

Belongs here: going back, and the words for it. Not here: how versions are kept (``stores/vectors``), which command or route asks.

The catalog stays as it is: it says what the documents are, the index what answers. So whatever publishes next, a run for a change of the
folder or one that was asked for, brings the index up to date again; the sensor alone does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rag_pipeline.document_life import as_argument
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.steps.vector_index import STEP
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import Manifest, VectorIndex, is_rolled_back

PATIENCE_SECONDS = 2.0
"""A publication may take minutes, and somebody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """What answers now, and what to say of it."""

    answering: Manifest
    message: str


def roll_back(settings: Settings, collection: str) -> Rollback:
    """Exchange the version that answers with the one before it; done twice, all is as it was.

    Raises:
        RagError: no earlier version is kept, or the index cannot be reached.
        TransientError: a run is publishing just now (``index_busy``).
    """
    workspace = Workspace(settings, collection)
    if workspace.index.previous(collection) is None:  # before anything is made in its name
        raise RagError(f"No earlier version of the index of {collection!r} is kept, so there is nothing to go back to.")
    with workspace.lock(STEP, PATIENCE_SECONDS):  # not between a run's look at the version and its publication
        current = workspace.index.rollback(collection)
        before = workspace.index.previous(collection)
    if is_rolled_back(current, before):
        return Rollback(current, in_words(current))
    return Rollback(current, f"{collection} answers from its newest version again, {_described(current)}.")


def rolled_back(index: VectorIndex, collections: Iterable[str]) -> list[Manifest]:
    """The versions that answer of those collections that were rolled back; none where the index's server does not answer."""
    try:
        kept = index.kept()
    except RagError:
        return []
    return [kept[name][0] for name in collections if name in kept and is_rolled_back(*kept[name])]


def in_words(current: Manifest) -> str:
    """What to say of a collection that was rolled back, for a terminal."""
    name = as_argument(current.collection)
    return (
        f"{current.collection} answers from an earlier version, {_described(current)}. It does so until the next run of the collection,"
        f" for a change of its files or by `rag ingest {name}`. `rag rollback {name}` goes forth again."
    )


def _described(manifest: Manifest) -> str:
    documents = "1 document" if manifest.documents == 1 else f"{manifest.documents:,} documents"
    return f"of {manifest.published_at[:16].replace('T', ' ')} UTC with {documents}"
