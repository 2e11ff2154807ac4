"""A turn of the conversation: question, answer, sources, refusal, failure.

Belongs here: what is shown of a turn at each moment, pure. Not here: markup (``templates/ask/turn.html``), the text of an answer
(``rendering.py``), where events come from (``pages/ask.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from rag_pipeline.answering.generation.marks import marks_in
from rag_pipeline.models import (
    Answered,
    AnswerEvent,
    Begun,
    Box,
    Citation,
    Computed,
    Coverage,
    Failed,
    Hit,
    Mark,
    Nearest,
    Place,
    Reformulated,
    Refused,
    Retrieved,
    Token,
    Unverified,
)
from rag_pipeline.stores.conversations import StoredMessage
from ui.views.citations import Source, sources_of
from ui.views.environment import render
from ui.views.language import gettext, ngettext
from ui.views.language.formats import number
from ui.views.markdown.documents import answer_as_read
from ui.views.refusals import failure_in_words, refusal_in_words, refusal_title
from ui.views.rendering import answer_html
from ui.views.suggestions import questions_after


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known so far about the answer to one question. ``end`` is the last event once there is one.

    ``message_id`` and ``conversation`` are empty where it is not kept.
    """

    question: str
    markdown: bool
    message_id: str = ""
    conversation: str = ""
    searched: str = ""
    parts: tuple[str, ...] = ()
    with_topic: str = ""
    """The question with what was asked before it, while it may lean on that; empty once the answer says that it did not."""
    hits: tuple[Hit, ...] | None = None
    text: str = ""
    marks: tuple[Mark, ...] = ()
    stopped: bool = False
    end: Answered | Refused | Failed | None = None

    def after(self, event: AnswerEvent) -> Turn:
        """The turn when the next event has come."""
        if isinstance(event, Begun):
            return replace(self, message_id=event.message_id)
        if isinstance(event, Reformulated):
            return replace(self, searched=event.question, parts=event.sub_questions, with_topic=event.with_topic)
        if isinstance(event, Retrieved):
            return replace(self, hits=event.hits)
        if isinstance(event, Token):
            start, text = len(self.text), self.text + event.text
            mark = () if event.citation is None else (Mark(start, len(text), event.citation),)
            return replace(self, text=text, marks=self.marks + mark)
        of_answer = event.provenance if isinstance(event, Answered | Refused) else None
        return replace(self, end=event, with_topic=of_answer.with_topic if of_answer else self.with_topic)


def turn_of(question: StoredMessage, answer: StoredMessage, conversation: str = "", *, markdown: bool) -> Turn:
    """A turn of a conversation that was kept, as it was when it ended."""
    detail: Mapping[str, Any] = answer.detail
    searched = str(detail.get("reformulated_question", ""))
    coverage = Coverage(**detail["coverage"]) if detail.get("coverage") else None
    turn = Turn(question.content, markdown, answer.message_id, conversation, searched, text=answer.content)
    if answer.state == "complete":
        citations = tuple(map(_citation, detail.get("citations", ())))
        timings, model = detail.get("timings", {}), detail.get("model")
        end = Answered(answer.content, citations, searched, timings, model, marks=_marks(answer, citations), coverage=coverage)
        return turn.after(replace(end, **_verdicts(detail), withdrawn=str(detail.get("withdrawn", ""))))
    if answer.state == "refused":
        nearest = tuple(map(_nearest, detail.get("nearest", ())))
        refused = Refused(answer.content, nearest, searched, detail.get("timings", {}), None, coverage)
        return turn.after(replace(refused, withdrawn=str(detail.get("withdrawn", ""))))
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


