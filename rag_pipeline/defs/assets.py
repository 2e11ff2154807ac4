"""The five assets, partitioned by collection.

Belongs here: calling each step, reporting what it did, and what a reader of the Dagster UI is told about it. Not here: any step's logic.

The two heavy ones are graphs, plan → batch (mapped) → commit. A batch touches files of the staging folder only, so the executor may have
it done elsewhere (``defs/executor.py``). Nothing passes between the three but names, in Dagster's own keys: what a batch did is in its
files.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import dagster as dg

from rag_pipeline.defs import reported
from rag_pipeline.defs.metadata import CHUNKS, DOCUMENTS, ELEMENTS, EMBEDDINGS, table
from rag_pipeline.defs.partitions import collections
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.code_versions import code_version

GROUP = "ingestion"
OWNERS = ["team:documents"]
"""Shown in the Dagster UI: whom to ask. Put your own team or address here."""
EMBEDDING_POOL = "embedding_device"
QUEUE_TAG = "dagster-celery/queue"
"""Marks the steps that workers may do, where there are any: all others are done in the run's own process."""
ACCIDENTS = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For what the machine did to a batch: out of memory, a full disk, a device that was taken. Batches write files that they replace."""


@dg.asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb"},
    tags={"layer": "source"},
    metadata=table("documents", DOCUMENTS),
)
def source_documents(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The files of the watched folder, as rows of the catalog: new, edited, renamed, deleted.

    Out of date: when the folder changes, which the sensor sees. If it fails: folder or catalog cannot be opened; its log says which.
    """
    started = time.perf_counter()
    workspace = ingestion.workspace(context.partition_key)
    report = steps.source_documents.update_documents(workspace)
    for path, reason in list(report.unreadable.items())[: reported.TABLE_ROWS]:
        context.log.warning(f"{path} cannot be looked at ({reason}); its documents are kept as they were.")
    if report.held:
        context.log.warning(f"{len(report.held)} files are missing, and the deletion of their documents is held: see the failed check.")
    return _materialised(reported.source_documents(workspace, [report], time.perf_counter() - started))


@dg.op(ins={"source_documents": dg.In(dg.Nothing)}, out=dg.DynamicOut(dg.Nothing), tags={"kind": "plan"})
def plan_extraction(context: dg.OpExecutionContext, ingestion: Ingestion) -> Iterator[dg.DynamicOutput[None]]:
    """Commit what a killed run left, then name the contents that are to be read, in batches."""
    yield from _batches(steps.extracted_text.plan_extraction(ingestion.workspace(context.partition_key)))


@dg.op(ins={"planned": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={QUEUE_TAG: steps.extracted_text.STEP})
def extract_batch(context: dg.OpExecutionContext, ingestion: Ingestion) -> None:
    """Read one batch of documents into the staging folder. What crashes is tried twice more; a document that cannot be read is no crash."""
    with _accidents_again(context):
        report = steps.extracted_text.extract_batch(ingestion.workspace(context.partition_key), _batch_of(context))
    context.add_output_metadata(asdict(report))


@dg.op(ins={"batches": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing, code_version=code_version("extracted_text")))
def commit_extraction(context: dg.OpExecutionContext, ingestion: Ingestion) -> None:
    """Put what was read into the catalog, all or nothing. If it fails, the batches stay and the next run commits them."""
    workspace = ingestion.workspace(context.partition_key)
    reports = steps.extracted_text.commit_extraction(workspace)
    _note(context, reported.extracted_text(workspace, reports))


@dg.graph_asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb"},
    tags={"layer": "text"},
    metadata=table("elements", ELEMENTS),
    ins={"source_documents": dg.AssetIn(dagster_type=dg.Nothing)},
)
def extracted_text(source_documents: None) -> Any:
    """What the documents say: elements in reading order, with pages, boxes and headings. A document that cannot be read fails alone.

    Out of date: new or edited files, a new extractor (code version). Documents that failed are listed by its checks, with what to do.
    If it fails itself: the disk or the memory gave out; run it again, what was read is kept.
    """
    return commit_extraction(plan_extraction(source_documents).map(lambda planned: extract_batch(planned=planned)).collect())


