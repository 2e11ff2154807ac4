"""What routes and pages share, made once a process: settings, catalog, answerer.

Belongs here: the parts and their life from start to stop. Not here: what is done with them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_pipeline.access import Access, Tokens, parse_tokens
from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.scope import EVERY_DOCUMENT, DocumentFilter, Scope
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, DocumentStatus
from rag_pipeline.stores.conversations import Conversations
from ui.gatekeeper import Sessions
from ui.page_pictures import PagePictures
from ui.visibility import scope_of, visible

CATALOG_WAIT_SECONDS = 8.0
"""Someone looks at the page meanwhile; an ingestion step holds the catalog for a second or two."""
WARM_UP_SECONDS = 5.0

log = logging.getLogger(__name__)


class DocumentListing:
    """All documents as the catalog has them; read again only when the file has changed, however many pages look at it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reading = threading.Lock()
        self._signature: tuple[object, ...] | None = None
        self._documents: tuple[DocumentStatus, ...] = ()

    async def current(self) -> tuple[DocumentStatus, ...]:
        """Live documents, by collection and path.

        Raises:
            RagError: the catalog cannot be read.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> tuple[DocumentStatus, ...]:
        with self._reading:
            signature = _signature(self._catalog.path)
            if signature != self._signature:
                self._documents = tuple(self._catalog.documents())
                self._signature = signature
            return self._documents


def _signature(path: Path) -> tuple[object, ...]:
    """Changes with every commit: DuckDB writes its file, or the log beside it."""
    found: list[object] = []
    for file in (path, path.with_name(path.name + ".wal")):
        try:
            status = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found += [status.st_mtime_ns, status.st_size, status.st_ino]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Services:
    """The app's parts; safe to share by requests and threads."""

    settings: Settings
    catalog: Catalog
    listing: DocumentListing
    answerer: Answerer
    pictures: PagePictures
    tokens: Tokens
    sessions: Sessions
    conversations: Conversations

    async def visible_documents(self, access: Access) -> tuple[DocumentStatus, ...]:
        """The documents that someone may see.

        Raises:
            RagError: the catalog cannot be read.
        """
        return visible(access, await self.listing.current())

    async def scope_of(self, access: Access, collections: Sequence[str] = (), wanted: DocumentFilter = EVERY_DOCUMENT) -> Scope:
        """Where someone's answers may come from, ``collections`` and ``wanted`` being what was asked for.

        Raises:
            RagError: a collection that may not be seen, or none that is indexed.
        """
        indexed = {document.collection for document in await self.listing.current() if document.state == "indexed"}
        return scope_of(access, collections, sorted(indexed), wanted)


def build_services(settings: Settings, answerer: Answerer | None = None) -> Services:
    """Put the parts together; nothing slow happens yet. ``answerer`` replaces the one that the settings describe."""
    catalog = Catalog(settings.catalog_path, CATALOG_WAIT_SECONDS)
    return Services(
        settings,
        catalog,
        DocumentListing(catalog),
        answerer or build_answerer(settings),
        PagePictures(),
        parse_tokens(settings.api_tokens.get_secret_value() if settings.api_tokens else ""),
        Sessions(settings.data / "app" / "session.key"),
        Conversations(settings.database_url.get_secret_value() if settings.database_url else None, settings.conversations_path),
    )


async def warm_up(services: Services) -> None:
    """Load the embedding model, as soon as there is something to search, before the first question has to wait for it."""
    try:
        # Asked again and again, because other processes write the catalog and they send no events.
        while not any(document.state == "indexed" for document in await services.listing.current()):  # noqa: ASYNC110
            await asyncio.sleep(WARM_UP_SECONDS)
        await services.answerer.retriever.retrieve("What is this about?", Scope(), 1)
    except RagError as error:  # the first question will say it to whoever asks
        log.warning("Not warmed up: %s", error)