def _verdicts(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Answers that were kept before they were verified have none."""
    computed = ({**one, "terms": tuple(one["terms"]), "citations": tuple(one["citations"])} for one in detail.get("computed", ()))
    return {
        "unverified": tuple(Unverified(**one) for one in detail.get("unverified", ())),
        "computed": tuple(Computed(**one) for one in computed),
    }


def _citation(stored: Mapping[str, Any]) -> Citation:
    """Citations that were kept before it was told what they quote have no such places."""
    return Citation(stored["number"], _hit(stored), stored.get("page"), _quoted(stored))


def _nearest(stored: Mapping[str, Any]) -> Nearest:
    """Refusals that were kept before sentences were kept with them have the passages only."""
    return Nearest(_hit(stored), tuple(stored.get("sentences", ())), stored.get("page"), _quoted(stored))


def _quoted(stored: Mapping[str, Any]) -> tuple[Place, ...]:
    return tuple(Place(**place) for place in stored.get("quoted", ()))


def _hit(stored: Mapping[str, Any]) -> Hit:
    known = {name: value for name, value in stored.items() if name not in ("number", "page", "quoted", "sentences")}
    boxes = tuple(Box(**box) for box in stored.get("boxes", ()))
    return Hit(**{**known, "copies": tuple(stored.get("copies", ())), "boxes": boxes})


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not work."""

    title: str
    message: str


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """What ``turn.html`` shows. What one may do with the answer is offered once it has a ``message_id``.

    ``searched`` are the questions that were searched for where they are not the one that was asked. ``before`` is what was asked earlier,
    where the question was searched for together with it too.

    ``waits``: there was nothing to search; the page asks again by itself once there is (``static/app.js``).
    """

    searched: tuple[str, ...]
    before: str = ""
    conversation: str = ""
    message_id: str = ""
    live: bool = False
    answer: Markup | None = None
    refusal_title: str = ""
    refusal: str | None = None
    sources: tuple[Source, ...] = ()
    footnote: str = ""
    failure: Failure | None = None
    stopped: bool = False
    progress: str = ""
    coverage: str = ""
    waits: bool = False
    withdrawn: str = ""
    suggested: tuple[str, ...] = ()


def question_html(question: str) -> str:
    """The reader's own words."""
    return render("ask/question.html", question=question)


def turn_html(turn: Turn) -> str:
    """The right-hand side of a turn, whole, at any moment of the stream."""
    return render("ask/turn.html", turn=shown_turn(turn))


def shown_turn(turn: Turn) -> ShownTurn:
    """What there is to see of a turn."""
    over = turn.end is not None or turn.stopped
    end, shown = turn.end, ShownTurn(_searched(turn), _before(turn), turn.conversation, turn.message_id if over else "")
    if isinstance(end, Answered | Refused):
        cited = [citation.hit for citation in end.citations] if isinstance(end, Answered) else []
        shown = replace(shown, suggested=questions_after(turn.question, turn.hits or (), cited))
        shown = replace(shown, coverage=_coverage(end.coverage), withdrawn=end.withdrawn)
    if isinstance(end, Refused):
        shown = replace(shown, waits=end.nothing_indexed)
        return replace(shown, refusal_title=refusal_title(end), refusal=refusal_in_words(end), sources=sources_of(end))
    if isinstance(end, Answered):
        end = end if turn.markdown else answer_as_read(end)
        answer = answer_html(end.answer, end.citations, end.marks, (*end.unverified, *end.computed), markdown=turn.markdown)
        return replace(shown, answer=answer, sources=sources_of(end), footnote=_footnote(end))
    shown = replace(shown, answer=_streamed(turn))
    if isinstance(end, Failed):
        return replace(
            shown, failure=Failure(gettext("The answer broke off") if turn.text else gettext("No answer this time"), failure_in_words(end))
        )
    if turn.stopped:
        return replace(shown, stopped=True)
    return replace(shown, live=True, progress="" if turn.text else _progress(turn))


def _searched(turn: Turn) -> tuple[str, ...]:
    rewritten = [turn.searched] if turn.searched and not _same(turn.searched, turn.question) else []
    return (*rewritten, *turn.parts)


def _before(turn: Turn) -> str:
    """The question stands above the answer already."""
    return turn.with_topic.removeprefix(turn.question).strip()


def _same(one: str, other: str) -> bool:
    return re.sub(r"\W+", " ", one).strip().lower() == re.sub(r"\W+", " ", other).strip().lower()


def _streamed(turn: Turn) -> Markup | None:
    citations = tuple(Citation(place, hit) for place, hit in enumerate(turn.hits or (), start=1))
    so_far = Answered(turn.text, citations, turn.question, {}, marks=turn.marks)
    shown = so_far if turn.markdown else answer_as_read(so_far)
    return answer_html(shown.answer, citations, shown.marks, markdown=turn.markdown) if turn.text else None


def _progress(turn: Turn) -> str:
    if turn.hits is None:
        return gettext("Searching your documents")
    return ngettext("Reading {number} passage", "Reading {number} passages", len(turn.hits))


def _coverage(coverage: Coverage | None) -> str:
    """What an answer that was found by words alone, or mostly, says of itself."""
    if coverage is None:
        return ""
    if coverage.reason:
        return gettext("Found by words alone. {reason}", reason=coverage.reason)
    counts = {"vectors": coverage.vectors, "passages": coverage.passages}
    if not coverage.vectors:
        return gettext("Found by words alone: vectors for {vectors} of {passages} passages so far.", **counts)
    return gettext("Found partly by words alone: vectors for {vectors} of {passages} passages so far.", **counts)


def _footnote(end: Answered) -> str:
    author = gettext("Written by {model}", model=end.model) if end.model and not end.withdrawn else gettext("Quoted from your documents")
    total = end.timings.get("total", sum(end.timings.values()))
    return f"{author} · {number(total, 1)} s" if total else author
