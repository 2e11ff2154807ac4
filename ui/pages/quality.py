"""The Quality tab: how well a collection answers over time, and the questions that it is measured with.

Belongs here: Gradio components and events. Not here: what is shown (``views/quality.py``), the file of the list.
"""

from __future__ import annotations

import asyncio
from typing import Any

import gradio

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.folder import EditedList, EditedQuestion, read_edited, write_edited
from ui.pages.reader import access_in
from ui.pages.wording import is_from_the_right, says
from ui.views.language import gettext, message
from ui.views.language.told import failure_of
from ui.views.messages import failure_html
from ui.views.quality import past_of, quality_html, saved_html
from ui.web.services import Services
from ui.web.visibility import require, require_collection

COLUMNS = (message("Question"), message("Document"), message("Page"), message("Answer"))
EMPTY_LINES = 3
_EXPLAINED = message(
    "Questions with known answers. **Document** is its path in the collection; leave it empty where the documents do not hold the answer."
    " Page and answer may be empty. Saving gives more empty lines; a line without a question is left out."
)


class QualityPage:
    """The components of the tab, and what happens when they are used."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def build(self) -> None:
        """Lay out the tab; call it inside the Tabs."""
        tab = says(gradio.Tab(id="quality", elem_id="tab-quality"), label=lambda: gettext("Quality"))
        with tab, gradio.Column(elem_id="quality"):
            self._collection = says(gradio.Dropdown([], elem_id="quality-collection"), label=lambda: gettext("Collection"))
            self._shown = gradio.HTML(elem_id="quality-history")
            says(gradio.Markdown(), value=lambda: gettext(_EXPLAINED), rtl=is_from_the_right)
            self._table = gradio.Dataframe(
                headers=list(COLUMNS), datatype="str", type="array", interactive=True, wrap=True, elem_id="quality-questions",
                column_count=len(COLUMNS), static_columns=[], show_label=False,
            )  # fmt: skip
            says(self._table, value=lambda: _table([]))
            self._save = says(gradio.Button(elem_id="quality-save"), value=lambda: gettext("Save questions"))
            self._said = gradio.HTML(elem_id="quality-said")
            self._version: gradio.State = gradio.State("")  # not between the tabs, where Gradio would count it as one
        self._tab = tab

    def connect(self) -> None:
        """Show what there is once the tab is opened, or another collection is chosen; save when told to."""
        shown = [self._shown, self._table, self._version, self._said]
        common: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        self._tab.select(self._opened, [self._collection], [self._collection, *shown], **common)
        # Whoever chooses twice in a row is shown the last one, which Gradio would leave out.
        self._collection.input(self._chosen, [self._collection], shown, trigger_mode="always_last", **common)
        self._save.click(self._saved, [self._collection, self._table, self._version], [self._table, self._version, self._said], **common)

    async def _opened(self, collection: str | None, request: gradio.Request) -> tuple[Any, ...]:
        access = access_in(request)
        try:
            require(access, "read")
            names = list(await self._services.visible_counts(access))
        except RagError as error:
            return (
                gradio.skip(),
                failure_html(gettext("The collections cannot be read"), failure_of(error)),
                gradio.skip(),
                gradio.skip(),
                "",
            )
        chosen = collection if collection in names else next(iter(names), None)
        return gradio.update(choices=names, value=chosen), *await self._of(access, chosen)

    async def _chosen(self, collection: str | None, request: gradio.Request) -> tuple[Any, ...]:
        return await self._of(access_in(request), collection)

    async def _of(self, access: Access, collection: str | None) -> tuple[Any, ...]:
        if not collection:
            return quality_html((), ""), _table([]), "", ""
        try:
            await self._require_known(access, "read", collection)
            past = await asyncio.to_thread(past_of, self._services.settings, collection)
            found = await asyncio.to_thread(read_edited, self._services.settings, collection)
        except RagError as error:
            return failure_html(gettext("This cannot be shown"), failure_of(error)), gradio.skip(), "", ""
        return quality_html(past, collection), _rows(found), found.version, ""

    async def _saved(self, collection: str | None, rows: list[list[Any]], version: str, request: gradio.Request) -> tuple[Any, ...]:
        try:
            if not collection:
                raise RagError(gettext("Choose a collection first."))
            await self._require_known(access_in(request), "write", collection)
            questions = [one for number, row in enumerate(rows, start=1) if (one := _question(number, row))]
            found = await asyncio.to_thread(write_edited, self._services.settings, collection, questions, version)
        except RagError as error:
            return gradio.skip(), gradio.skip(), failure_html(gettext("Nothing was saved"), failure_of(error))
        return _rows(found), found.version, saved_html(len(found.questions))

    async def _require_known(self, access: Access, scope: Any, collection: str) -> None:
        require(access, scope)
        require_collection(access, collection)
        if collection not in await self._services.visible_counts(access):
            raise RagError(gettext("There is no collection {name} any more.", name=repr(collection)))


def _rows(found: EditedList) -> dict[str, Any]:
    """The lines of the table, with some to write more into."""
    rows = [[one.question, one.document, "" if one.page is None else str(one.page), one.answer] for one in found.questions]
    return _table([*rows, *([""] * len(COLUMNS) for _ in range(EMPTY_LINES))])


def _table(rows: list[list[str]]) -> dict[str, Any]:
    return {"headers": list(map(gettext, COLUMNS)), "data": rows, "metadata": None}


def _question(number: int, row: list[Any]) -> EditedQuestion | None:
    """What a line of the table says; None for one without a question.

    Raises:
        RagError: it cannot be a question.
    """
    question, document, page, answer = (str(cell if cell is not None else "").strip() for cell in row)
    if not question:
        if document or answer:
            raise RagError(gettext("Line {number} has no question.", number=number))
        return None
    if page and not (page.isdecimal() and int(page) > 0):
        raise RagError(gettext("Line {number}: {page} is no page. Pages count from 1.", number=number, page=repr(page)))
    return EditedQuestion(question, document, int(page) if page else None, answer)
