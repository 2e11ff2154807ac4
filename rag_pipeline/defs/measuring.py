"""How well a collection is answered from, as two assets beside those of ingestion.

Belongs here: calling the steps, what a reader of the Dagster UI is told of them. Not here: measuring (``evaluation/``), when a run is asked
for (``sensors``).

They have a job of their own: measuring takes seconds to minutes, and a run of a lane that did it would keep new documents waiting, slice
after slice.
"""

import time
from collections.abc import Iterator, Sequence

import dagster as dg

from rag_pipeline.defs.assets import OWNERS, vector_index
from rag_pipeline.defs.partitions import collections
from rag_pipeline.defs.reported import Reported
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.evaluation import quality
from rag_pipeline.evaluation.folder import evaluation_folder
from rag_pipeline.evaluation.question_set import SetReport
from rag_pipeline.evaluation.results import results_folder
from rag_pipeline.ingestion.steps.workspace import Workspace

GROUP = "quality"
_ROWS = 50
_LONGEST_TEXT = 600


@dg.asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    deps=[vector_index],
    kinds={"polars", "parquet"},
    tags={"layer": "quality"},
)
def evaluation_set(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The questions that the collection is measured with: readers' thumbs, and the .jsonl files in data/evaluation/<collection>.

    Out of date: a file there was added or changed; thumbs come with the next run. If it fails: the conversations or a file cannot be read;
    its message says which, and the set stays as it was. Lines that are no question are listed by its check; the others count.
    """
    started = time.perf_counter()
    workspace = ingestion.workspace(context.partition_key)
    report = quality.update(workspace)
    found = reported_set(report, time.perf_counter() - started)
    return dg.MaterializeResult(metadata=found.metadata, data_version=dg.DataVersion(found.version))


@dg.asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    deps=[vector_index, evaluation_set],
    kinds={"polars", "parquet"},
    tags={"layer": "quality"},
    code_version=quality.VERSION,
    output_required=False,
)
def retrieval_quality(context: dg.AssetExecutionContext, ingestion: Ingestion) -> Iterator[dg.MaterializeResult[None]]:
    """How well the set's questions are answered from the index as it is: Dagster draws each figure over time.

    Out of date: a new version of the index, other questions, other settings; the sensor asks for a run once all documents are indexed.
    Skipped where there is no question. If it fails: the index cannot be asked; mend that and run it again.
    """
    workspace = ingestion.workspace(context.partition_key)
    report = quality.measure(workspace, again=ingestion.full_refresh)
    if report is None:
        folder = evaluation_folder(workspace.settings, workspace.collection)
        context.log.info(f"Nothing to measure: no document is indexed, or there is no question. Put questions.jsonl into {folder}")
        return
    found = reported_quality(report, workspace)
    yield dg.MaterializeResult(metadata=found.metadata, data_version=dg.DataVersion(found.version))


def reported_set(report: SetReport, seconds: float) -> Reported:
    """What a set holds, without what anybody asked."""
    bad = [(one.file, str(one.line), one.reason) for one in report.bad_rows]
    metadata: dict[str, dg.RawMetadataValue] = {
        "questions": report.questions,
        "from_files": sum(report.files.values()),
        "thumbs_up": report.thumbs_up,
        "thumbs_down": report.thumbs_down,
        "repeated": report.repeated,
        "lines_that_are_no_question": len(bad),
        "bad_lines": _table(("file", "line", "reason"), bad),
        "seconds": round(seconds, 3),
        "dagster/partition_row_count": report.questions,
    }
    return Reported(metadata, report.digest)


def reported_quality(report: quality.QualityReport, workspace: Workspace) -> Reported:
    """Each measure as a number of its own, and what changed since the measurement before."""
    changed = [
        (
            one.question or f"(a reader's, {one.source})", _shown(one.before), _shown(one.after), "\n".join(one.passages_before[:3]),
            "\n".join(one.passages_after[:3]), one.answer_before[:_LONGEST_TEXT], one.answer_after[:_LONGEST_TEXT],
        )
        for one in report.changed
    ]  # fmt: skip
    told = [
        (
            one.measure, str(one.questions), f"{one.before:.3f}", f"{one.after:.3f}", f"{one.difference:+.3f}", f"{one.low:+.3f}",
            f"{one.high:+.3f}", f"{one.wins} / {one.losses} / {one.ties}", f"{one.chance_of_drop:.4f}",
        )
        for one in report.differences
    ]  # fmt: skip
    names = ("measure", "questions", "before", "after", "difference", "low", "high", "wins / losses / ties", "chance_of_drop")
    columns = ("question", "before", "after", "passages_before", "passages_after", "answer_before", "answer_after")
    metadata: dict[str, dg.RawMetadataValue] = {
        **{name: round(value, 4) for name, value in report.measures.items()},
        "index_version": report.index_version or "none",
        "compared_with": report.compared_with or "none",
        "questions": report.questions,
        "not_asked": report.not_asked,
        "measured_now": report.measured,
        "questions_that_changed": len(report.changed),
        "differences": _table(names, told),
        "changed": _table(columns, changed),
        "seconds": round(report.seconds, 3),
        "dagster/uri": results_folder(evaluation_folder(workspace.settings, workspace.collection)).as_uri(),
    }
    return Reported(metadata, report.key)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows[:_ROWS]]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))


assets = [evaluation_set, retrieval_quality]
