"""The five assets, partitioned by collection. Each calls its step and reports what it did; no step's logic belongs here.

The two heavy ones are graphs, plan → batch (mapped) → commit: a batch touches files only, so the same graph runs in process or on
Celery workers.
"""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from rag_pipeline.defs.partitions import collections
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.ingestion import steps

GROUP = "ingestion"
_TABLE_ROWS = 50


@dg.asset(partitions_def=collections, group_name=GROUP, kinds={"duckdb"})
def source_documents(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The files of the watched folder, as rows of the catalog: new, edited, renamed, deleted."""
    started = time.perf_counter()
    report = steps.source_documents.update_documents(ingestion.workspace(context.partition_key))
    for path, reason in list(report.unreadable.items())[:_TABLE_ROWS]:
        context.log.warning(f"{path} cannot be looked at ({reason}); its documents are kept as they were.")
    if report.held:
        context.log.warning(f"{len(report.held)} files are missing, and the deletion of their documents is held: see the failed check.")
    counts = {name: getattr(report.counts, name) for name in ("added", "edited", "renamed", "touched", "removed")}
    return dg.MaterializeResult(
        metadata={
            "documents": report.documents,
            **counts,
            "waiting": len(report.waiting),
            "deletions_held": len(report.held),
            "unreadable": len(report.unreadable),
            "seconds": round(time.perf_counter() - started, 3),
            "changes": _table(("document", "change"), report.changes),
        }
    )


@dg.op(ins={"source_documents": dg.In(dg.Nothing)}, out=dg.DynamicOut(str), tags={"kind": "plan"})
def plan_extraction(context: dg.OpExecutionContext, ingestion: Ingestion) -> Iterator[dg.DynamicOutput[str]]:
    """Which contents are to be read, in batches."""
    yield from _batches(steps.extracted_text.plan_extraction(ingestion.workspace(context.partition_key)))


@dg.op
def extract_batch(context: dg.OpExecutionContext, ingestion: Ingestion, batch: str) -> dict[str, Any]:
    """Read one batch of documents into the staging folder."""
    report = steps.extracted_text.extract_batch(ingestion.workspace(context.partition_key), batch)
    return {
        "documents_read": report.read,
        "documents_failed": report.failed,
        "elements": report.elements,
        "seconds_of_reading": report.seconds_of_reading,
    }


@dg.op(out=dg.Out(dg.Nothing))
def commit_extraction(context: dg.OpExecutionContext, ingestion: Ingestion, batches: list[dict[str, Any]]) -> None:
    """Put what was read into the catalog."""
    steps.extracted_text.commit_extraction(ingestion.workspace(context.partition_key))
    names = ("documents_read", "documents_failed", "elements", "seconds_of_reading")
    context.add_output_metadata({"batches": len(batches), **_sums(names, batches)})


@dg.graph_asset(
    partitions_def=collections, group_name=GROUP, kinds={"duckdb"}, ins={"source_documents": dg.AssetIn(dagster_type=dg.Nothing)}
)
def extracted_text(source_documents: None) -> Any:
    """What the documents say: elements in reading order, with pages, boxes and headings. A document that cannot be read fails alone."""
    return commit_extraction(plan_extraction(source_documents).map(extract_batch).collect())


@dg.asset(partitions_def=collections, group_name=GROUP, deps=[extracted_text], kinds={"duckdb"})
def chunks(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The text in pieces that the embedding model reads whole, each with its headings, pages and boxes."""
    started = time.perf_counter()
    report = steps.chunks.cut_chunks(ingestion.workspace(context.partition_key))
    return dg.MaterializeResult(
        metadata={
            "documents_cut": report.documents,
            "chunks_cut": report.chunks,
            "tokens": report.tokens,
            "largest_chunk_tokens": report.largest_chunk_tokens,
            "seconds": round(time.perf_counter() - started, 3),
        }
    )


@dg.op(ins={"chunks": dg.In(dg.Nothing)}, out=dg.DynamicOut(str), tags={"kind": "plan"})
def plan_embeddings(context: dg.OpExecutionContext, ingestion: Ingestion) -> Iterator[dg.DynamicOutput[str]]:
    """Which texts the model has not seen, in batches."""
    yield from _batches(steps.embeddings.plan_embeddings(ingestion.workspace(context.partition_key)))


@dg.op
def embed_batch(context: dg.OpExecutionContext, ingestion: Ingestion, batch: str) -> dict[str, Any]:
    """Embed one batch of texts into the staging folder."""
    report = steps.embeddings.embed_batch(ingestion.workspace(context.partition_key), batch)
    context.log.info(f"{report.texts} texts in {report.seconds:.1f} s, {report.dtype}")
    return {"texts_embedded": report.texts, "seconds": report.seconds}


@dg.op(out=dg.Out(dg.Nothing))
def commit_embeddings(context: dg.OpExecutionContext, ingestion: Ingestion, batches: list[dict[str, Any]]) -> None:
    """Put the vectors into the catalog."""
    workspace = ingestion.workspace(context.partition_key)
    steps.embeddings.commit_embeddings(workspace)
    model = {"model": workspace.model.name, "model_fingerprint": workspace.model.fingerprint}
    context.add_output_metadata({"batches": len(batches), **_sums(("texts_embedded", "seconds"), batches), **model})


@dg.graph_asset(
    partitions_def=collections,
    group_name=GROUP,
    kinds={"huggingface", "duckdb"},
    ins={"chunks": dg.AssetIn(dagster_type=dg.Nothing)},
)
def embeddings(chunks: None) -> Any:
    """A vector for each distinct chunk text and embedding model; none is ever computed twice."""
    return commit_embeddings(plan_embeddings(chunks).map(embed_batch).collect())


@dg.asset(partitions_def=collections, group_name=GROUP, deps=[embeddings], kinds={"qdrant"})
def vector_index(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The published version that answers questions: dense and BM25 vectors of exactly the live documents."""
    started = time.perf_counter()
    report = steps.vector_index.update_index(ingestion.workspace(context.partition_key))
    return dg.MaterializeResult(
        metadata={
            "version": report.version or "none: nothing to search",
            "published": report.published,
            "documents": report.documents,
            "chunks": report.chunks,
            "documents_added": report.documents_added,
            "documents_removed": report.documents_removed,
            "seconds": round(time.perf_counter() - started, 3),
        }
    )


def _batches(names: list[str]) -> Iterator[dg.DynamicOutput[str]]:
    for number, name in enumerate(names):
        yield dg.DynamicOutput(name, mapping_key=f"batch_{number:05}")


def _sums(names: tuple[str, ...], batches: list[dict[str, Any]]) -> dict[str, float]:
    return {name: round(sum(batch[name] for batch in batches), 3) for name in names}


def _table(columns: tuple[str, ...], rows: object) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in list(rows)[:_TABLE_ROWS]]  # type: ignore[call-overload]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))


assets = [source_documents, extracted_text, chunks, embeddings, vector_index]
