"""Questions with known answers: one JSON object a line.

Belongs here: reading and checking rows. Not here: asking them.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    ``name`` is the row's own id, where it has one.
    """

    question: str
    history: tuple[Message, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    answerable: bool = True
    rewrite: str | None = None
    core: bool = False
    answers: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    name: str = ""

    @property
    def row_id(self) -> str:
        """Equal for the same question with the same wanted passages, whichever file or line it stands in."""
        said = [
            self.question,
            [[turn.role, turn.content] for turn in self.history],
            [*map(_place, self.wanted)],
            self.answerable,
            self.rewrite,
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    @property
    def cluster(self) -> str:
        """The document whose fate the question shares: the first that is wanted; of a question that wants none, itself."""
        return self.wanted[0].file if self.wanted else self.row_id


def _place(wanted: Wanted) -> tuple[str, int | None, int | None, int | None]:
    return wanted.file, wanted.page, wanted.start, wanted.end


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no question, and why."""

    file: str
    line: int
    reason: str


def read_rows(path: Path) -> list[Row]:
    """All rows of a file.

    Raises:
        RagError: the file cannot be read, holds no row, or a line of it is no question; the message names the line.
    """
    rows, bad = read_good_rows(path)
    if bad:
        raise RagError(f"{path}, line {bad[0].line} {bad[0].reason}")
    if not rows:
        raise RagError(f"{path} holds no question. Write one JSON object a line, with a field question and a field relevant.")
    return list(rows.values())


def read_good_rows(path: Path) -> tuple[dict[int, Row], list[BadRow]]:
    """The rows of a file by their line, and the lines that are no question.

    Raises:
        RagError: the file cannot be read.
    """
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    except OSError as error:
        raise RagError(f"{path} cannot be read: {error}") from error
    rows, bad = {}, []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                rows[number] = read_row(line)
            except ValueError as error:
                bad.append(BadRow(shown_name(path), number, str(error)))
    return rows, bad


def shown_name(path: Path) -> str:
    """A file's name as text, with undecodable bytes as ``\\xNN``."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def read_row(line: bytes) -> Row:
    """A question as a line says it.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(line.decode())
        json.dumps(value, ensure_ascii=False).encode()  # halves of characters are no text, and no table takes them
        return Row(
            question=_text(value, "question"),
            name=str(value.get("id") or ""),
            history=_history(value.get("history", [])),
            wanted=tuple(_wanted(one) for one in value.get("relevant") or []),
            answerable=bool(value.get("answerable", True)),
            rewrite=_text(value, "rewrite") if value.get("rewrite") is not None else None,
            core=bool(value.get("core", False)),
            answers=tuple(dict.fromkeys(_texts("answer", [*(value.get("answers") or []), value.get("answer")]))),
            sentences=tuple(_texts("excerpt", [one.get("excerpt") for one in value.get("relevant") or []])),
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise ValueError(f"is no question ({detail}). A row is a JSON object with the field question.") from None


def row_line(row: Row) -> str:
    """The inverse of :func:`read_row`: a row as a line of a file."""
    excerpts = row.sentences if len(row.sentences) == len(row.wanted) else [None] * len(row.wanted)
    relevant = [{**asdict(wanted), "excerpt": excerpt} for wanted, excerpt in zip(row.wanted, excerpts, strict=True)]
    said = {"id": row.name, "question": row.question, "history": [asdict(turn) for turn in row.history], "relevant": relevant}
    return json.dumps(
        {**said, "answerable": row.answerable, "answers": row.answers, "rewrite": row.rewrite, "core": row.core}, ensure_ascii=False
    )


def _text(value: dict[str, Any], name: str) -> str:
    if not isinstance(value[name], str) or not value[name].strip():
        raise ValueError(f"{name} is no text")
    return str(value[name])


def _texts(name: str, values: Sequence[object]) -> list[str]:
    """Those that are there."""
    there = [one for one in values if one]
    if not all(isinstance(one, str) for one in there):
        raise ValueError(f"{name} is no text")
    return [str(one) for one in there]


def _history(turns: Sequence[dict[str, str]]) -> tuple[Message, ...]:
    return tuple(Message("assistant" if turn["role"] == "assistant" else "user", _text(turn, "content")) for turn in turns)


def _wanted(value: dict[str, Any]) -> Wanted:
    return Wanted(_text(value, "file"), *(_number(value, name) for name in ("page", "start", "end")))


def _number(value: dict[str, Any], name: str) -> int | None:
    number = value.get(name)
    if number is not None and type(number) is not int:
        raise ValueError(f"{name} is no whole number")
    return number
