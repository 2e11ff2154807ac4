"""What the command line did, in Dagster's records: materialisations and checks without a run.

Belongs here: writing them. Not here: what they say (``reported``, ``checks``), doing the work (``ingestion/steps/lanes.py``).

A run of Dagster costs two seconds besides the work, and its libraries one more before it begins. ``rag ingest`` takes the steps itself, and
what it did is written down afterwards, when questions are answered already, by ``python -m rag_pipeline.defs.record``: that process loads
Dagster meanwhile, opens its records (another second), and waits for what it is to write.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import NULL_EVENT_POINTER

from rag_pipeline.defs import measuring, reported
from rag_pipeline.defs.assets import assets
from rag_pipeline.defs.checks import CHECKS
from rag_pipeline.defs.partitions import collections
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.evaluation.quality import Measured
from rag_pipeline.ingestion import data_versions
from rag_pipeline.ingestion.code_versions import code_version
from rag_pipeline.ingestion.steps.lanes import Reports
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation


def record(instance: dg.DagsterInstance, settings: Settings, done: Mapping[str, Reports], measured: Mapping[str, Measured]) -> None:
    """Write down what was done, and what was measured then, by collection.

    Raises:
        Exception: of Dagster's, where its records cannot be written.
    """
    names = list(dict.fromkeys([*done, *measured]))
    instance.add_dynamic_partitions(str(collections.name), names)
    for collection in names:
        workspace = Workspace(settings, collection)
        with workspace.catalog.reading():
            events = list(_events(workspace, done.get(collection, Reports()), measured.get(collection)))
        for event in events:
            instance.report_runless_asset_event(event)


def _events(workspace: Workspace, reports: Reports, measured: Measured | None) -> Iterator[Event]:
    found = dict([*_reported(workspace, reports), *_reported_quality(workspace, measured)])
    for asset in (*assets, *measuring.assets):
        if one := found.get(name := asset.key.to_user_string()):
            tags = _version_tags(name, one.version, [_version(workspace, key.to_user_string(), found) for key in asset.dependency_keys])
            yield dg.AssetMaterialization(asset.key, partition=workspace.collection, metadata=one.metadata, tags=tags)
    for check in CHECKS:
        if check.asset.key.to_user_string() in found:
            result = check.judge([workspace])
            yield dg.AssetCheckEvaluation(check.asset.key, check.name, result.passed, result.metadata, severity=result.severity)


def _version(workspace: Workspace, asset: str, found: Mapping[str, reported.Reported]) -> tuple[str, str]:
    """An asset and the version of what is there of it."""
    return asset, found[asset].version if asset in found else getattr(data_versions, asset)(workspace).digest


def _version_tags(asset: str, version: str, inputs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What a run of Dagster's notes beside a materialisation, so that it can tell what is out of date (its ``data_version`` module). An
    asset without a version of its code has the run's id there."""
    tags = {"data_version": version, "data_version_is_user_provided": "true", "code_version": code_version(asset) or "rag ingest"}
    tags |= {f"input_data_version/{name}": made for name, made in inputs}
    tags |= {f"input_event_pointer/{name}": NULL_EVENT_POINTER for name, _ in inputs}
    return {f"dagster/{name}": value for name, value in tags.items()}


def _reported(workspace: Workspace, reports: Reports) -> Iterator[tuple[str, reported.Reported]]:
    """Of the steps that were taken, in their order."""
    seconds = reports.seconds
    if reports.source_documents:
        yield "source_documents", reported.source_documents(workspace, reports.source_documents, seconds["source_documents"])
    if "extracted_text" in seconds:
        yield "extracted_text", reported.extracted_text(workspace, reports.extracted_text)
    if reports.chunks:
        yield "chunks", reported.chunks(workspace, reports.chunks, seconds["chunks"])
    if "embeddings" in seconds:
        yield "embeddings", reported.embeddings(workspace, reports.embeddings)
    if reports.vector_index:
        yield "vector_index", reported.vector_index(workspace, reports.vector_index, seconds["vector_index"])


def _reported_quality(workspace: Workspace, measured: Measured | None) -> Iterator[tuple[str, reported.Reported]]:
    if measured:
        yield "evaluation_set", measuring.reported_set(measured.questions, measured.seconds)
    if measured and measured.quality:
        yield "retrieval_quality", measuring.reported_quality(measured.quality, workspace)


def main() -> None:
    """Write down what comes on standard input: pickled, the settings, and what was done once that is known. Who began this process ends
    it, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings: Settings = _next_given()
    with open_instance(settings) as instance:
        record(instance, settings, *_next_given())


def _next_given() -> Any:
    return pickle.load(sys.stdin.buffer)  # noqa: S301  # of the process that began this one, and of nobody else


if __name__ == "__main__":
    main()
