"""What the API's schema shows: one small story in requests, answers, events and failures.

Belongs here: examples, and the responses that no return type tells. Not here: shapes (``schemas.py`` and the routes' own models).
A test holds every example against its model.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

Responses = dict[int | str, dict[str, Any]]

PASSAGE: dict[str, Any] = {
    "rank": 1,
    "score": 0.71,
    "text": "The lease ends on 31 March 2027. Notice is given in writing, three months before.",
    "document": "2025/lease.pdf",
    "collection": "contracts",
    "page_first": 4,
    "page_last": 4,
    "chunk_id": "6f0d1c5e-8f5b-5c1d-9f0e-2f6b3a7c9d10",
    "copies": [],
}
_BOX = {"page": 4, "left": 0.12, "top": 0.31, "right": 0.88, "bottom": 0.34, "start": 0, "end": 83}
CITATION = {"number": 1, "page": 4, **PASSAGE, "quoted": [{"start": 0, "end": 32}], "boxes": [_BOX]}
NEAREST = {"page": 4, **PASSAGE, "sentences": ["The lease ends on 31 March 2027."], "quoted": [{"start": 0, "end": 32}]}
ANSWER = {
    "answer": "The lease ends on 31 March 2027. [1]",
    "citations": [CITATION],
    "marks": [{"start": 33, "end": 36, "number": 1}],
    "unverified": [],
    "computed": [],
    "nearest": [],
    "refused": False,
    "reformulated_question": "When does the lease end?",
    "timings": {"reformulate": 0.0, "retrieve": 0.02, "generate": 0.11},
    "coverage": {"passages": 2754, "vectors": 312, "reason": "", "unread": False},
    "withdrawn": "",
}
_PARTS = {"words": 0.81, "meaning": 0.64, "name": 0.5, "rank": 1.0, "pairs": 0.33, "row": 0.0}
_CLOSE = {
    **{name: PASSAGE[name] for name in ("chunk_id", "collection", "document", "page_first", "page_last", "score")},
    "rank": None,
    "parts": _PARTS,
    "beginning": PASSAGE["text"],
}
_VERSION = {"collection": "contracts", "version": "20260302T091431-5f0c", "embedding_model": "sentence-transformers/all-MiniLM-L6-v2"}
TRACE = {
    "question": "When does it end?",
    "searched": "When does the lease end?",
    "sub_questions": [],
    "with_topic": "",
    "passages": [{**_CLOSE, "rank": 1}, {**_CLOSE, "chunk_id": "0d51", "score": 0.32}],
    "versions": [_VERSION],
    "cited": {str(PASSAGE["chunk_id"]): 1},
    "given": 0,
    "timings": ANSWER["timings"],
    "nearness": 1.1,
    "model": None,
    "usage": {},
}
DOCUMENT = {
    "document": "2025/lease.pdf",
    "collection": "contracts",
    "document_id": "0b6a51c2f0e94d0f8a3be2d6c1f7a915",
    "state": "indexed",
    "stage": "indexed",
    "error_code": None,
    "error": None,
    "attempts": 1,
    "pages": 12,
    "chunks": 31,
    "vectors": 31,
    "size_bytes": 184320,
    "indexed_at": "2026-03-02T09:14:31Z",
    "warnings": ["Page 7 was not read: it holds a picture, and Tesseract is not installed."],
    "deletion_held_since": None,
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tags": ["lease", "signed"],
}
ELEMENT: dict[str, Any] = {
    "position": 27,
    "kind": "NarrativeText",
    "text": PASSAGE["text"],
    "characters": 83,
    "page": 4,
    "heading_path": ["Term"],
    "boxes": [_BOX],
    "chunks": [{"chunk": 9, "start": 0, "end": 83}],
}
CHUNK: dict[str, Any] = {
    "position": 9,
    "chunk_id": PASSAGE["chunk_id"],
    "page_first": 4,
    "page_last": 4,
    "tokens": 118,
    "boxes": [_BOX],
}
DOCUMENT_TEXT = {
    **{name: DOCUMENT[name] for name in ("document_id", "document", "collection")},
    "part": 4,
    "parts": 12,
    "page": 4,
    "elements": [ELEMENT],
    "chunks": [CHUNK],
}
MESSAGES: list[dict[str, Any]] = [
    {
        "message_id": "5d2f",
        "role": "user",
        "content": "When does the lease end?",
        "state": "complete",
        "created_at": "2026-03-02T09:20:00",
        "detail": {},
        "feedback": None,
        "feedback_comment": None,
        "feedback_reason": None,
    },
    {
        "message_id": "5d30",
        "role": "assistant",
        "content": ANSWER["answer"],
        "state": "complete",
        "created_at": "2026-03-02T09:20:00",
        "detail": {
            "reformulated_question": "When does the lease end?",
            "citations": [CITATION],
            "marks": [{"start": 33, "end": 36, "number": 1}],
            "unverified": [],
            "computed": [],
            "model": None,
        },
        "feedback": "up",
        "feedback_comment": None,
        "feedback_reason": None,
    },
]
CONVERSATION = {
    "conversation_id": "c81e",
    "title": "The lease",
    "created_at": "2026-03-02T09:19:58",
    "updated_at": "2026-03-02T09:20:00",
    "messages": MESSAGES,
    "pinned": False,
    "collections": ["contracts"],
    "filter": {"documents": [], "folder": "2025", "types": ["pdf"], "since": "2026-01-01T00:00:00", "before": None},
}
COLLECTION_PROGRESS: dict[str, Any] = {
    "collection": "contracts",
    "documents": 14,
    "stages": {"waiting": 3, "reading": 2, "vectors": 1, "indexed": 7, "failed": 1},
    "passages": 812,
    "passages_expected": 1300,
    "vectors": 630,
    "lanes": ["text"],
    "step": "extracted_text",
    "reading": ["2025/lease.pdf", "2025/annex.pdf"],
    "next_documents": ["2024/lease.pdf", "2023/lease.pdf", "2022/lease.pdf"],
    "passages_a_second": 11.2,
    "seconds_left": 68.0,
    "paused": False,
    "complete": False,
}
PROGRESS: dict[str, Any] = {"collections": [COLLECTION_PROGRESS], "next": ["contracts"], "going_on": True}
RUN = {"run_id": "1c9c5b5e-0a6e-4b5b-9d0f-7b7a8c1d2e3f", "status": "STARTED", "collection": "contracts", "steps_done": 2, "steps": 9}

PAST_RUN: dict[str, Any] = {
    "run_id": RUN["run_id"],
    "job": "ingest_text",
    "status": "SUCCESS",
    "collection": "contracts",
    "created_at": "2026-03-02T09:14:00Z",
    "started_at": "2026-03-02T09:14:02Z",
    "ended_at": "2026-03-02T09:14:31Z",
    "seconds": 29.0,
}
INDEX_VERSION: dict[str, Any] = {
    "collection": "contracts",
    "version": "20261105T101500000000-3f9a1c",
    "published_at": "2026-11-05T10:15:00+00:00",
    "embedding_model": _VERSION["embedding_model"],
    "dimension": 384,
    "documents": 13,
    "chunks": 812,
    "vectors": 630,
    "segments": 2,
    "size_bytes": 9_400_320,
    "previous": "20261104T081200000000-77b0e2",
    "previous_published_at": "2026-11-04T08:12:00+00:00",
    "rolled_back": False,
}
CONCERN = {
    "collection": "contracts",
    "check": "failed_documents",
    "asset": "extracted_text",
    "words": "1 document cannot be answered from: see Documents.",
}
DAY: dict[str, Any] = {
    "day": "2026-03-02",
    "documents": 14,
    "chunks": 812,
    "questions": 31,
    "refused": 4,
    "failed": 0,
    "thumbs_up": 6,
    "thumbs_down": 1,
    "seconds_p50": 0.21,
    "seconds_p95": 1.9,
}
PAST_SLICE = {"collection": "contracts", "lane": "vectors", "ended_at": "2026-03-02T09:14:31Z", "work": 630, "seconds": 56.2}
SETTING = {
    "variable": "RAG_TOP_K",
    "value": "12",
    "origin": "environment",
    "description": "Passages retrieved for a question.",
    "is_secret": False,
}
FINDING = {"subject": "Tesseract", "state": "missing", "detail": "not installed: scans and pictures are not read", "remedy": "install it"}


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """A model's configuration with examples for the schema."""
    return ConfigDict(json_schema_extra={"examples": [*examples]})


