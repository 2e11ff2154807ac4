"""Asset checks: what must hold after a run, and which documents need attention. ``ingestion/consistency`` compares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from rag_pipeline.defs.assets import chunks, extracted_text, source_documents, vector_index
from rag_pipeline.defs.measuring import evaluation_set, retrieval_quality
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.document_life import held_in_words, hold_rules, with_command
from rag_pipeline.evaluation.quality import last_report
from rag_pipeline.evaluation.question_set import bad_rows
from rag_pipeline.ingestion import consistency
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.missing_files import held_deletions

_ROWS = 100


Judge = Callable[[Sequence[Workspace]], dg.AssetCheckResult]


@dataclass(frozen=True, slots=True)
class Check:
    """``judge`` looks at the workspaces of collections; ``description`` says what holds, and what to do if it does not."""

    asset: dg.AssetsDefinition
    judge: Judge
    description: str

    @property
    def name(self) -> str:
        """As Dagster shows it."""
        return self.judge.__name__

    def defined(self) -> dg.AssetChecksDefinition:
        """As a check that Dagster runs."""

        def check(context: dg.AssetCheckExecutionContext, ingestion: Ingestion) -> dg.AssetCheckResult:
            return self.judge(_workspaces(context, ingestion))

        check.__doc__ = self.judge.__doc__  # Dagster shows it with the step
        return dg.asset_check(asset=self.asset, name=self.name, description=self.description)(check)


def _workspaces(context: dg.AssetCheckExecutionContext, ingestion: Ingestion) -> list[Workspace]:
    """The run's collection; all of them when the check is run by itself."""
    collection = context.run.tags.get(PARTITION_TAG)
    names = [collection] if collection else ingestion.workspace("").catalog.collections()
    return [ingestion.workspace(name) for name in names]


def indexed_chunks_equal_catalog_chunks(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Indexed chunks = catalog chunks."""
    counts = [consistency.chunk_counts(workspace) for workspace in workspaces]
    indexed, expected = sum(c.indexed for c in counts), sum(c.expected for c in counts)
    passed = all(c.indexed == c.expected for c in counts)
    return dg.AssetCheckResult(passed=passed, metadata={"indexed": indexed, "expected": expected})


def no_point_of_a_deleted_document(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """No live point of a deleted document."""
    dead = sorted(key for workspace in workspaces for key in consistency.dead_documents(workspace))
    return dg.AssetCheckResult(passed=not dead, metadata={"documents": len(dead), "keys": dead[:_ROWS]})


def chunks_fit_the_model(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Every chunk within the model's token limit."""
    sizes = [consistency.longest_chunk(workspace) for workspace in workspaces]
    longest = max((size for size, _ in sizes), default=0)
    return dg.AssetCheckResult(passed=all(size <= limit for size, limit in sizes), metadata={"longest_chunk_tokens": longest})


def failed_documents(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Failed documents: a warning with the list."""
    failed = [row for workspace in workspaces for row in consistency.failed_documents(workspace)]
    names = ("collection", "document", "state", "error", "attempts")
    records = [dg.TableRecord({name: getattr(row, name) for name in names}) for row in failed[:_ROWS]]
    table = dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in names]))
    return dg.AssetCheckResult(passed=not failed, severity=dg.AssetCheckSeverity.WARN, metadata={"count": len(failed), "documents": table})


def documents_read_in_part(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Documents with warnings: a warning with the list."""
    partial = [row for workspace in workspaces for row in consistency.documents_read_in_part(workspace)]
    told = [{"collection": row.collection, "document": row.document, "warnings": "\n".join(row.warnings)} for row in partial[:_ROWS]]
    columns = [dg.TableColumn(name) for name in ("collection", "document", "warnings")]
    table = dg.MetadataValue.table([dg.TableRecord(one) for one in told], dg.TableSchema(columns))
    return dg.AssetCheckResult(
        passed=not partial, severity=dg.AssetCheckSeverity.WARN, metadata={"count": len(partial), "documents": table}
    )


def no_deletion_is_held(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Held deletions: a failure with the words that the other places have for it."""
    looked_at = {workspace.collection for workspace in workspaces}
    held = {name: one for workspace in workspaces[:1] for name, one in held_deletions(workspace.catalog).items() if name in looked_at}
    words = [line for workspace in workspaces[:1] for line in with_command(held_in_words(held, hold_rules(workspace.settings)))]
    count = sum(one.documents for one in held.values())
    return dg.AssetCheckResult(passed=not held, metadata={"count": count, "what_to_do": "\n".join(words) or "nothing"})


def every_line_is_a_question(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """Lines of question files that are no question: a warning with the list."""
    bad = [(one.collection, row) for one in workspaces for row in bad_rows(one.settings, one.collection)]
    told = [{"collection": name, "file": row.file, "line": str(row.line), "reason": row.reason} for name, row in bad[:_ROWS]]
    columns = [dg.TableColumn(name) for name in ("collection", "file", "line", "reason")]
    table = dg.MetadataValue.table([dg.TableRecord(one) for one in told], dg.TableSchema(columns))
    return dg.AssetCheckResult(passed=not bad, severity=dg.AssetCheckSeverity.WARN, metadata={"count": len(bad), "lines": table})


def quality_has_not_dropped(workspaces: Sequence[Workspace]) -> dg.AssetCheckResult:
    """A drop that chance does not explain: a warning with the figures."""
    reports = [(one.collection, report) for one in workspaces if (report := last_report(one))]
    drops = [(name, report, drop) for name, report in reports if (drop := report.drop)]
    lines = [
        f"{name}: {drop.measure} {drop.before:.3f} → {drop.after:.3f} on {drop.questions} questions ({drop.losses} worse, {drop.wins}"
        f" better, chance {drop.chance_of_drop:.4f}), version {report.compared_with} → {report.index_version}"
        for name, report, drop in drops
    ]
    metadata: dict[str, dg.RawMetadataValue] = {"count": len(drops), "drops": "\n".join(lines) or "none"}
    return dg.AssetCheckResult(passed=not drops, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


CHECKS = (
    Check(
        vector_index,
        indexed_chunks_equal_catalog_chunks,
        "The published index holds as many chunks as the catalog has. If not: materialise vector_index.",
    ),
    Check(
        vector_index,
        no_point_of_a_deleted_document,
        "No deleted or outdated document can still be found. If not: materialise vector_index.",
    ),
    Check(
        chunks,
        chunks_fit_the_model,
        "The embedding model reads every chunk to its end. If not: materialise chunks, lower RAG_CHUNK_TOKENS.",
    ),
    Check(
        extracted_text,
        failed_documents,
        "Documents that cannot be answered from, each with its reason. Mend what it names; then touch the file, or `rag retry`.",
    ),
    Check(
        extracted_text,
        documents_read_in_part,
        "Documents of which a part could not be read, each with what is missing. All else in them is answered from.",
    ),
    Check(
        source_documents,
        no_deletion_is_held,
        "No deletion waits because many files went missing at once. If one does: bring the disk back, or confirm as it says.",
    ),
    Check(
        evaluation_set,
        every_line_is_a_question,
        "All lines of the .jsonl files in data/evaluation/<collection> are questions. If not: mend those that it names; the others count.",
    ),
    Check(
        retrieval_quality,
        quality_has_not_dropped,
        "The questions of the set are answered no worse than by the version before. If they are: the table `changed` of retrieval_quality"
        " shows which, and what was found before; `rag rollback` answers from the version before.",
    ),
)
checks = [check.defined() for check in CHECKS]