@dg.asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    deps=[extracted_text],
    kinds={"duckdb"},
    tags={"layer": "text"},
    metadata=table("chunks", CHUNKS),
    code_version=code_version("chunks"),
)
def chunks(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The text in pieces that the embedding model reads whole, each with its headings, pages and boxes.

    Out of date: new text, a new chunker (code version), another ``RAG_CHUNK_TOKENS`` or embedding model; Dagster cannot see the last two
    before a run. If it fails: the embedding model is not there, or ``RAG_CHUNK_TOKENS`` is too small; mend the setting and run it again.
    """
    started = time.perf_counter()
    workspace = ingestion.workspace(context.partition_key)
    report = steps.chunks.cut_chunks(workspace)
    return _materialised(reported.chunks(workspace, [report], time.perf_counter() - started))


@dg.op(ins={"chunks": dg.In(dg.Nothing)}, out=dg.DynamicOut(dg.Nothing), tags={"kind": "plan"})
def plan_embeddings(context: dg.OpExecutionContext, ingestion: Ingestion) -> Iterator[dg.DynamicOutput[None]]:
    """Commit what a killed run left, then name the texts that the model has not seen, in batches."""
    yield from _batches(steps.embeddings.plan_embeddings(ingestion.workspace(context.partition_key)))


@dg.op(ins={"planned": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), pool=EMBEDDING_POOL, tags={QUEUE_TAG: steps.embeddings.STEP})
def embed_batch(context: dg.OpExecutionContext, ingestion: Ingestion) -> None:
    """Embed one batch of texts into the staging folder. What crashes is tried twice more. A pool's limit keeps a GPU for one run."""
    with _accidents_again(context):
        report = steps.embeddings.embed_batch(ingestion.workspace(context.partition_key), _batch_of(context))
    context.log.info(f"{report.texts} texts in {report.seconds:.1f} s, {report.dtype}")
    if report.refusal:
        context.log.error(report.refusal)
    context.add_output_metadata(asdict(report))


@dg.op(ins={"batches": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing, code_version=code_version("embeddings")))
def commit_embeddings(context: dg.OpExecutionContext, ingestion: Ingestion) -> None:
    """Put the vectors into the catalog, all or nothing. If it fails, the batches stay and the next run commits them."""
    workspace = ingestion.workspace(context.partition_key)
    reports = steps.embeddings.commit_embeddings(workspace)
    _note(context, reported.embeddings(workspace, reports))


@dg.graph_asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"huggingface", "duckdb"},
    tags={"layer": "vectors"},
    metadata=table("embeddings", EMBEDDINGS),
    ins={"chunks": dg.AssetIn(dagster_type=dg.Nothing)},
)
def embeddings(chunks: None) -> Any:
    """A vector for each distinct chunk text and embedding model; none is ever computed twice.

    Out of date: new chunks, or another embedding model, which Dagster cannot see before a run. If it fails: the model is not there, or the
    memory gave out (``RAG_EMBEDDING_BATCH_CHUNKS``, fewer runs at once); run it again, finished batches are kept.
    """
    return commit_embeddings(plan_embeddings(chunks).map(lambda planned: embed_batch(planned=planned)).collect())


@dg.asset(
    partitions_def=collections,
    group_name=GROUP,
    owners=OWNERS,
    deps=[chunks, embeddings],
    kinds={"qdrant"},
    tags={"layer": "vectors"},
    code_version=code_version("vector_index"),
)
def vector_index(context: dg.AssetExecutionContext, ingestion: Ingestion) -> dg.MaterializeResult[None]:
    """The published version that answers questions: BM25 vectors of exactly the live documents, and the dense ones that there are by now.

    Out of date: new chunks or vectors, deleted documents, a new index schema (code version). If it fails: the disk is full or the Qdrant
    server does not answer; the version before goes on answering. Mend that and run it again: nothing is read or embedded anew.
    """
    started = time.perf_counter()
    workspace = ingestion.workspace(context.partition_key)
    report = steps.vector_index.update_index(workspace)
    return _materialised(reported.vector_index(workspace, [report], time.perf_counter() - started))


def _materialised(found: reported.Reported) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata=found.metadata, data_version=dg.DataVersion(found.version))


def _note(context: dg.OpExecutionContext, found: reported.Reported) -> None:
    context.add_output_metadata(found.metadata)
    context.set_data_version(context.asset_key_for_output(), dg.DataVersion(found.version))


@contextmanager
def _accidents_again(context: dg.OpExecutionContext) -> Iterator[None]:
    """Ask for another try, by :data:`ACCIDENTS`, and not by a policy of the op: that would try again what someone interrupted.

    What the user has to mend (a missing model, a setting) is no accident: trying it again would only keep the words back.
    """
    try:
        yield
    except RagError as error:
        if not isinstance(error, TransientError):
            raise dg.Failure(str(error), allow_retries=False) from error
        raise _again(context) from error
    except Exception as error:
        raise _again(context) from error


def _again(context: dg.OpExecutionContext) -> dg.RetryRequested:
    return dg.RetryRequested(ACCIDENTS.max_retries, ACCIDENTS.calculate_delay(context.retry_number + 1))


def _batches(names: list[str]) -> Iterator[dg.DynamicOutput[None]]:
    for number, name in enumerate(names):
        yield dg.DynamicOutput(None, mapping_key=f"{number:05}_{name}")


def _batch_of(context: dg.OpExecutionContext) -> str:
    """The name that the plan gave the batch of this step."""
    return str(context.get_mapping_key()).partition("_")[2]


assets = [source_documents, extracted_text, chunks, embeddings, vector_index]
