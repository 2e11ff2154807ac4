"""Questions with known answers: one JSON object a line.

Belongs here: reading and checking rows. Not here: asking them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_pipeline.errors import RagError
from rag_pipeline.models import Message


@dataclass(frozen=True, slots=True)
class Wanted:
    """A passage that holds the answer: a file, and in it a page, or characters ``start`` to ``end``, or all of it."""

    file: str
    page: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A question. ``rewrite``: how a person made it stand alone; ``wanted`` is empty where nothing holds the answer.

    ``answers`` are all reference answers; ``sentences`` are what a wanted file says word for word, where the set marks it.
    """

    question: str
    history: tuple[Message, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    answerable: bool = True
    rewrite: str | None = None
    core: bool = False
    answers: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


def read_rows(path: Path) -> list[Row]:
    """All rows of a file.

    Raises:
        RagError: the file cannot be read, holds no row, or a line of it is no question; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RagError(f"{path} cannot be read: {error}") from error
    rows = [_row(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise RagError(f"{path} holds no question. Write one JSON object a line, with a field question and a field relevant.")
    return rows


def _row(path: Path, number: int, line: str) -> Row:
    try:
        value = json.loads(line)
        return Row(
            question=_text(value, "question"),
            history=_history(value.get("history", [])),
            wanted=tuple(_wanted(one) for one in value.get("relevant") or []),
            answerable=bool(value.get("answerable", True)),
            rewrite=value.get("rewrite"),
            core=bool(value.get("core", False)),
            answers=tuple(dict.fromkeys(filter(None, [*(value.get("answers") or []), value.get("answer")]))),
            sentences=tuple(one["excerpt"] for one in value.get("relevant") or [] if one.get("excerpt")),
        )
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise RagError(f"{path}, line {number} is no question ({detail}). A row is a JSON object with the field question.") from None


def _text(value: dict[str, Any], name: str) -> str:
    if not isinstance(value[name], str) or not value[name].strip():
        raise ValueError(f"{name} is no text")
    return str(value[name])


def _history(turns: Sequence[dict[str, str]]) -> tuple[Message, ...]:
    return tuple(Message("assistant" if turn["role"] == "assistant" else "user", turn["content"]) for turn in turns)


def _wanted(value: dict[str, Any]) -> Wanted:
    return Wanted(_text(value, "file"), value.get("page"), value.get("start"), value.get("end"))
