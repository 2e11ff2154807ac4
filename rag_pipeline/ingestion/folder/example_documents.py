"""The example documents: one click puts them into the watched folder, with questions to try.

Belongs here: copying, and the questions. The documents lie in ``rag_pipeline/examples``.
"""

from __future__ import annotations

from importlib.resources import files
from typing import BinaryIO, cast

from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.uploads import Upload

COLLECTION = "examples"
QUESTIONS = (
    "How many items did the Mending Room repair in 2025?",
    "What does it cost to borrow the sewing machine for a weekend?",
    "What happens to an item that cannot be repaired?",
)
"""One for a page of a PDF, one for a row of a table, one for prose."""
FOLLOW_UP = "And how many in 2024?"
"""After the first question."""
_LARGEST_BYTES = 1 << 20


def add_examples(uploads: WatchedFolder) -> list[Upload]:
    """Copy the example documents into the collection ``examples``; those that lie there already stay as they are.

    Raises:
        UploadError: the folder cannot be written.
    """
    sources = files("rag_pipeline").joinpath("examples").iterdir()
    stored = []
    for source in sorted(sources, key=lambda source: source.name):
        if source.is_file() and not source.name.startswith((".", "_")):
            with source.open("rb") as stream:
                stored.append(uploads.store(COLLECTION, source.name, cast("BinaryIO", stream), _LARGEST_BYTES))
    return stored
