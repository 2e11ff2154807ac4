"""What was measured, kept as Parquet beside the catalog: one file for each measurement, one row for each question.

Belongs here: these files. Not here: what is measured (``quality.py``), what follows from it (``comparison.py``).

All that it takes to read them: ``SELECT number, avg(ndcg_at_10) FROM 'data/evaluation/COLLECTION/results/*.parquet' GROUP BY ALL``.
Files are numbered: a clock may be set back. Each is written beside and renamed, so a killed run leaves the whole of it or nothing.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.comparison import Values
from rag_pipeline.stores.files import write_atomically

MOST_RESULTS = 500
"""Kept of each collection; with answers a hundred questions take some 50 kB."""
DESCRIPTION: dict[str, pl.DataType] = {
    **dict.fromkeys(("key", "index_version", "embedding_model", "settings", "question_id", "source", "document", "answer"), pl.String()),
    "number": pl.Int64(),
    "measured_at": pl.Datetime("us", "UTC"),
    "passages": pl.List(pl.String),
    "refused": pl.Boolean(),
}
"""The columns that are no measure. ``settings`` is JSON; ``document`` is the first one that is wanted; ``passages`` are the best ten."""


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question of a measurement; ``measures`` by name."""

    question_id: str
    source: str
    document: str
    passages: Sequence[str]
    answer: str | None
    refused: bool
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What all questions of a measurement have in common. ``key`` names everything that it depends on."""

    number: int
    key: str
    measured_at: datetime
    index_version: str
    embedding_model: str
    settings: str


@dataclass(frozen=True, slots=True)
class Past:
    """A measurement of the past. ``figures``: measure → its mean, and half of the 95 % interval around it (1.96 standard errors)."""

    number: int
    measured_at: datetime | None
    index_version: str
    questions: int
    figures: Mapping[str, tuple[float, float]]


def results_folder(folder: Path) -> Path:
    """Where the results of an evaluation folder are."""
    return folder / "results"


def result_files(folder: Path) -> list[Path]:
    """The results of an evaluation folder, oldest first."""
    return sorted(results_folder(folder).glob("[0-9]*.parquet"))


def number_and_key(file: Path) -> tuple[int, str]:
    """As its name says."""
    number, _, key = file.stem.partition("-")
    return int(number), key


def write_result(folder: Path, measurement: Measurement, questions: Sequence[QuestionResult]) -> Path:
    """Keep a measurement; of the same key in the same place. The oldest go where there are too many."""
    measures = sorted({name for one in questions for name in one.measures})
    schema = pl.Schema({**DESCRIPTION, **dict.fromkeys(measures, pl.Float64())})
    common = {name: getattr(measurement, name) for name in Measurement.__dataclass_fields__}
    own = ("question_id", "source", "document", "passages", "answer", "refused")
    rows = [{**common, **{name: getattr(one, name) for name in own}, **one.measures} for one in questions]
    path = results_folder(folder) / f"{measurement.number:08}-{measurement.key}.parquet"
    path.with_suffix(".json").unlink(missing_ok=True)  # how the former one differed from the one before it
    _write(path, pl.DataFrame(rows, schema=schema))
    for old in result_files(folder)[:-MOST_RESULTS]:
        old.with_suffix(".json").unlink(missing_ok=True)
        old.unlink()
    return path


def read_parquet(path: Path) -> pl.DataFrame:
    """All of a file.

    Raises:
        RagError: it is damaged.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RagError(f"{path} cannot be read ({reason}). Put it back from a backup, or remove it: it is made again.") from error


def measures_of(result: pl.DataFrame) -> list[str]:
    """The columns that are measures."""
    return [name for name in result.columns if name not in DESCRIPTION]


def values_of(result: pl.DataFrame) -> Values:
    """A result as comparisons want it: a row for each question and measure that it has."""
    long = result.unpivot(measures_of(result), index=["question_id", "document"], variable_name="measure", value_name="value")
    return long.drop_nulls("value")


def history(folder: Path, measures: Sequence[str], most: int) -> list[Past]:
    """The last measurements, oldest first.

    Raises:
        RagError: a result is damaged.
    """
    return [_past(read_parquet(file), measures) for file in result_files(folder)[-most:]]


def _past(result: pl.DataFrame, measures: Sequence[str]) -> Past:
    first = result.head(1).to_dicts()
    known = first[0] if first else {}
    figures: dict[str, tuple[float, float]] = {}
    for name in measures:
        values = result[name].drop_nulls() if name in result.columns else pl.Series([], dtype=pl.Float64)
        if len(values):
            spread = float(values.std() or 0.0) if len(values) > 1 else 0.0  # type: ignore[arg-type]
            figures[name] = (float(values.mean() or 0.0), 1.96 * spread / math.sqrt(len(values)))  # type: ignore[arg-type]
    return Past(known.get("number", 0), known.get("measured_at"), known.get("index_version", ""), len(result), figures)


def forget_all_but(folder: Path, kept: AbstractSet[str], source: str) -> None:
    """Take passages and answers out of the results of questions of a source that are asked no more; figures stay.

    Raises:
        RagError: a result is damaged.
    """
    asked_no_more = (pl.col("source") == source) & ~pl.col("question_id").is_in(list(kept))
    for file in result_files(folder):
        result = read_parquet(file)
        gone = result.select((asked_no_more & (pl.col("answer").is_not_null() | (pl.col("passages").list.len() > 0))).any()).item()
        if gone:
            emptied = [pl.when(asked_no_more).then(None).otherwise(pl.col(name)).alias(name) for name in ("answer", "passages")]
            _write(file, result.with_columns(emptied))


def _write(path: Path, frame: pl.DataFrame) -> None:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    write_atomically(path, stream.getvalue())
