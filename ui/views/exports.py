"""Answers and conversations that leave the app: as plain text, or as Markdown, DOCX or a page to print with the sources below each answer.

Belongs here: text and files, pure. Not here: what a turn looks like on the page (``turns.py``), the lines of sources (``citations.py``).

What people and documents wrote is text in Markdown too: a program that shows the copy must neither run nor fetch anything for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

from rag_pipeline.models import Answered, Failed, Refused
from rag_pipeline.stores.conversations import Conversation, StoredMessage
from ui.views.citations import escaped, footnotes, sources_of
from ui.views.environment import render
from ui.views.language import gettext
from ui.views.language.formats import moment_utc
from ui.views.markdown.documents import answer_as_read
from ui.views.markdown.fetching import without_fetching
from ui.views.refusals import failure_in_words, refusal_in_words
from ui.views.turns import Turn, shown_turn, turn_of


def turns_of(conversation: Conversation) -> list[tuple[StoredMessage, StoredMessage]]:
    """Questions with their answers, in order."""
    messages = conversation.messages
    return [(one, other) for one, other in pairwise(messages) if (one.role, other.role) == ("user", "assistant")]


def plain_answer(question: StoredMessage, answer: StoredMessage) -> str:
    """What an answer says, without the marks of its sources."""
    turn = _read(question, answer)
    if not isinstance(turn.end, Answered):
        return _words_instead(turn)
    said, end = "", 0
    for mark in turn.end.marks:
        said, end = said + turn.end.answer[end : mark.start].rstrip(" "), mark.end
    return said + turn.end.answer[end:]


def markdown_answer(question: StoredMessage, answer: StoredMessage, base: str) -> str:
    """An answer as Markdown, with a line for each source below it. ``base`` is the address of the app."""
    turn = _read(question, answer)
    if not isinstance(turn.end, Answered):
        return escaped(_words_instead(turn)) + (footnotes(sources_of(turn.end), base) if isinstance(turn.end, Refused) else "")
    by_model = _is_by_model(turn.end)
    said, end = "", 0
    for mark in turn.end.marks:
        said += _safe(turn.end.answer[end : mark.start], by_model=by_model) + turn.end.answer[mark.start : mark.end]
        end = mark.end
    return said + _safe(turn.end.answer[end:], by_model=by_model) + footnotes(sources_of(turn.end), base)


def markdown_conversation(conversation: Conversation, base: str) -> str:
    """A conversation as Markdown: each question a heading, below it its answer with its sources."""
    parts = [f"# {_line(conversation.title)}", moment_utc(conversation.created_at)]
    for question, answer in turns_of(conversation):
        parts += [f"## {_line(question.content)}", markdown_answer(question, answer, base)]
    return "\n\n".join(parts) + "\n"


def word_document(conversation: Conversation, base: str) -> bytes:
    """A conversation as a DOCX file. Takes some milliseconds a turn: not for the event loop."""
    from docx import Document  # not at the start of the app

    made = Document()
    made.add_heading(_printable(conversation.title), 1)
    made.add_paragraph(moment_utc(conversation.created_at))
    for question, answer in turns_of(conversation):
        made.add_heading(_printable(question.content), 2)
        turn = _read(question, answer)
        said = turn.end.answer if isinstance(turn.end, Answered) else _words_instead(turn)
        for paragraph in filter(None, (part.strip() for part in said.split("\n"))):
            made.add_paragraph(_printable(paragraph))
        for one in sources_of(turn.end) if isinstance(turn.end, Answered | Refused) else ():
            made.add_paragraph(_printable(f"{one.sign} {one.name} ({base}{one.url})"))
    file = BytesIO()
    made.save(file)
    return file.getvalue()


def printed_conversation(conversation: Conversation) -> str:
    """A conversation as a page of its own: whoever wants a PDF has the browser print it, with fonts for every script."""
    turns = [
        (question.content, shown_turn(turn_of(question, answer, markdown=bool(answer.detail.get("model")))))
        for question, answer in turns_of(conversation)
    ]
    return render("printed.html", title=conversation.title, created_at=conversation.created_at, turns=turns)


def _read(question: StoredMessage, answer: StoredMessage) -> Turn:
    """A turn whose quotations read as in their documents."""
    turn = turn_of(question, answer, markdown=False)
    if not isinstance(turn.end, Answered) or _is_by_model(turn.end):
        return turn
    return replace(turn, end=answer_as_read(turn.end))


def _is_by_model(end: Answered) -> bool:
    return end.model is not None and not end.withdrawn


def _printable(text: str) -> str:
    """Without what XML has no place for."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _words_instead(turn: Turn) -> str:
    if isinstance(turn.end, Refused):
        return refusal_in_words(turn.end)
    if isinstance(turn.end, Failed):
        return "\n\n".join(filter(None, [turn.text, gettext("The answer broke off: {reason}", reason=failure_in_words(turn.end))]))
    return "\n\n".join(filter(None, [turn.text, gettext("Stopped.")]))


def _safe(text: str, *, by_model: bool) -> str:
    """A model writes Markdown; quoted sentences are none."""
    return without_fetching(text) if by_model else escaped(text)


def _line(text: str) -> str:
    return escaped(" ".join(text.split()))


def file_name(title: str, ending: str) -> str:
    """A name for the file of a conversation, which no system refuses."""
    words: Sequence[str] = re.sub(r"[^\w\s.-]", " ", title).split()
    named = " ".join(words)[:80].strip(" .") or gettext("Conversation")
    return f"{named}.{ending}"
