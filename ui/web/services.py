"""What routes and pages share, made once a process: settings, stores, answerer; and what all of them ask: where may an answer come from.

Belongs here: the parts, how they are made and warmed up. Not here: what may be seen (``visibility.py``), stopping them (``app.py``).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from starlette.requests import HTTPConnection

from rag_pipeline.access import Access, Tokens, accepted_tokens
from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.scope import EVERY_DOCUMENT, DocumentFilter, Scope
from rag_pipeline.document_life import HeldDeletions
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.catalog.listing import StateCounts, newest_headings, state_counts
from rag_pipeline.stores.catalog.missing_files import held_deletions
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.engine import open_database
from rag_pipeline.stores.conversations.tag_names import tags_of
from rag_pipeline.stores.conversations.tags import Tags
from rag_pipeline.stores.vectors import VectorIndex, open_index
from ui.views.page_pictures import PagePictures
from ui.web.pipeline import PipelineLook
from ui.web.progress_feed import ProgressFeed
from ui.web.sessions import Sessions
from ui.web.visibility import scope_of

CATALOG_WAIT_SECONDS = 8.0
"""Someone looks at the page meanwhile; an ingestion step holds the catalog for a second or two."""
WARM_UP_SECONDS = 5.0
HEADINGS_SECONDS = 60.0
"""While documents are indexed the catalog changes every second; what questions are suggested need not."""
NEWEST_DOCUMENTS, MOST_HEADINGS = 20, 100

log = logging.getLogger(__name__)


class DocumentCounts:
    """Live documents by collection and state, and held deletions; counted again only when the catalog's file has changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reading = threading.Lock()
        self._signature: Hashable = None
        self._counts: StateCounts = {}
        self._held: Mapping[str, HeldDeletions] = {}
        self._headings: Sequence[tuple[str, str]] = ()
        self._headings_read = -HEADINGS_SECONDS

    async def current(self) -> tuple[StateCounts, Mapping[str, HeldDeletions]]:
        """Collection → state → number, and what is held of each collection.

        Raises:
            RagError: the catalog cannot be read.
        """
        return await asyncio.to_thread(self.read)

    @property
    def headings(self) -> Sequence[tuple[str, str]]:
        """Collection and heading, of documents that were indexed lately, as of the last count or a minute before it."""
        return self._headings

    def read(self) -> tuple[StateCounts, Mapping[str, HeldDeletions]]:
        """As :meth:`current`, for who is in a thread already."""
        with self._reading:
            signature = self._catalog.change_mark()
            if signature != self._signature:
                self._counts, self._held = state_counts(self._catalog), held_deletions(self._catalog)
                if time.monotonic() - self._headings_read >= HEADINGS_SECONDS or not self._headings:
                    self._headings = newest_headings(self._catalog, NEWEST_DOCUMENTS, MOST_HEADINGS)
                    self._headings_read = time.monotonic()
                self._signature = signature
            return self._counts, self._held


@dataclass(frozen=True, slots=True)
class Services:
    """The app's parts; safe to share by requests and threads."""

    settings: Settings
    catalog: Catalog
    index: VectorIndex
    counts: DocumentCounts
    answerer: Answerer
    pictures: PagePictures
    tokens: Tokens
    sessions: Sessions
    conversations: Conversations
    tags: Tags
    progress: ProgressFeed
    pipeline: PipelineLook

    async def visible_counts(self, access: Access) -> StateCounts:
        """Collection → state → number of the documents that someone may see.

        Raises:
            RagError: the catalog cannot be read.
        """
        counts, _ = await self.counts.current()
        return {collection: states for collection, states in counts.items() if access.sees(collection)}

    async def held_deletions(self) -> Mapping[str, HeldDeletions]:
        """What is held of each collection, whoever may see it.

        Raises:
            RagError: the catalog cannot be read.
        """
        _, held = await self.counts.current()
        return held

    async def indexed_collections(self) -> list[str]:
        """The collections that have something to search, sorted: as the index has them, which no run that writes keeps waiting.

        Raises:
            RagError: a server that keeps the index does not answer.
        """
        return await asyncio.to_thread(self.index.collections)

    async def scope_of(self, access: Access, collections: Sequence[str] = (), wanted: DocumentFilter = EVERY_DOCUMENT) -> Scope:
        """Where someone's answers may come from, ``collections`` and ``wanted`` being what was asked for.

        Raises:
            RagError: a collection that may not be seen, or, for a token that is not for all, one that is not indexed; what is no tag.
        """
        named = access.collections and not collections
        scope = scope_of(access, collections, await self.indexed_collections() if named else (), wanted)
        if wanted.tags:
            scope = replace(scope, tagged=(await self.tags.current()).paths_with_all(tags_of(wanted.tags)))
        if collections and access.collections:
            await asyncio.to_thread(self._require_index, collections)
        return scope

    def _require_index(self, collections: Sequence[str]) -> None:
        """For a token that is not for all of them: asked for one that is not there, the retriever would name those that are."""
        known = {*self.index.collections(), *(error.collection for error in self.index.damaged())}
        if unknown := [name for name in collections if name not in known]:
            raise RagError(f"Nothing is indexed in the collection {', '.join(map(repr, unknown))} yet.")


def build_services(settings: Settings, answerer: Answerer | None = None) -> Services:
    """Put the parts together; nothing slow happens yet. ``answerer`` replaces the one that the settings describe.

    Raises:
        RagError: the tokens cannot be used, or others could reach the app without one.
    """
    tokens = accepted_tokens(settings)
    catalog, index = open_catalog(settings, CATALOG_WAIT_SECONDS), open_index(settings)
    database = open_database(settings, tokens.former_owners)
    return Services(
        settings,
        catalog,
        index,
        DocumentCounts(catalog),
        answerer or build_answerer(settings),
        PagePictures(settings),
        tokens,
        Sessions(settings.data / "app" / "session.key", settings.session_key),
        Conversations(database),
        Tags(database),
        ProgressFeed(settings),
        PipelineLook(settings, index),
    )


def services_of(request: HTTPConnection) -> Services:
    """The parts of the app that a request came to."""
    return cast("Services", request.app.state.services)


async def warm_up(services: Services) -> None:
    """Have the embedding model loaded before the first question has to wait for it."""
    retriever = services.answerer.retriever
    try:
        if not await services.indexed_collections():
            await asyncio.sleep(WARM_UP_SECONDS)  # whatever starts beside the app comes first
            await retriever.prepare()
        # Asked again and again, because other processes write the index and they send no events.
        while not await services.indexed_collections():  # noqa: ASYNC110
            await asyncio.sleep(WARM_UP_SECONDS)
        await retriever.prepare()
        await retriever.retrieve("What is this about?", Scope(), 1)
    except RagError as error:  # the first question will say it to whoever asks
        log.warning("Not warmed up: %s", error)
