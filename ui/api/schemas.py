"""The JSON of the API: what comes in, what goes out.

Belongs here: pydantic models and how our records become them. Not here: routes, HTTP status codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from rag_pipeline.answering.conversation.trace import passage_json
from rag_pipeline.answering.scope import DocumentFilter
from rag_pipeline.document_life import stage_of
from rag_pipeline.models import (
    Answered,
    AnswerEvent,
    Box,
    Citation,
    Computed,
    Coverage,
    Hit,
    IndexVersion,
    Mark,
    Message,
    Nearest,
    Place,
    Refused,
    Retrieved,
    Unverified,
)
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.conversations.tag_names import MOST_TAGS
from rag_pipeline.stores.conversations.tags import Tagged
from ui.api.schema_examples import ANSWER, CITATION, DOCUMENT, NEAREST, PASSAGE, shown

LONGEST_HISTORY = 200
PLACES = ("marks", "unverified", "computed")
"""What an answer says of places in its text."""
Name = Annotated[str, Field(max_length=10_000)]
"""With a limit pydantic also refuses what is no text: halves of characters, which no database takes."""


def _without_zone(time: datetime | None) -> datetime | None:
    try:
        return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time
    except OverflowError:
        raise ValueError("In UTC it is not in the years 1 to 9999") from None


UtcTime = Annotated[datetime | None, AfterValidator(_without_zone)]
"""As the catalog has times: in UTC, without a zone."""

TopK = Annotated[int | None, Field(ge=1, le=100)]
"""How many passages; None: ``RAG_TOP_K``."""


class HistoryMessage(BaseModel):
    """One earlier turn."""

    role: Literal["user", "assistant"]
    content: str

    def to_record(self) -> Message:
        """As the answerer takes it."""
        return Message(self.role, self.content)


class FilterBody(BaseModel):
    """Which documents may be read; what is left out does not narrow.

    ``documents`` are whole paths under the collection, ``folder`` one that documents lie in or below, ``types`` endings of file names
    (``pdf``). Documents have all of the ``tags``. ``since`` (inclusive) and ``before`` (exclusive) are about the last change of the
    file; without a zone they are UTC.
    """

    documents: list[Name] = Field(default=[], max_length=10_000, examples=[["contracts/lease.pdf"]])
    folder: Name = Field(default="", examples=["contracts"])
    types: list[Name] = Field(default=[], max_length=100, examples=[["pdf", "docx"]])
    since: UtcTime = Field(default=None, examples=["2026-01-01T00:00:00Z"])
    before: UtcTime = None
    tags: list[Name] = Field(default=[], max_length=MOST_TAGS, examples=[["lease"]])

    def to_record(self) -> DocumentFilter:
        """As the retriever takes it."""
        return DocumentFilter(tuple(self.documents), self.folder, tuple(self.types), self.since, self.before, tuple(self.tags))


class AskRequest(BaseModel):
    """A question, what was said before it, the collections and documents to look in (none: all), and how many passages to read."""

    model_config = shown(
        {"question": "When does the lease end?", "collections": ["contracts"], "filter": {"folder": "2025", "types": ["pdf"]}}
    )

    question: str
    history: list[HistoryMessage] = Field(default=[], max_length=LONGEST_HISTORY)
    collections: list[str] = []
    filter: FilterBody = FilterBody()
    top_k: TopK = None


class SearchRequest(BaseModel):
    """A question that stands alone, and how many passages to find (default: RAG_TOP_K)."""

    model_config = shown({"question": "notice period", "collections": ["contracts"], "top_k": 5})

    question: str
    collections: list[str] = []
    filter: FilterBody = FilterBody()
    top_k: TopK = None


class HitBody(BaseModel):
    """A passage. ``document`` is the path under the collection; pages are 1-based and inclusive.

    ``copies``: other documents, as ``collection/document``, that say the same.
    """

    model_config = shown(PASSAGE)

    rank: int
    score: float
    text: str
    document: str
    collection: str
    page_first: int | None
    page_last: int | None
    chunk_id: str
    copies: list[str] = []


class CitationBody(HitBody):
    """``[number]`` in the answer; ``page`` is the page of the passage that holds what the answer says.

    ``quoted``: ``text[start:end]`` is a sentence that the answer quotes, or that it was made of; empty where that cannot be told.
    """

    model_config = shown(CITATION)

    number: int
    page: int | None
    quoted: list[Place]
    boxes: list[Box]


class NearestBody(HitBody):
    """A passage below a refusal: its ``sentences`` that come nearest to the question, best first; none where none was compared with it.

    ``page`` is the one that they stand on, ``quoted`` where in the text.
    """

    model_config = shown(NEAREST)

    page: int | None
    sentences: list[str]
    quoted: list[Place]


class AskResponse(BaseModel):
    """An answer, or, with ``refused``, the reason why there is none and the nearest passages. Timings are in seconds.

    ``marks`` are the places of the citations: ``answer[start:end]`` is ``[number]``, counted in Unicode code points. Whatever else
    is in brackets in an answer is its own or a document's text.

    ``unverified`` are the places of what the passages cited do not say: numbers and dates with their units, and sentences that a language
    model wrote. ``computed`` are those of numbers that it calculated from two that they do say.

    ``coverage``: of so many passages only so many have vectors yet; the others were searched by their words alone. Null where all have one.
    With a ``reason`` all were, as the question could be given no vector.

    ``withdrawn`` is what a language model wrote where no passage says any of it; in a stream the tokens before the end were that. The
    answer is quoted from the documents then.
    """

    model_config = shown(ANSWER)

    answer: str
    citations: list[CitationBody]
    marks: list[Mark]
    unverified: list[Unverified] = []
    computed: list[Computed] = []
    nearest: list[NearestBody]
    refused: bool
    reformulated_question: str
    timings: dict[str, float]
    coverage: Coverage | None = None
    withdrawn: str = ""


class SearchResponse(BaseModel):
    """Passages, best first. ``coverage`` as in an answer."""

    model_config = shown({"hits": [PASSAGE], "coverage": None})

    hits: list[HitBody]
    coverage: Coverage | None = None


class DocumentBody(BaseModel):
    """A document's row; times are UTC. ``stage`` is its state, and while that is ``pending`` what it has so far: ``waiting``, ``reading``,
    ``answerable by its words``, ``vectors 312 of 1,048``; ``being removed`` once that was asked for.
    ``warnings`` say which parts of a document that was read otherwise are missing.

    ``deletion_held_since``: its file is missing, and it answers on until that is confirmed.
    ``content_hash``: sha256 of its bytes, null where they could not be read. ``tags``: what people gave it, by the alphabet; null while
    their database cannot be used.
    """

    model_config = shown(DOCUMENT)

    document: str
    collection: str
    document_id: str
    state: str
    stage: str
    error_code: str | None
    error: str | None
    attempts: int
    pages: int | None
    chunks: int
    vectors: int
    size_bytes: int
    indexed_at: datetime | None
    warnings: list[str]
    deletion_held_since: datetime | None = None
    content_hash: str | None = None
    tags: list[str] | None = []


class DocumentsResponse(BaseModel):
    """A page of live documents; ``total`` counts those of all pages. ``next_cursor`` asks for the next page, null after the last."""

    model_config = shown({"documents": [DOCUMENT], "total": 214, "next_cursor": "WyJjb250cmFjdHMiLCAiMjAyNS9sZWFzZS5wZGYiLCAiMGI2YSJd"})

    documents: list[DocumentBody]
    total: int
    next_cursor: str | None


class UploadBody(BaseModel):
    """A file as it lies in the watched folder now; ``name`` is its path below the collection.

    ``renamed``: another file had its name; ``unchanged``: the same file was there. ``document_id`` is that of the document that it becomes.
    """

    name: str
    collection: str
    outcome: Literal["added", "renamed", "unchanged"]
    document_id: str


class RefusedUpload(BaseModel):
    """A file that was not taken, and why."""

    name: str
    message: str


_UPLOADED = {"name": "2025/lease.pdf", "collection": "contracts", "outcome": "added", "document_id": DOCUMENT["document_id"]}


class UploadResponse(BaseModel):
    """What became of each file."""

    model_config = shown({"documents": [_UPLOADED], "refused": []})

    documents: list[UploadBody]
    refused: list[RefusedUpload]


class Health(BaseModel):
    """The app answers. ``answers`` tells who writes them: the language model's name, or None for quoted sentences."""

    model_config = shown({"status": "ok", "answers": None})

    status: Literal["ok"] = "ok"
    answers: str | None


