"""How well a collection answers, and the questions that it is measured with, over HTTP.

Belongs here: requests in, JSON or what the tab shows out. Not here: measuring, which Dagster does; the file of the list
(``rag_pipeline.evaluation.folder``).

What readers asked is theirs: of thumbs nothing is shown here.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.folder import EditedList, EditedQuestion, read_edited, write_edited
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import FailureBody, shown
from ui.api.schemas import Name
from ui.views.language import gettext
from ui.views.language.told import failure_of
from ui.views.messages import failure_html
from ui.views.quality import MEASURES, page_html, past_of, questions_html
from ui.web.security import own_page
from ui.web.services import Services
from ui.web.visibility import require_collection

MOST_QUESTIONS = 2_000
router = APIRouter(prefix="/api/v1/collections/{collection}", tags=["quality"])
pages = APIRouter(include_in_schema=False)
_QUESTION = {"question": "When does the lease end?", "document": "2025/lease.pdf", "page": 2, "answer": "31 March 2027"}
_PAST = {"number": 3, "measured_at": "2026-11-29T09:14:31Z", "index_version": "20261129T091402000000-3f9a1c", "questions": 48,
         "figures": {"ndcg_at_10": 0.87}, "half_intervals": {"ndcg_at_10": 0.05}}  # fmt: skip


class QuestionBody(BaseModel):
    """A question with a known answer. ``document``: empty where the documents do not hold it, so that it is right to refuse."""

    model_config = shown(_QUESTION)

    question: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S")]
    document: Name = ""
    page: int | None = Field(None, ge=1)
    answer: Name = ""


class QuestionsBody(BaseModel):
    """The list, and what names this state of it: send it back with the changed list, so that nobody's changes are lost."""

    model_config = shown({"questions": [_QUESTION], "version": "9c1185a5c5e9fc54"})

    questions: list[QuestionBody] = Field(max_length=MOST_QUESTIONS)
    version: str = ""


class PastBody(BaseModel):
    """A measurement: means over its questions, and half of the 95 % interval around each."""

    model_config = shown(_PAST)

    number: int
    measured_at: datetime | None
    index_version: str
    questions: int
    figures: dict[str, float]
    half_intervals: dict[str, float]


class QualityResponse(BaseModel):
    """The last measurements of a collection, oldest first."""

    model_config = shown({"measurements": [_PAST]})

    measurements: list[PastBody]


@router.get("/quality")
async def quality(collection: str, services: ServicesDependency, access: ReaderDependency) -> QualityResponse:
    """How well the questions of a collection were answered, version by version."""
    await _require_known(collection, services, access)
    found = await asyncio.to_thread(past_of, services.settings, collection)
    return QualityResponse(
        measurements=[
            PastBody(
                number=one.number, measured_at=one.measured_at, index_version=one.index_version, questions=one.questions,
                figures={name: one.figures[name][0] for name in MEASURES if name in one.figures},
                half_intervals={name: one.figures[name][1] for name in MEASURES if name in one.figures},
            )
            for one in found
        ]
    )  # fmt: skip


@router.get("/questions")
async def questions(collection: str, services: ServicesDependency, access: ReaderDependency) -> QuestionsBody:
    """The questions with known answers that are edited here; files that were dropped count besides."""
    await _require_known(collection, services, access)
    return _body(await asyncio.to_thread(read_edited, services.settings, collection))


@router.put("/questions", responses={409: {"model": FailureBody, "description": "Someone else changed the list meanwhile"}})
async def replace_questions(collection: str, body: QuestionsBody, services: ServicesDependency, access: WriterDependency) -> QuestionsBody:
    """Replace the list; once its documents are indexed, the collection is measured with it."""
    await _require_known(collection, services, access)
    wanted = [EditedQuestion(one.question, one.document, one.page, one.answer) for one in body.questions]
    return _body(await asyncio.to_thread(write_edited, services.settings, collection, wanted, body.version))


@pages.get("/quality", response_class=HTMLResponse)
async def tab_of_page(services: ServicesDependency, access: ReaderDependency, collection: str = "") -> HTMLResponse:
    """What the tab shows of a collection, or of the first one (``static/quality/questions.js``), or what keeps it from being shown."""
    try:
        names = list(await services.visible_counts(access))
        chosen = collection if collection in names else next(iter(names), "")
        past = await asyncio.to_thread(past_of, services.settings, chosen) if chosen else []
    except RagError as error:
        return own_page(failure_html(gettext("This cannot be shown"), failure_of(error)))
    return own_page(page_html(names, chosen, past, await _questions_html(services, chosen) if chosen else ""))


async def _questions_html(services: Services, collection: str) -> str:
    try:
        return questions_html(collection, await asyncio.to_thread(read_edited, services.settings, collection))
    except RagError as error:
        return failure_html(gettext("The questions cannot be shown"), failure_of(error))


async def _require_known(collection: str, services: Services, access: Access) -> None:
    require_collection(access, collection)
    if collection not in await services.visible_counts(access):
        raise HTTPException(404, f"There is no collection {collection!r}.")


def _body(found: EditedList) -> QuestionsBody:
    return QuestionsBody.model_validate({"questions": [asdict(one) for one in found.questions], "version": found.version})
