"""How an answer was found, for those who ask later: taken from the events of the answer itself, and never worked out again.

Belongs here: what is kept of them. Not here: the events (``answerer.py``), where it is kept (``stores/conversations``), how it is shown.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag_pipeline.models import Answered, AnswerEvent, Hit, Reformulated, Refused, Retrieved


class Trace:
    """What the events of one answer told so far."""

    def __init__(self, question: str) -> None:
        self._noted: dict[str, Any] = {"question": question}

    def note(self, event: AnswerEvent) -> None:
        """One event more."""
        if isinstance(event, Reformulated):
            self._noted |= {"searched": event.question, "sub_questions": list(event.sub_questions), "with_topic": event.with_topic}
        elif isinstance(event, Retrieved):
            passages = [*({**passage_json(hit), "rank": hit.rank} for hit in event.hits), *map(passage_json, event.considered)]
            self._noted |= {"passages": passages, "versions": [asdict(version) for version in event.versions]}
        elif isinstance(event, Answered | Refused):
            self._noted |= {"timings": dict(event.timings), "given": event.given, "nearness": event.nearness}
            if isinstance(event, Answered):
                numbers = {one.hit.chunk_id: one.number for one in event.citations}
                self._noted |= {"cited": numbers, "model": event.model, "usage": dict(event.usage)}

    def to_json(self) -> dict[str, Any]:
        """``passages`` with a ``rank`` were found, the others came close. ``cited``: id of a passage → its number in the answer."""
        return self._noted


def passage_json(hit: Hit) -> dict[str, Any]:
    """What is kept and told of a passage that came close: where it stands, how it begins, its score and the parts of it."""
    names = ("chunk_id", "collection", "document", "page_first", "page_last", "score")
    parts = asdict(hit.parts) if hit.parts else None
    return {**{name: getattr(hit, name) for name in names}, "rank": None, "parts": parts, "beginning": hit.beginning}
