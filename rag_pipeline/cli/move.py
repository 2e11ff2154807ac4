"""``rag move``: the published index on a Qdrant server, or back.

Belongs here: which indexes are meant, and what is said. Not here: the copying (``stores/vectors/move.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import VectorIndex, open_index
from rag_pipeline.stores.vectors.move import move

EMBEDDED = "embedded"


def move_index(settings: Settings, to: str, collections: Sequence[str], *, overwrite: bool) -> list[str]:
    """Copy collections from the index of the settings to another one, and say what to set next.

    Args:
        to: a server's URL, or ``embedded``.

    Returns:
        What is wrong with collections that could not be copied.

    Raises:
        RagError: see :func:`rag_pipeline.stores.vectors.move.move`; or both indexes are the same.
    """
    if (settings.qdrant_url or EMBEDDED).rstrip("/") == to.rstrip("/"):
        where = "Set RAG_QDRANT_URL to the server that has it" if to == EMBEDDED else "Unset RAG_QDRANT_URL to copy the embedded index"
        raise RagError(f"The index is {to} already, so there is nothing to move. {where}.")
    source, target = open_index(settings), _target(settings, to)
    try:
        damages = [f"Not copied: {error}" for error in source.damaged() if not collections or error.collection in collections]
        any_moved = False
        for moved in move(source, target, collections, overwrite=overwrite):
            any_moved = True
            what = f"{moved.manifest.documents:,} documents, {moved.manifest.chunks:,} passages"
            click.echo(f"{moved.manifest.collection}: {what}{'' if moved.copied else ', there already'}")
        click.echo(_next(to) if any_moved else "Nothing to move: nothing is published.")
    finally:
        source.close()
        target.close()
    return damages


def _target(settings: Settings, to: str) -> VectorIndex:
    return open_index(settings.model_copy(update={"qdrant_url": None if to == EMBEDDED else to}))


def _next(to: str) -> str:
    setting = "Unset RAG_QDRANT_URL" if to == EMBEDDED else f"Set RAG_QDRANT_URL={to}"
    return f"{setting} and start again: then it answers from there. The index that was copied is left as it is."
