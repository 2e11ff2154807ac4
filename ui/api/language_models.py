"""The language models of this machine over HTTP: which there are, which one answers, choosing one; and the part of the first page about it.

Belongs here: requests in, JSON or a part of a page out. Not here: looking for them, keeping the choice
(``rag_pipeline/answering/generation``), what programs are missing (``rag_pipeline/doctor.py``).
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from rag_pipeline.answering.generation.chosen_model import ChosenModel, choose_model, chosen_model
from rag_pipeline.doctor import examine_reading
from rag_pipeline.settings import AUTOMATIC
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import shown
from ui.views.welcome import machine_html
from ui.web.security import own_page
from ui.web.services import Services
from ui.web.visibility import may_everything, require_everything

router = APIRouter(prefix="/api/v1/language-models", tags=["language models"])
pages = APIRouter(include_in_schema=False)
_QWEN = {"server": "Ollama", "name": "qwen3:4b"}


class ChosenBody(BaseModel):
    """A language model by the program that serves it on this machine, and its name there."""

    model_config = shown(_QWEN)

    server: str = Field(max_length=100)
    name: str = Field(max_length=1000)


class OfferedBody(ChosenBody):
    """One that is offered. ``context_tokens``: what it reads at most; null where its program does not tell."""

    model_config = shown({**_QWEN, "context_tokens": 16384})

    context_tokens: int | None


class LanguageModelsResponse(BaseModel):
    """``offered``: on this machine, as of a few seconds ago. ``named``: what ``RAG_CHAT_MODEL`` says; it counts before what was ``chosen``.

    ``answers``: who writes answers now; null: they are quoted from the documents.
    """

    model_config = shown({"answers": "qwen3:4b", "named": None, "chosen": _QWEN, "offered": [{**_QWEN, "context_tokens": 16384}]})

    answers: str | None
    named: str | None
    chosen: ChosenBody | None
    offered: list[OfferedBody]


@router.get("")
async def language_models(services: ServicesDependency, access: ReaderDependency) -> LanguageModelsResponse:
    """Which language models other programs offer on this machine, and who writes the answers."""
    return await _known(services)


@router.put("/chosen")
async def choose(body: ChosenBody, services: ServicesDependency, access: WriterDependency) -> LanguageModelsResponse:
    """Have answers written by one of them from the next question on, until another is chosen or ``RAG_CHAT_MODEL`` is set."""
    require_everything(access)
    if named := services.settings.chat_model:
        meant = "takes the first that is offered" if named == AUTOMATIC else "names another"
        raise HTTPException(409, f"RAG_CHAT_MODEL={named} {meant}. Take it out of .env (or the environment), start again, and choose then.")
    wanted = ChosenModel(body.server, body.name)
    if wanted not in [model.as_chosen for model in await services.answerer.local_models()]:
        raise HTTPException(404, f"{wanted} is not offered on this machine now. Start it, wait ten seconds, and try again.")
    await asyncio.to_thread(choose_model, services.settings, wanted)
    return await _known(services)


@router.delete("/chosen")
async def choose_none(services: ServicesDependency, access: WriterDependency) -> LanguageModelsResponse:
    """Have answers quoted from the documents again, where ``RAG_CHAT_MODEL`` names no language model."""
    require_everything(access)
    await asyncio.to_thread(choose_model, services.settings, None)
    return await _known(services)


async def _known(services: Services) -> LanguageModelsResponse:
    chosen, answers = chosen_model(services.settings), await services.answerer.language_model()
    offered = await services.answerer.local_models()
    return LanguageModelsResponse(
        answers=answers.name if answers else None,
        named=services.settings.chat_model or None,
        chosen=ChosenBody(server=chosen.server, name=chosen.name) if chosen else None,
        offered=[OfferedBody(server=one.server, name=one.name, context_tokens=one.context_tokens) for one in offered],
    )


@pages.get("/first-minute", response_class=HTMLResponse)
async def first_minute(services: ServicesDependency, access: ReaderDependency) -> HTMLResponse:
    """What the first page says of this machine, drawn when it is shown (``static/first.js``): language models, missing programs."""
    settings = services.settings
    offered, chosen = await services.answerer.local_models(), chosen_model(settings)
    missing = await asyncio.to_thread(examine_reading, settings) if access.may("write") else []
    return own_page(machine_html(settings, offered, chosen, missing, may_choose=may_everything(access)))