class Problem(BaseModel):
    """What went wrong: a word for programs, and a sentence for people that names the way out."""

    code: str
    message: str


class FailureBody(BaseModel):
    """Every failure of the API."""

    model_config = shown({"error": {"code": "nothing_indexed", "message": "No documents are indexed yet: drop files into data/uploads …"}})

    error: Problem


FAILURES: Responses = {
    "4XX": {
        "model": FailureBody,
        "description": "Another request would do. 401: no token, 403: not allowed, 404: not there, 422: not valid, 429: too many requests",
    },
    "5XX": {"model": FailureBody, "description": "500: something is damaged, 502: the language model failed, 503: try again in a moment"},
}
_ANSWERED = {name: ANSWER[name] for name in ("answer", "citations", "reformulated_question", "timings")}
STREAM: list[tuple[str, dict[str, Any]]] = [
    ("reformulated", {"question": "When does the lease end?", "sub_questions": [], "with_topic": ""}),
    ("retrieved", {"hits": [{**PASSAGE, "parts": _PARTS}], "considered": [_CLOSE], "versions": [_VERSION]}),
    ("token", {"text": "The lease ends on 31 March 2027. ", "citation": None}),
    ("token", {"text": "[1]", "citation": 1}),
    (
        "answered",
        {
            **_ANSWERED,
            "model": None,
            "usage": {},
            "nearness": 1.1,
            "given": 0,
            **{name: ANSWER[name] for name in ("marks", "coverage", "unverified", "computed", "withdrawn")},
        },
    ),
]
EVENTS: Responses = {
    200: {
        "description": "The answer; with `Accept: text/event-stream` its events, the last of which is answered, refused or failed",
        "content": {"text/event-stream": {"example": "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in STREAM)}},
    }
}
PROGRESS_EVENTS: Responses = {
    200: {
        "description": "How far all is; with `Accept: text/event-stream` an event `progress` now and after each change",
        "content": {"text/event-stream": {"example": f"event: progress\ndata: {json.dumps(PROGRESS)}\n\n"}},
    }
}
_BESIDE = {name: ANSWER[name] for name in ("citations", "refused", "withdrawn", "marks", "unverified", "computed")}
_MESSAGE = {"role": "assistant", "content": ANSWER["answer"], **_BESIDE}
_COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1772443200,
    "model": "all",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
}
_MODEL = {"id": "all", "object": "model", "created": 0, "owned_by": "rag"}
COMPLETIONS: Responses = {
    200: {
        "description": "The answer, whole or as it is written",
        "content": {"application/json": {"example": _COMPLETION}, "text/event-stream": {"example": "data: {…}\n\ndata: [DONE]\n\n"}},
    }
}
MODELS: Responses = {200: {"content": {"application/json": {"example": {"object": "list", "data": [_MODEL]}}}}}


def file_of(media_type: str, description: str) -> Responses:
    """A response that is a file."""
    return {200: {"description": description, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}
