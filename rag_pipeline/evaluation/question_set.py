"""The questions that a collection is measured with: from readers' thumbs, and from the files in its evaluation folder.

Belongs here: gathering them, the file that holds them. Not here: reading a line (``rows.py``), measuring (``quality.py``).

A thumb up keeps question, passages and answer as known good; a thumb down with a reason, question and answer as known bad. Thumbs belong to
whoever gave them: the set is made anew each time, so what was taken back, or deleted, is not in the next one, and of a question that left,
no result keeps the answer (``results.py``). What is told about the set says how many thumbs there are, never what was asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from rag_pipeline.answering.question import checked_question
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.folder import evaluation_folder, question_files
from rag_pipeline.evaluation.places import TextFiles
from rag_pipeline.evaluation.results import forget_all_but, read_parquet
from rag_pipeline.evaluation.rows import BadRow, Row, Wanted, read_good_rows, read_row, row_line, shown_name
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.models import Hit
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.files import change_mark, write_atomically
from rag_pipeline.stores.thumbs import may_hold_thumbs

if TYPE_CHECKING:
    from rag_pipeline.stores.conversations import Thumb

THUMB = "thumb"
SET_FILE = "set.parquet"
STEP = "retrieval_quality"
LARGEST_FILE_BYTES = 64 << 20
"""Some 200,000 questions, of which 500 are asked."""
_SCHEMA = pl.Schema(
    {
        "question_id": pl.String, "source": pl.String, "line": pl.Int64, "verdict": pl.String, "question": pl.String,
        "answer": pl.String, "reason": pl.String, "message_id": pl.String, "row": pl.String,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a set. ``source`` is ``thumb`` or a file's name, ``answer`` what is known good or bad.

    A question that is known bad has no wanted passages: what is watched is whether the same answer comes again.
    """

    row: Row
    question_id: str
    source: str
    line: int = 0
    verdict: Literal["good", "bad"] = "good"
    answer: str = ""
    reason: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class SetReport:
    """What a set holds: how many questions of which file, how many thumbs; lines that are no question; questions that stand there twice.

    ``digest``: equal ones stand for equal questions.
    """

    files: Mapping[str, int]
    thumbs_up: int
    thumbs_down: int
    bad_rows: tuple[BadRow, ...]
    repeated: int
    digest: str

    @property
    def questions(self) -> int:
        """All of them."""
        return sum(self.files.values()) + self.thumbs_up + self.thumbs_down


def with_questions(settings: Settings, collections: Sequence[str]) -> list[str]:
    """Those of which a set can be made, or was made before.

    Raises:
        RagError: the conversations cannot be read.
    """
    files = {one for one in collections if question_files(settings, one) or (evaluation_folder(settings, one) / SET_FILE).exists()}
    judged = _collections_with_thumbs(settings, _mark_of_conversations(settings)) if len(files) < len(collections) else frozenset()
    return [one for one in collections if one in files or one in judged]


def update_set(settings: Settings, collection: str) -> SetReport:
    """Make the set anew from what there is now.

    Raises:
        RagError: a file, the conversations or the catalog cannot be read; the set stays as it was.
    """
    questions, bad, repeated = _gathered(settings, collection)
    folder = evaluation_folder(settings, collection)
    if questions or folder.exists():
        forget_all_but(
            folder, {one.question_id for one in questions if one.source == THUMB}, THUMB
        )  # first: a kill must not leave it undone
        _write(folder / SET_FILE, questions)
    thumbs = Counter(one.verdict for one in questions if one.source == THUMB)
    files = Counter(one.source for one in questions if one.source != THUMB)
    digest = hashlib.sha256("\n".join(sorted(one.question_id for one in questions)).encode()).hexdigest()[:16]
    return SetReport(files, thumbs["good"], thumbs["bad"], tuple(bad), repeated, digest)


def _forget(folder: Path, asked: set[str]) -> None:
    """What nobody asks any more: all of that is among the questions of the set before, where there is one."""
    path = folder / SET_FILE
    before = read_parquet(path).filter(pl.col("source") == THUMB)["question_id"].to_list() if path.exists() else None
    if before is None or not asked.issuperset(before):
        forget_all_but(folder, asked, THUMB)


def read_set(settings: Settings, collection: str) -> list[Question]:
    """The questions as they were gathered last.

    Raises:
        RagError: their file is damaged.
    """
    path = evaluation_folder(settings, collection) / SET_FILE
    return [_question(row) for row in read_parquet(path).iter_rows(named=True)] if path.exists() else []


def bad_rows(settings: Settings, collection: str) -> list[BadRow]:
    """The lines of the dropped files that are no question, or none that can be asked.

    Raises:
        RagError: a file cannot be read.
    """
    return _from_files(settings, collection)[1]


def text_files(settings: Settings, collection: str) -> tuple[TextFiles, dict[str, str]]:
    """The collection's text files, and the ids of its indexed documents by their path."""
    folder, documents = watched_folder(settings), open_catalog(settings).documents(collection)
    files_of = {document.document_id: document.file for document in documents}
    indexed = {document.document: document.document_id for document in documents if document.state == "indexed"}
    return TextFiles(lambda document_id: folder.original(files_of[document_id])), indexed


