"""How well a collection answers the questions of its set, measured once for each state of index, questions and settings.

Belongs here: when there is something to measure, the course of it, what it says of the measurement before. Not here: how a question is
asked and measured (``evaluate.py``), the statistics (``comparison.py``), Dagster.

No language model is asked, whatever the settings say: it would cost its owner money with each publication, and answer otherwise each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.evaluation.comparison import Difference, differences, paired
from rag_pipeline.evaluation.folder import evaluation_folder, question_files
from rag_pipeline.evaluation.places import TextFiles, same_file
from rag_pipeline.evaluation.question_set import (
    STEP,
    THUMB,
    Question,
    SetReport,
    read_set,
    text_files,
    update_set,
    with_questions,
)
from rag_pipeline.evaluation.results import (
    Measurement,
    QuestionResult,
    measures_of,
    number_and_key,
    read_parquet,
    result_files,
    results_folder,
    values_of,
    write_result,
)
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import Hit
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import change_mark, read_json, write_json
from rag_pipeline.stores.vectors import Manifest

if TYPE_CHECKING:
    from rag_pipeline.evaluation.evaluate import Outcome

VERSION = "1"
"""To be raised when measures come out otherwise for the same passages: everything is measured again, and nothing is compared across it."""
HEADLINE = "ndcg_at_10"
"""What a drop is told by: it sees each change of rank among the first ten."""
CERTAIN = 0.01
"""A drop is one where its chance (:func:`rag_pipeline.evaluation.comparison.chance_of_drop`) is below this: publications are many, and one
in a hundred of those that changed nothing for the worse would be called one."""
MOST_ASKED = 500
"""Of a longer set the same ones each time, whichever they are: a question takes about 100 ms, and a laptop is to do other things too."""
MOST_TRIES = 3
_MATTERS = ("top_k", "reranker_model", "rerank_milliseconds")
"""Settings that decide what is found in an index that is as it is; how it was made, its version says."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that was answered otherwise than before. Where it is a reader's own, what was asked and answered is his, and left empty:
    Dagster keeps what it is told for ever."""

    question_id: str
    question: str
    source: str
    before: float | None
    after: float | None
    passages_before: Sequence[str]
    passages_after: Sequence[str]
    answer_before: str
    answer_after: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What was measured, and what became of it since the measurement before, where there is one with the same questions.

    ``measured``: now, and not before, for exactly this state. ``not_asked``: questions whose documents are not in the collection, and those
    beyond :data:`MOST_ASKED`.
    """

    number: int
    index_version: str
    questions: int
    not_asked: int
    measured: bool
    seconds: float
    measures: Mapping[str, float]
    compared_with: str = ""
    differences: tuple[Difference, ...] = ()
    changed: tuple[Changed, ...] = ()
    key: str = ""

    @property
    def drop(self) -> Difference | None:
        """A drop that chance does not explain."""
        found = (one for one in self.differences if one.measure == HEADLINE)
        return next((one for one in found if one.difference < 0 and one.chance_of_drop < CERTAIN), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What both steps did; ``quality`` is None where there is nothing to measure."""

    questions: SetReport
    seconds: float
    quality: QualityReport | None


def update(workspace: Workspace) -> SetReport:
    """Gather the questions anew, which is the first half of a try at measuring them.

    Raises:
        RagError: as :func:`rag_pipeline.evaluation.question_set.update_set`.
    """
    settings, manifest = workspace.settings, workspace.index.manifest(workspace.collection)
    if manifest and with_questions(settings, [workspace.collection]):
        _note_try(settings, manifest, done=False)
    return update_set(settings, workspace.collection)


def update_and_measure(workspace: Workspace) -> Measured:
    """Both steps one after the other, as ``rag ingest`` takes them.

    Raises:
        RagError: as :func:`update` and :func:`measure`.
    """
    started = time.perf_counter()
    questions = update(workspace)
    seconds = time.perf_counter() - started
    return Measured(questions, seconds, measure(workspace))


def last_report(workspace: Workspace) -> QualityReport | None:
    """What was measured last, of whatever index that was; None where nothing was.

    Raises:
        RagError: a file is damaged.
    """
    started, folder = time.perf_counter(), evaluation_folder(workspace.settings, workspace.collection)
    kept = result_files(folder)
    return _report(folder, read_set(workspace.settings, workspace.collection), kept[-1], False, started) if kept else None


def due(settings: Settings, manifests: Mapping[str, Manifest], collections: Iterable[str]) -> list[str]:
    """Those of these collections that have questions and were not measured since index, question files or settings changed.

    Thumbs alone make nothing due: with many readers that would be a measurement every minute. The next one takes them up.

    Raises:
        RagError: the conversations cannot be read.
    """
    stale = [name for name in collections if name in manifests and not _is_settled(settings, manifests[name])]
    return with_questions(settings, stale) if stale else []


def _is_settled(settings: Settings, manifest: Manifest) -> bool:
    """Whether this very state was measured, or tried often enough."""
    tried = _known(_tries_file(settings, manifest.collection))
    known = tried.get("situation") == _situation(settings, manifest)
    return known and (bool(tried["done"]) or int(str(tried["tries"])) >= MOST_TRIES)


def measure(workspace: Workspace, *, again: bool = False, tuning: Tuning = TUNING) -> QualityReport | None:
    """Measure the collection on its set, unless that was done for exactly this state; None where there is no set, or no index.

    Args:
        again: also where it was done.
        tuning: for experiments.

    Raises:
        RagError: the index cannot be asked, or a file is damaged.
    """
    settings, collection = workspace.settings, workspace.collection
    manifest = workspace.index.manifest(collection)
    if manifest is None or not evaluation_folder(settings, collection).exists():
        return None
    with workspace.lock(STEP):
        questions = read_set(settings, collection)
        report = _measured(workspace, manifest, questions, again, tuning) if questions else None
        _note_try(settings, manifest, done=True)
    return report


def _measured(workspace: Workspace, manifest: Manifest, questions: Sequence[Question], again: bool, tuning: Tuning) -> QualityReport:
    started, folder = time.perf_counter(), evaluation_folder(workspace.settings, workspace.collection)
    kept = result_files(folder)
    key = _key(workspace.settings, manifest, questions, tuning)
    last = number_and_key(kept[-1]) if kept else (0, "")
    if last[1] == key and not again:
        return _report(folder, questions, kept[-1], False, started)
    askable, files = _askable(workspace, questions)
    if not askable:
        log.warning("None of the documents that the questions of %s ask for is indexed.", workspace.collection)
    described = json.dumps(_settings_that_matter(workspace.settings, tuning))
    number = last[0] if last[1] == key else last[0] + 1
    measurement = Measurement(number, key, datetime.now(UTC), manifest.version, manifest.embedding_model, described)
    path = write_result(folder, measurement, _asked(workspace, askable, files, tuning))
    return _report(folder, questions, path, True, started)


def _askable(workspace: Workspace, questions: Sequence[Question]) -> tuple[list[Question], TextFiles]:
    """Those of which a document is there: one that was deleted is no fault of retrieval."""
    files, indexed = text_files(workspace.settings, workspace.collection)
    known = {wanted.file for one in questions for wanted in one.row.wanted}
    there = {file for file in known if any(same_file(document, file) for document in indexed)}
    askable = [one for one in questions if not one.row.wanted or any(wanted.file in there for wanted in one.row.wanted)]
    return sorted(askable, key=lambda one: one.question_id)[:MOST_ASKED], files


def _asked(workspace: Workspace, questions: Sequence[Question], files: TextFiles, tuning: Tuning) -> list[QuestionResult]:
    good, bad = ([one for one in questions if one.verdict == verdict] for verdict in ("good", "bad"))
    return asyncio.run(_ask(workspace, good, bad, files, tuning))


async def _ask(
    workspace: Workspace, good: Sequence[Question], bad: Sequence[Question], files: TextFiles, tuning: Tuning
) -> list[QuestionResult]:
    from rag_pipeline.answering.answerer import Answerer  # every process of Dagster loads this module, and few of them measure
    from rag_pipeline.answering.retrieval.retrieve import Retriever
    from rag_pipeline.answering.scope import Scope
    from rag_pipeline.evaluation.evaluate import evaluate

    retriever = Retriever(workspace.index, workspace.settings, tuning)
    answerer = Answerer(retriever, None, workspace.settings, tuning, quotes_only=True)
    scope = Scope((workspace.collection,))
    try:
        asked = await evaluate([one.row for one in good], answerer, scope, files)
        again = await evaluate([one.row for one in bad], answerer, scope, files)
    finally:
        await answerer.close()
    known_good = [_result(one, outcome, outcome.measures) for one, outcome in zip(good, asked.outcomes, strict=True)]
    known_bad = [
        _result(one, outcome, {"bad_again": float(outcome.answer == one.answer)}) for one, outcome in zip(bad, again.outcomes, strict=True)
    ]
    return known_good + known_bad


def _result(question: Question, outcome: Outcome, measures: Mapping[str, float]) -> QuestionResult:
    """Measures under names that SQL takes without quotes."""
    named = {name.removeprefix("retrieval.").replace(".", "_").replace("@", "_at_"): value for name, value in measures.items()}
    passages = [_place(hit) for hit in outcome.passages]
    answer = outcome.answer or ""
    return QuestionResult(question.question_id, question.source, outcome.row.cluster, passages, answer, outcome.refused, named)


def _place(hit: Hit) -> str:
    """A passage as a reader finds it, told apart from its neighbours."""
    page = f", page {hit.page_first}" if hit.page_first else ""
    return f"{hit.document}{page}, passage {hit.position + 1}"


def _report(folder: Path, questions: Sequence[Question], path: Path, measured: bool, started: float) -> QualityReport:
    files = result_files(folder)
    result = read_parquet(path)
    place = files.index(path)
    before = read_parquet(files[place - 1]) if place else None
    number, key = number_and_key(path)
    means = {name: float(mean) for name in measures_of(result) if (mean := result[name].mean()) is not None}  # type: ignore[arg-type]
    version = str(result["index_version"][0]) if len(result) else ""
    compared: tuple[str, tuple[Difference, ...], tuple[Changed, ...]] = ("", (), ())
    if before is not None and len(before) and len(result) and _measured_by(before) == _measured_by(result):
        found = _differences(path, before, result)
        compared = (str(before["index_version"][0]), found, _changed(before, result, questions))
    not_asked = len(questions) - len(result)
    return QualityReport(number, version, len(result), not_asked, measured, time.perf_counter() - started, means, *compared, key)


def _differences(path: Path, before: pl.DataFrame, result: pl.DataFrame) -> tuple[Difference, ...]:
    """Kept beside the result that they are of: scipy takes a second to load, and nothing changes them."""
    kept, against = path.with_suffix(".json"), str(before["key"][0])
    known = _known(kept)
    if known.get("against") == against:
        return tuple(Difference(**one) for one in cast("list[dict[str, Any]]", known["differences"]))
    found = tuple(differences(paired(values_of(before), values_of(result))))
    write_json(kept, {"against": against, "differences": [asdict(one) for one in found]})
    return found


def _measured_by(result: pl.DataFrame) -> object:
    return json.loads(result["settings"][0]).get("measured_by")


def _changed(before: pl.DataFrame, after: pl.DataFrame, questions: Sequence[Question]) -> tuple[Changed, ...]:
    """Worse ones first."""
    asked = {one.question_id: one for one in questions}
    columns = ["question_id", "passages", "answer", "refused"]
    old, new = (_with_headline(one).select(*columns, "source", HEADLINE) for one in (before, after))
    both = new.join(old.drop("source"), on="question_id", suffix="_before")
    other = [pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in ("answer", "refused", HEADLINE)]
    worse = (pl.col(HEADLINE) - pl.col(f"{HEADLINE}_before")).fill_null(0.0)
    rows = both.filter(pl.any_horizontal(other)).sort(worse, "question_id").iter_rows(named=True)
    return tuple(_changed_row(row, asked.get(row["question_id"])) for row in rows)


def _changed_row(row: Mapping[str, Any], asked: Question | None) -> Changed:
    is_his = asked is None or asked.source == THUMB
    question = "" if is_his or asked is None else asked.row.question
    answers = ("", "") if is_his else (row["answer_before"] or "", row["answer"] or "")
    source = f"{asked.source} {asked.message_id}".strip() if asked else row["source"]
    return Changed(
        row["question_id"], question, source, row[f"{HEADLINE}_before"], row[HEADLINE],
        row["passages_before"] or (), row["passages"] or (), *answers,
    )  # fmt: skip


def _with_headline(result: pl.DataFrame) -> pl.DataFrame:
    return result if HEADLINE in result.columns else result.with_columns(pl.lit(None, pl.Float64).alias(HEADLINE))


def _settings_that_matter(settings: Settings, tuning: Tuning) -> dict[str, object]:
    numbers = hashlib.sha256(repr(tuning).encode()).hexdigest()[:12]
    return {**{name: getattr(settings, name) for name in _MATTERS}, "tuning": numbers, "measured_by": VERSION}


def _key(settings: Settings, manifest: Manifest, questions: Sequence[Question], tuning: Tuning) -> str:
    asked = sorted(one.question_id for one in questions)
    return _digest([manifest.version, manifest.embedding_fingerprint, asked, _settings_that_matter(settings, tuning)])


def _situation(settings: Settings, manifest: Manifest) -> str:
    """What can be seen without reading any question."""
    files = question_files(settings, manifest.collection)
    marks = [[file.name, mark] for file, mark in zip(files, change_mark(files), strict=True)]
    return _digest([manifest.version, manifest.embedding_fingerprint, marks, _settings_that_matter(settings, TUNING)])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _known(path: Path) -> dict[str, object]:
    """What a file says that can be found out again; a damaged one says nothing, and must not keep the sensor from its work."""
    try:
        return read_json(path)
    except ValueError:
        return {}


def _tries_file(settings: Settings, collection: str) -> Path:
    return results_folder(evaluation_folder(settings, collection)) / "tries.json"


def _note_try(settings: Settings, manifest: Manifest, *, done: bool) -> None:
    """So that a measurement that fails, or is killed, is tried again, and not for ever."""
    path, situation = _tries_file(settings, manifest.collection), _situation(settings, manifest)
    earlier = _known(path)
    tries = int(str(earlier["tries"])) if earlier.get("situation") == situation else 0
    write_json(path, {"situation": situation, "tries": tries if done else tries + 1, "done": done})
