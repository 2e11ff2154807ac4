"""What steps did, as a materialisation says it: metadata and the version of what is there now.

Belongs here: one function for each asset, of the reports of its step (as many as there were slices or batches). Not here: calling steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import dagster as dg

from rag_pipeline.defs.metadata import in_catalog, in_index, left_to_do
from rag_pipeline.ingestion import data_versions
from rag_pipeline.ingestion.steps.chunks import ChunkingReport
from rag_pipeline.ingestion.steps.embeddings import EmbeddingReport
from rag_pipeline.ingestion.steps.extracted_text import ExtractionReport
from rag_pipeline.ingestion.steps.source_documents import SourcesReport
from rag_pipeline.ingestion.steps.vector_index import IndexReport
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.document_rows import SourceCounts

TABLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Reported:
    """Metadata of a materialisation. ``version``: equal ones stand for equal contents."""

    metadata: Mapping[str, dg.RawMetadataValue]
    version: str


def source_documents(workspace: Workspace, reports: Sequence[SourcesReport], seconds: float) -> Reported:
    """Counts are sums, the rest is as the last report has it."""
    contents = data_versions.source_documents(workspace)
    last = reports[-1]
    metadata = {
        "documents": last.documents,
        **{field.name: sum(getattr(report.counts, field.name) for report in reports) for field in fields(SourceCounts)},
        "waiting": len(last.waiting),
        "deletions_held": len(last.held),
        "unreadable": len(last.unreadable),
        "seconds": round(seconds, 3),
        "changes": _table(("document", "change"), [change for report in reports for change in report.changes]),
        **in_catalog(workspace, contents.rows),
    }
    return Reported(metadata, contents.digest)


def extracted_text(workspace: Workspace, reports: Sequence[ExtractionReport]) -> Reported:
    """Of all batches together."""
    contents = data_versions.extracted_text(workspace)
    metadata = {
        "batches": len(reports),
        "documents_read": sum(report.read for report in reports),
        "documents_failed": sum(report.failed for report in reports),
        "elements": sum(report.elements for report in reports),
        "seconds_of_reading": round(sum(report.seconds_of_reading for report in reports), 3),
        **in_catalog(workspace, contents.rows),
    }
    return Reported(metadata, contents.digest)


def chunks(workspace: Workspace, reports: Sequence[ChunkingReport], seconds: float) -> Reported:
    """Of all slices together."""
    contents = data_versions.chunks(workspace)
    metadata = {
        "documents_cut": sum(report.documents for report in reports),
        "chunks_cut": sum(report.chunks for report in reports),
        "tokens": sum(report.tokens for report in reports),
        "largest_chunk_tokens": max(report.largest_chunk_tokens for report in reports),
        "seconds": round(seconds, 3),
        **in_catalog(workspace, contents.rows),
    }
    return Reported(metadata, contents.digest)


def embeddings(workspace: Workspace, reports: Sequence[EmbeddingReport]) -> Reported:
    """Of all batches together."""
    contents = data_versions.embeddings(workspace)
    metadata = {
        "batches": len(reports),
        "texts_embedded": sum(report.texts for report in reports),
        "seconds": round(sum(report.seconds for report in reports), 3),
        "refusals": "\n".join(filter(None, (report.refusal for report in reports))) or "none",
        "model": workspace.model.name,
        "model_fingerprint": workspace.model.fingerprint,
        **in_catalog(workspace, contents.rows),
    }
    return Reported(metadata, contents.digest)


def vector_index(workspace: Workspace, reports: Sequence[IndexReport], seconds: float) -> Reported:
    """Documents that came and went are sums, the rest is as the last report has it."""
    last = reports[-1]
    metadata = {
        "version": last.version or "none: nothing to search",
        "published": any(report.published for report in reports),
        "documents": last.documents,
        "chunks": last.chunks,
        "vectors": last.vectors,
        "documents_added": sum(report.documents_added for report in reports),
        "documents_completed": sum(report.documents_completed for report in reports),
        "documents_removed": sum(report.documents_removed for report in reports),
        "seconds": round(seconds, 3),
        **in_index(workspace, last.chunks),
        **left_to_do(workspace),
    }
    return Reported(metadata, last.version or "none")


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows[:TABLE_ROWS]]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))
