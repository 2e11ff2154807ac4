"""Which job does the work of which lane (``ingestion/backlog.py``). Knows no dagster."""

from __future__ import annotations

from collections.abc import Mapping

from rag_pipeline.ingestion.backlog import LANES, Lane

JOB_OF_LANE: Mapping[Lane, str] = {"text": "ingest_text", "vectors": "ingest_vectors"}


MEASURING_JOB = "measure_quality"
"""Works in no lane: it reads the index, and keeps no document waiting."""


def lanes_of(job_name: str) -> tuple[Lane, ...]:
    """The lanes that a run of a job works in: any other job than these may work in both."""
    return () if job_name == MEASURING_JOB else tuple(lane for lane in LANES if JOB_OF_LANE[lane] == job_name) or LANES
