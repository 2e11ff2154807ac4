"""The list on the Documents tab, as the parts of it that change (``static/documents/list.js`` asks for them).

Belongs here: the request, and whether anything has changed since the last one. Not here: what is shown (``views/documents/table.py``), the
same as JSON (``documents.py``).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Hashable, Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from rag_pipeline.access import Access
from rag_pipeline.document_life import HeldDeletions, hold_rules
from rag_pipeline.ingestion.progress.live import files_being_read
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import Choice, Order, SortKey, StateCounts, documents_page
from rag_pipeline.stores.catalog.narrowing import Narrowing, narrowing, tag_counts
from rag_pipeline.stores.conversations.tags import Tagged
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.documents.many import ListFilter
from ui.views.documents.table import ROWS, Listed, held_banners, list_html
from ui.web.dagster import address_for
from ui.web.security import own_page
from ui.web.services import Services

pages = APIRouter(include_in_schema=False)
_Told = TypeVar("_Told")


class PageQuery(ListFilter):
    """Which documents, in which order, and which page of them, from 1; past the last one it is the last."""

    sort: SortKey = "state"
    descending: bool = False
    page: int = Field(1, ge=1, le=10**9)


@pages.get("/documents/list/parts")
async def parts(query: Annotated[PageQuery, Query()], request: Request, services: ServicesDependency, access: ReaderDependency) -> Response:
    """The parts; 304 where nothing has changed that they are made of, which an open page asks every few seconds."""
    being_read = await asyncio.to_thread(files_being_read, services.settings)
    changed, tagged = await asyncio.to_thread(services.catalog.change_mark), await services.tags.known()
    made_of = repr((changed, tagged.mark, sorted(being_read), access, query))
    mark = f'"{hashlib.sha256(made_of.encode(errors="backslashreplace")).hexdigest()}"'
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers={"ETag": mark, "Cache-Control": "no-store"})
    listed, counts, held = await asyncio.to_thread(_listed, services, access, query, being_read, changed, tagged)
    may_write = access.may("write")
    banners = held_banners(held, hold_rules(services.settings), may_write=may_write)
    dagster = address_for(services.settings, request.url.hostname)
    page = own_page(list_html(listed, counts, banners, dagster, may_write=may_write))
    page.headers["ETag"] = mark
    return page


def _listed(
    services: Services, access: Access, query: PageQuery, being_read: Set[str], changed: Hashable, tagged: Tagged
) -> tuple[Listed, StateCounts, Mapping[str, HeldDeletions]]:
    choice, order = query.choice(access, tagged), Order(query.sort, query.descending)
    with services.catalog.reading():  # what follows asks within it, so that its file is opened once
        page = documents_page(services.catalog, choice, ROWS, order=order, skip=(query.page - 1) * ROWS)
        left = _narrowing(services.catalog, changed, choice)
        having = _tag_counts(services.catalog, changed, replace(choice, document_ids=None), tagged)
        counts, held = services.counts.read()
    last = max(1, -(-page.total // ROWS))
    listed = Listed(page.documents, page.total, min(query.page, last), choice, order, left, being_read, tagged, having)
    return listed, _seen(counts, access), _seen(held, access)


@lru_cache(maxsize=32)
def _narrowing(catalog: Catalog, changed: Hashable, choice: Choice) -> Narrowing:
    """Counted once for all pages and orders of a list, as long as the catalog is as it was."""
    return narrowing(catalog, choice)


@lru_cache(maxsize=4)
def _tag_counts(catalog: Catalog, changed: Hashable, choice: Choice, tagged: Tagged) -> Mapping[str, int]:
    """The same of tags, as long as those are as they were too. Fewer are remembered: each holds all tags."""
    return tag_counts(catalog, choice, tagged.documents)


def _seen(by_collection: Mapping[str, _Told], access: Access) -> dict[str, _Told]:
    return {name: told for name, told in by_collection.items() if access.sees(name)}