def _gathered(settings: Settings, collection: str) -> tuple[list[Question], list[BadRow], int]:
    from_files, bad = _from_files(settings, collection)
    everything = [*from_files, *_from_thumbs(settings, collection)]
    found: dict[str, Question] = {}
    for one in everything:
        found.setdefault(one.question_id, one)
    return list(found.values()), bad, len(everything) - len(found)


def _from_files(settings: Settings, collection: str) -> tuple[list[Question], list[BadRow]]:
    found, bad = [], []
    for path in question_files(settings, collection):
        name = shown_name(path)
        if path.stat().st_size > LARGEST_FILE_BYTES:
            bad.append(BadRow(name, 0, f"is larger than {LARGEST_FILE_BYTES >> 20} MiB: none of its lines counts. Take fewer questions."))
            continue
        rows, refused = read_good_rows(path)
        bad += refused
        for line, row in rows.items():
            if reason := _why_it_cannot_be_asked(row):
                bad.append(BadRow(name, line, reason))
            else:
                found.append(Question(row, row.row_id, name, line, answer=next(iter(row.answers), "")))
    return found, bad


def _why_it_cannot_be_asked(row: Row) -> str:
    try:
        checked_question(row.question, TUNING.question)
    except RagError as error:
        return f"cannot be asked: {error}"
    return ""


def _from_thumbs(settings: Settings, collection: str) -> Iterator[Question]:
    thumbs = [thumb for thumb in _thumbs(settings) if any(_collection(passage) == collection for passage in thumb.passages)]
    if not thumbs:
        return
    files, indexed = text_files(settings, collection)
    for thumb in thumbs:
        row = _row(thumb, collection, files, indexed)
        if _why_it_cannot_be_asked(row):
            continue
        if thumb.feedback == "up":
            yield Question(row, row.row_id, THUMB, answer=thumb.answer, message_id=thumb.message_id)
        elif thumb.reason:
            known = hashlib.sha256(f"bad {thumb.message_id}".encode()).hexdigest()[:16]
            bad = Row(thumb.question)
            yield Question(bad, known, THUMB, verdict="bad", answer=thumb.answer, reason=thumb.reason, message_id=thumb.message_id)


def _row(thumb: Thumb, collection: str, files: TextFiles, indexed: Mapping[str, str]) -> Row:
    """The passages that were cited are those that are wanted; of a refusal that was right, none is."""
    if thumb.refused:
        return Row(thumb.question, answerable=False)
    wanted = [_wanted(passage, files, indexed) for passage in thumb.passages if _collection(passage) == collection]
    return Row(thumb.question, wanted=tuple(dict.fromkeys(wanted)), answers=(thumb.answer,))


def _wanted(passage: Mapping[str, object], files: TextFiles, indexed: Mapping[str, str]) -> Wanted:
    document, page = str(passage.get("document")), passage.get("page") or passage.get("page_first")
    if isinstance(page, int):
        return Wanted(document, page)
    hit = Hit(1, 1.0, str(passage.get("text")), document, "", None, None, "", document_id=indexed.get(document, ""))
    span = files.span(hit) if hit.document_id else None
    return Wanted(document, None, *span) if span else Wanted(document)


def _collection(passage: Mapping[str, object]) -> str:
    return str(passage.get("collection"))


@lru_cache(maxsize=1)
def _collections_with_thumbs(settings: Settings, mark: Hashable) -> frozenset[str]:
    """The sensor asks at each look; ``mark`` is another once the conversations may have changed."""
    return frozenset(_collection(passage) for thumb in _thumbs(settings) for passage in thumb.passages)


def _mark_of_conversations(settings: Settings) -> Hashable:
    path = settings.conversations_path
    return int(time.monotonic() // 60) if settings.database_url else change_mark([path, path.with_name(f"{path.name}-wal")])


def _thumbs(settings: Settings) -> Sequence[Thumb]:
    """Of everybody. Nothing is made where nobody ever had a conversation, and nothing is loaded where nobody judged an answer."""
    if not settings.database_url and not may_hold_thumbs(settings.conversations_path):
        return []
    return asyncio.run(_read_thumbs(settings))


async def _read_thumbs(settings: Settings) -> Sequence[Thumb]:
    from rag_pipeline.stores.conversations import Conversations
    from rag_pipeline.stores.conversations.engine import open_database

    conversations = Conversations(open_database(settings))
    try:
        return await conversations.thumbs()
    finally:
        await conversations.close()


def _write(path: Path, questions: Sequence[Question]) -> None:
    rows = [_columns(one) for one in questions]
    stream = io.BytesIO()
    pl.DataFrame(rows, schema=_SCHEMA, orient="row").write_parquet(stream)
    write_atomically(path, stream.getvalue())


def _columns(one: Question) -> tuple[object, ...]:
    return (
        one.question_id, one.source, one.line, one.verdict, one.row.question,
        one.answer, one.reason, one.message_id, row_line(one.row),
    )  # fmt: skip


def _question(row: Mapping[str, Any]) -> Question:
    names = ("question_id", "source", "line", "verdict", "answer", "reason", "message_id")
    return Question(read_row(row["row"].encode()), **{name: row[name] for name in names})
