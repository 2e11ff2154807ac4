"""``rag eval``: a question set against a collection, as a table or JSON.

Belongs here: what the command puts together and prints. Not here: measuring (``evaluation``).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polars import DataFrame

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.comparison import VALUES, Difference, Values, differences, paired
from rag_pipeline.evaluation.evaluate import Evaluation, Outcome, Progress, evaluate
from rag_pipeline.evaluation.places import same_file
from rag_pipeline.evaluation.question_set import text_files
from rag_pipeline.evaluation.rows import Row, read_rows
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.database import DocumentStatus

if TYPE_CHECKING:
    from rich.table import Table

MOST_NAMED = 5


def run_evaluation(settings: Settings, path: Path, collection: str, *, core: bool, answers: bool, progress: Progress) -> Evaluation:
    """Read the questions, ask them, measure.

    Raises:
        RagError: no questions, an unknown collection, or none of the files that the questions need is in it.
    """
    rows = read_rows(path)
    if core:
        rows = [row for row in rows if row.core] or rows
    missing = missing_files(rows, open_catalog(settings).documents(collection))
    files, _ = text_files(settings, collection)
    scope = Scope((collection,))
    found = asyncio.run(evaluate(rows, build_answerer(settings), scope, files, answers=answers, progress=progress))
    if missing:
        found.report.setdefault("retrieval", {})["rows_whose_files_are_not_indexed"] = float(sum(missing.values()))
    return found


def as_json(found: Evaluation) -> dict[str, object]:
    """The report, and under ``questions`` what it is the mean of, which a later one can be compared with."""
    return {**found.report, "questions": [_outcome(one) for one in found.outcomes]}


def _outcome(one: Outcome) -> dict[str, object]:
    row = one.row
    name = {"id": row.name} if row.name else {}
    passages = [f"{hit.document}#{hit.position}" for hit in one.passages]
    said = {"question": row.question, "document": row.cluster, "measures": one.measures, "passages": passages, "answer": one.answer}
    return {"question_id": row.row_id, **name, **said, "refused": one.refused}


def compared(found: Evaluation, against: Path) -> list[Difference]:
    """What changed since the report in ``against``, on the questions that both have.

    Raises:
        RagError: that is no report of ``rag eval --json``, or it has none of these questions.
    """
    before, after = _values(_read_report(against), against), _values(as_json(found), against)
    found_differences = differences(paired(before, after))
    if not found_differences:
        raise RagError(f"{against} holds none of these questions with a measure. Ask the same file of questions for both.")
    return found_differences


def _read_report(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RagError(
            f"{path} cannot be read as JSON ({error}). Make it so: rag eval QUESTIONS.jsonl -c COLLECTION --json > {path}"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("questions"), list):
        again = f"rag eval QUESTIONS.jsonl -c COLLECTION --json > {path}"
        raise RagError(f"{path} holds no single questions: it is no report, or one of an older version. Make it again: {again}")
    return value


def _values(report: Mapping[str, Any], path: Path) -> Values:
    try:
        rows = [
            (str(one["question_id"]), str(one["document"]), str(measure), float(value))
            for one in report["questions"]
            for measure, value in one["measures"].items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RagError(f"{path} is no report of `rag eval --json`: {type(error).__name__}: {error}") from error
    return DataFrame(rows, schema=VALUES, orient="row").unique(["question_id", "measure"], keep="first", maintain_order=True)


def difference_table(found: Sequence[Difference]) -> Table:
    """Paired differences for a terminal."""
    from rich.table import Table

    first = found[0]
    enclosed = "documents" if first.documents > 1 else "questions: all ask for one document"
    table = Table(title=f"After and before, on the questions that both have; 95 % intervals by {enclosed}", title_justify="left")
    for name in (
        "measure",
        "questions",
        "documents",
        "before",
        "after",
        "difference",
        "95 % interval",
        "better",
        "worse",
        "same",
        "chance of drop",
    ):
        table.add_column(name, justify="left" if name == "measure" else "right", no_wrap=True)
    for one in found:
        counts = (str(one.wins), str(one.losses), str(one.ties))
        enclosing = f"{one.low:+.3f} … {one.high:+.3f}"
        measured = (str(one.questions), str(one.documents), f"{one.before:.3f}", f"{one.after:.3f}", f"{one.difference:+.3f}", enclosing)
        table.add_row(one.measure.removeprefix("retrieval.").replace("_", " "), *measured, *counts, f"{one.chance_of_drop:.4f}")
    return table


def missing_files(rows: Sequence[Row], documents: Sequence[DocumentStatus]) -> Counter[str]:
    """Files that rows need and the collection does not have, and by how many rows.

    Raises:
        RagError: it has none of them.
    """
    indexed = [document.document for document in documents if document.state == "indexed"]
    wanted = Counter(file for row in rows for file in {one.file for one in row.wanted})
    known = {file for file in wanted if any(same_file(document, file) for document in indexed)}
    missing = Counter({file: count for file, count in wanted.items() if file not in known})
    if wanted and not known:
        named = ", ".join(sorted(missing)[:MOST_NAMED])
        raise RagError(f"None of the files of the questions is indexed in this collection, such as {named}. Put them there: rag ingest")
    return missing


def report_table(name: str, report: dict[str, float]) -> Table:
    """One table of the report for a terminal."""
    from rich.table import Table

    table = Table(title=name.replace("_", " "), title_justify="left", show_header=False)
    for measure, value in report.items():
        whole = measure in ("questions", "passages_not_found_in_their_file", "rows_whose_files_are_not_indexed")
        shown = f"{value:.0f}" if whole else f"{value:.1f}" if name == "latency_ms" else f"{value:.3f}"
        table.add_row(measure.replace("_", " "), shown)
    return table
