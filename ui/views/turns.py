"""A turn of the conversation as HTML: question, answer, sources, refusal, failure.

Belongs here: markup of the chat, pure. Not here: escaping (``rendering.py``), where events come from (``pages/ask.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag_pipeline.answering.generation.marks import marks_in
from rag_pipeline.models import Answered, AnswerEvent, Box, Citation, Failed, Hit, Mark, Reformulated, Refused, Retrieved, Token
from rag_pipeline.stores.conversations import StoredMessage
from ui.views.rendering import answer_html, escape, failure_html, page_label, passage_url

SNIPPET_CHARACTERS = 220
"""About three lines of a source card."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known so far about the answer to one question. ``end`` is the last event once there is one."""

    question: str
    markdown: bool
    searched: str = ""
    parts: tuple[str, ...] = ()
    hits: tuple[Hit, ...] | None = None
    text: str = ""
    marks: tuple[Mark, ...] = ()
    stopped: bool = False
    end: Answered | Refused | Failed | None = None

    def after(self, event: AnswerEvent) -> Turn:
        """The turn when the next event has come."""
        if isinstance(event, Reformulated):
            return replace(self, searched=event.question, parts=(*event.sub_questions, *filter(None, [event.with_topic])))
        if isinstance(event, Retrieved):
            return replace(self, hits=event.hits)
        if isinstance(event, Token):
            start, text = len(self.text), self.text + event.text
            mark = () if event.citation is None else (Mark(start, len(text), event.citation),)
            return replace(self, text=text, marks=self.marks + mark)
        return replace(self, end=event)


def turn_of(question: StoredMessage, answer: StoredMessage, *, markdown: bool) -> Turn:
    """A turn of a conversation that was kept, as it was when it ended."""
    detail: Mapping[str, Any] = answer.detail
    searched = str(detail.get("reformulated_question", ""))
    turn = Turn(question.content, markdown, searched, text=answer.content)
    if answer.state == "complete":
        citations = tuple(Citation(one["number"], _hit(one), one.get("page")) for one in detail.get("citations", ()))
        timings, model = detail.get("timings", {}), detail.get("model")
        return turn.after(Answered(answer.content, citations, searched, timings, model, marks=_marks(answer, citations)))
    if answer.state == "refused":
        return turn.after(Refused(answer.content, tuple(map(_hit, detail.get("nearest", ()))), searched, detail.get("timings", {})))
    if answer.state == "failed":
        return turn.after(Failed(str(detail.get("error", "")), str(detail.get("error_code", ""))))
    return replace(turn, stopped=True)


def _marks(answer: StoredMessage, citations: Sequence[Citation]) -> tuple[Mark, ...]:
    """Answers that were kept before marks were kept with them have their text only."""
    detail: Mapping[str, Any] = answer.detail
    kept = detail.get("marks")
    if kept is None:
        return marks_in(answer.content, max((citation.number for citation in citations), default=0))
    return tuple(Mark(mark["start"], mark["end"], mark["number"]) for mark in kept)


def _hit(stored: Mapping[str, Any]) -> Hit:
    known = {name: value for name, value in stored.items() if name not in ("number", "page")}
    boxes = tuple(Box(**box) for box in stored.get("boxes", ()))
    return Hit(**{**known, "copies": tuple(stored.get("copies", ())), "boxes": boxes})


def question_html(question: str) -> str:
    """The reader's own words."""
    return f"<div class='question'>{escape(question)}</div>"


def turn_html(turn: Turn) -> str:
    """The right-hand side of a turn, whole, at any moment of the stream."""
    parts = [_searched(turn), _body(turn)]
    live = " live" if turn.end is None and not turn.stopped else ""
    return f"<div class='turn{live}'>{''.join(parts)}</div>"


def _searched(turn: Turn) -> str:
    rewritten = [turn.searched] if turn.searched and not _same(turn.searched, turn.question) else []
    searched = ", ".join(f"“{escape(question)}”" for question in [*rewritten, *turn.parts])
    return f"<p class='searched'>Searched for {searched}</p>" if searched else ""


def _same(one: str, other: str) -> bool:
    return re.sub(r"\W+", " ", one).strip().lower() == re.sub(r"\W+", " ", other).strip().lower()


def _body(turn: Turn) -> str:
    end = turn.end
    if isinstance(end, Refused):
        return _refusal(end)
    if isinstance(end, Failed):
        return _streamed(turn) + failure_html("The answer broke off" if turn.text else "No answer this time", end.message)
    if isinstance(end, Answered):
        answer = answer_html(end.answer, end.citations, end.marks, markdown=turn.markdown)
        return f"<div class='answer'>{answer}</div>{_sources(end.citations)}{_footnote(end)}"
    if turn.stopped:
        return _streamed(turn) + "<p class='note'>Stopped.</p>"
    return _streamed(turn) or f"<p class='working'>{_progress(turn)}</p>"


def _streamed(turn: Turn) -> str:
    citations = [Citation(number, hit) for number, hit in enumerate(turn.hits or (), start=1)]
    return f"<div class='answer'>{answer_html(turn.text, citations, turn.marks, markdown=turn.markdown)}</div>" if turn.text else ""


def _progress(turn: Turn) -> str:
    if turn.hits is None:
        return "Searching your documents"
    return f"Reading {len(turn.hits)} passage{'' if len(turn.hits) == 1 else 's'}"


def _sources(citations: Sequence[Citation]) -> str:
    cards = "".join(_card(citation.hit, str(citation.number), citation.page) for citation in citations)
    return f"<h4 class='sources-title'>Sources</h4><ol class='sources'>{cards}</ol>" if cards else ""


def _card(hit: Hit, mark: str, page: int | None = None) -> str:
    label = page_label(hit, page)
    where = f"<span class='source-page'>{escape(label)}</span>" if label else ""
    number = f"<span class='source-number'>{escape(mark)}</span>" if mark else ""
    return (
        f"<li><a class='source' href='{escape(passage_url(hit, page))}' target='_blank'>{number}"
        f"<span class='source-body'><span class='source-title'><span class='source-name'>{escape(hit.document)}</span>{where}</span>"
        f"<span class='source-text'>{escape(snippet(_text_from(hit, page)))}</span>{_copies(hit)}</span></a></li>"
    )


def _text_from(hit: Hit, page: int | None) -> str:
    return hit.text[min((box.start for box in hit.boxes if box.page == page), default=0) :]


def _copies(hit: Hit) -> str:
    names = ", ".join(hit.copies)
    return f"<span class='source-copies'>The same in {escape(names)}</span>" if names else ""


def snippet(text: str, characters: int = SNIPPET_CHARACTERS) -> str:
    """The beginning of a passage on one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= characters:
        return line
    return line[:characters].rsplit(" ", 1)[0] + " …"


def _footnote(end: Answered) -> str:
    author = f"Written by {escape(end.model)}" if end.model else "Quoted from your documents"
    return f"<p class='footnote'>{author}{_seconds(end.timings)}</p>"


def _seconds(timings: Mapping[str, float]) -> str:
    total = timings.get("total", sum(timings.values()))
    return f" · {total:.1f} s" if total else ""


def _refusal(end: Refused) -> str:
    cards = "".join(_card(hit, "") for hit in end.hits[:4])
    nearest = f"<h4 class='sources-title'>Nearest passages</h4><ol class='sources'>{cards}</ol>" if cards else ""
    return f"<div class='refusal'><strong>Not in your documents</strong><p>{escape(end.reason)}</p></div>{nearest}"
