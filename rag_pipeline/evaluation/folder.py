"""The folder of a collection's questions: files that were dropped there, and the list that is edited in the app.

Belongs here: where it is, reading and replacing the edited list. Not here: what else becomes a question (``question_set.py``), results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.rows import Row, Wanted, read_good_rows, row_line
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import write_atomically

EDITED_FILE = "edited.jsonl"


class EditedMeanwhileError(RagError):
    """The list was changed by someone else since it was read; nothing was written."""

    code = "edited_meanwhile"


@dataclass(frozen=True, slots=True)
class EditedQuestion:
    """A question of the list. ``document`` is the path under the collection; empty where the documents do not hold the answer, so that it
    is right to refuse. ``page`` counts from 1; None: anywhere in the document."""

    question: str
    document: str = ""
    page: int | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class EditedList:
    """The list, and what names this state of it."""

    questions: tuple[EditedQuestion, ...]
    version: str


def evaluation_folder(settings: Settings, collection: str) -> Path:
    """Where the questions of a collection are dropped, and its results kept: named as its folder among the uploads is."""
    return settings.evaluation_path / collection.replace("/", "%2F").replace("..", "%2E%2E")


def question_files(settings: Settings, collection: str) -> list[Path]:
    """The files of questions, by name."""
    return sorted(path for path in evaluation_folder(settings, collection).glob("*.jsonl") if path.is_file())


def read_edited(settings: Settings, collection: str) -> EditedList:
    """The list as it is; empty where nobody has written one.

    Raises:
        RagError: a line of the file was written by hand, and is none that the list can show.
    """
    path = evaluation_folder(settings, collection) / EDITED_FILE
    if not path.exists():
        return EditedList((), "")
    rows, bad = read_good_rows(path)
    strange = [row.line for row in bad] or [line for line, row in rows.items() if row != _row(_edited(row))]
    if strange:
        raise RagError(
            f"Line {strange[0]} of {path} says more than this list can show. Rename the file, such as to more.jsonl: its questions count"
            " as before, and the list begins anew."
        )
    return EditedList(tuple(map(_edited, rows.values())), _version(path.read_bytes()))


def write_edited(settings: Settings, collection: str, questions: Sequence[EditedQuestion], version: str) -> EditedList:
    """Replace the list in one step.

    Args:
        version: of the list that was edited, so that nobody's changes are lost.

    Raises:
        EditedMeanwhileError: it has another version now.
        RagError: see :func:`read_edited`.
    """
    if read_edited(settings, collection).version != version:
        raise EditedMeanwhileError("Someone else has changed these questions meanwhile. Load them again; nothing was saved.")
    content = "".join(f"{row_line(_row(one))}\n" for one in questions).encode()
    write_atomically(evaluation_folder(settings, collection) / EDITED_FILE, content)
    return EditedList(tuple(questions), _version(content))


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _row(one: EditedQuestion) -> Row:
    wanted = (Wanted(one.document, one.page),) if one.document else ()
    return Row(one.question, wanted=wanted, answerable=bool(one.document), answers=(one.answer,) if one.answer else ())


def _edited(row: Row) -> EditedQuestion:
    wanted = row.wanted[0] if row.wanted else Wanted("")
    return EditedQuestion(row.question, wanted.file, wanted.page, row.answers[0] if row.answers else "")
