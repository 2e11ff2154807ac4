"""The Documents tab: every document with its state, and a place to drop new ones.

Belongs here: Gradio components and events. Not here: what is shown (``views/document_table.py``), storing files
(``api/documents.py``).
"""

from __future__ import annotations

import asyncio
from typing import Any

import gradio

from rag_pipeline.document_life import hold_rules
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.progress.live import files_being_read
from rag_pipeline.stores.catalog.listing import count_documents, documents_for_attention
from ui.pages.reader import access_in
from ui.views.document_table import EVERY, MOST_ROWS, STATES, held_html, suggestions_html, table_html, upload_html
from ui.views.messages import failure_html
from ui.views.progress import progress_html
from ui.web.dagster import address_for
from ui.web.services import Services
from ui.web.visibility import choice_of, require


class DocumentsPage:
    """The components of the tab, and what happens when they are used."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def build(self) -> None:
        """Lay out the tab; call it inside the Blocks."""
        with gradio.Column(elem_id="documents"):
            gradio.HTML(upload_html(self._services.settings))
            self._suggestions = gradio.HTML(suggestions_html(()))
            with gradio.Row(elem_id="filters"):
                self._collection = gradio.Dropdown(
                    [("All collections", EVERY)], value=EVERY, label="Collection", elem_id="filter-collection"
                )
                self._state = gradio.Dropdown(
                    [("All states", EVERY), *((s, s) for s in STATES)], value=EVERY, label="State", elem_id="filter-state"
                )
                self._name = gradio.Textbox(value="", label="Name contains", elem_id="filter-name")
            gradio.HTML(progress_html("bars"), elem_id="progress")
            self._held = gradio.HTML(elem_id="held")
            self._table = gradio.HTML(elem_id="table")
        self._shown: gradio.State = gradio.State(None)
        self._known: gradio.State = gradio.State(())

    def keep_current(self, blocks: gradio.Blocks, clock: gradio.Timer) -> None:
        """Show what the catalog knows, now, at every tick, and when a filter changes."""
        inputs = [self._collection, self._state, self._name, self._shown, self._known]
        outputs = [self._table, self._shown, self._collection, self._known, self._suggestions, self._held]
        for event in (blocks.load, clock.tick, self._collection.change, self._state.change, self._name.change):
            event(self._refresh, inputs, outputs, show_progress="hidden", queue=False, api_visibility="private")

    async def _refresh(
        self, collection: str, state: str, name: str | None, shown: str | None, known: tuple[str, ...], request: gradio.Request
    ) -> tuple[Any, ...]:
        access = access_in(request)
        may_write = access.may("write")
        try:
            require(access, "read")
            counts = await self._services.visible_counts(access)
            missing = await self._services.held_deletions()
            now = await asyncio.to_thread(files_being_read, self._services.settings)
            choice = choice_of(access, collection, state, name or "")
            chosen = await asyncio.to_thread(documents_for_attention, self._services.catalog, choice, MOST_ROWS)
            number = len(chosen) if len(chosen) < MOST_ROWS else await asyncio.to_thread(count_documents, self._services.catalog, choice)
        except RagError as error:
            return failure_html("The documents cannot be read", str(error)), None, gradio.skip(), known, gradio.skip(), gradio.skip()
        dagster = address_for(self._services.settings, request.url.hostname)
        table = table_html(chosen, number, counts, dagster, may_write=may_write, being_read=now)
        visible = {name: one for name, one in missing.items() if access.sees(name)}
        held = held_html(visible, hold_rules(self._services.settings), may_write=may_write)
        collections = tuple(counts)
        choices, suggestions = gradio.skip(), gradio.skip()
        if collections != tuple(known):
            choices = gradio.update(choices=[("All collections", EVERY), *((name, name) for name in collections)])
            suggestions = suggestions_html(collections)
        current = held + table
        if current == shown:
            return gradio.skip(), current, choices, collections, suggestions, gradio.skip()
        return table, current, choices, collections, suggestions, held
