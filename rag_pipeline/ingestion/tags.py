"""How tags follow documents to other paths: what the scan of the folder tells of them.

Belongs here: telling, before and after a scan's commit. Not here: tags (``stores/conversations/tags.py``), the scan (``steps/``).

Two stores cannot commit together, so the order makes up for it: what leaves is noted before, and handed on after, by whichever scan
comes to it. Where the database is out of reach the run goes on without: documents are worth more than their tags.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import document_id
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog
from rag_pipeline.stores.catalog.document_rows import identities
from rag_pipeline.stores.thumbs import may_hold_tags, may_hold_tags_that_left

if TYPE_CHECKING:
    from rag_pipeline.stores.conversations.tags import LiveDocument, Tags

log = logging.getLogger(__name__)


def note_removals(settings: Settings, catalog: Catalog, files: Collection[str]) -> None:
    """Say that files (paths below the uploads folder), which may be none, leave the catalog; to be called before each change of it."""
    ids = frozenset(document_id(file) for file in files)
    _tell(settings, may_hold_tags, lambda tags: tags.note_removals(ids, partial(_live, catalog)))


def hand_on_tags(settings: Settings, catalog: Catalog) -> None:
    """Give the tags of documents that left to those that have their content now."""
    _tell(settings, may_hold_tags_that_left, lambda tags: tags.hand_on(partial(_live, catalog)))


def _tell(settings: Settings, is_worth_it: Callable[[Path], bool], what: Callable[[Tags], Coroutine[Any, Any, None]]) -> None:
    """Nothing is made or loaded where there is nothing to tell: each scan asks."""
    if not settings.database_url and not is_worth_it(settings.conversations_path):
        return
    try:
        with ThreadPoolExecutor(1) as beside:  # whoever scans may have a loop of its own in this thread
            beside.submit(asyncio.run, _told(settings, what)).result()
    except RagError as error:
        log.warning("Tags could not follow their documents: %s", error)


async def _told(settings: Settings, what: Callable[[Tags], Coroutine[Any, Any, None]]) -> None:
    from rag_pipeline.stores.conversations.engine import open_database
    from rag_pipeline.stores.conversations.tags import Tags

    database = open_database(settings)
    try:
        await what(Tags(database))
    finally:
        await database.close()


def _live(catalog: Catalog, document_ids: Collection[str], content_hashes: Collection[str]) -> list[LiveDocument]:
    from rag_pipeline.stores.conversations.tags import LiveDocument

    return [LiveDocument(*row) for row in identities(catalog, document_ids, content_hashes)]