def document_body(document: DocumentStatus, tagged: Tagged, *, is_read_now: bool = False) -> DocumentBody:
    """A row as the API shows it."""
    stage = stage_of(document.state, document.chunks, document.vectors, is_read_now=is_read_now, is_leaving=document.is_leaving)
    shown = {name: getattr(document, name) for name in DocumentBody.model_fields if name not in ("stage", "tags")}
    shown |= {"warnings": list(document.warnings), "stage": stage, "tags": tagged.of(document.document_id)}
    for name in ("indexed_at", "deletion_held_since"):
        if shown[name] and shown[name].tzinfo is None:
            shown[name] = f"{shown[name].isoformat()}Z"
    return DocumentBody.model_validate(shown)


def ask_response(end: Answered | Refused) -> AskResponse:
    """The end of a stream as one document."""
    refused = isinstance(end, Refused)
    return AskResponse.model_validate(
        {
            "answer": end.reason if isinstance(end, Refused) else end.answer,
            "citations": [] if isinstance(end, Refused) else [citation.to_json() for citation in end.citations],
            **{name: [] if isinstance(end, Refused) else [asdict(one) for one in getattr(end, name)] for name in PLACES},
            "nearest": [one.to_json() for one in end.nearest] if isinstance(end, Refused) else [],
            "refused": refused,
            "reformulated_question": end.reformulated_question,
            "timings": dict(end.timings),
            "coverage": end.coverage,
            "withdrawn": end.withdrawn,
        }
    )


def event_name(event: AnswerEvent) -> str:
    """``Answered`` → ``answered``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def event_json(event: AnswerEvent) -> dict[str, object]:
    """An event's fields, passages in the shape that the API promises; what an answer was made of is kept, and not told."""
    shown = {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "provenance"}
    if isinstance(event, Retrieved):
        found = [{**hit.to_json(), "parts": asdict(hit.parts) if hit.parts else None} for hit in event.hits]
        shown |= {"hits": found, "considered": [passage_json(hit) for hit in event.considered]}
    return shown


def _plain(value: object) -> object:
    if isinstance(value, Hit | Citation | Nearest):
        return value.to_json()
    if isinstance(value, Mark | Coverage | Unverified | Computed | IndexVersion):
        return asdict(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
