"""The overview as JSON: the same for the API and ``rag status --watch --json``.

Belongs here: that shape. Not here: words, who may see what.
"""

from __future__ import annotations

from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview


def overview_json(overview: Overview) -> dict[str, object]:
    """``{"collections": […], "next": […], "going_on": true}``."""
    shown = [collection_json(one) for one in overview.collections]
    return {"collections": shown, "next": list(overview.order), "going_on": overview.is_going_on}


def collection_json(one: CollectionProgress) -> dict[str, object]:
    """A collection's progress; seconds and rates to three digits, so that what has not changed looks the same."""
    return {
        "collection": one.collection,
        "documents": one.documents,
        "stages": dict(one.stages),
        "passages": one.passages,
        "passages_expected": one.passages_expected,
        "vectors": one.vectors,
        "lanes": list(one.lanes),
        "step": one.step,
        "reading": list(one.reading),
        "next_documents": list(one.next_documents),
        "passages_a_second": _rounded(one.passages_a_second),
        "seconds_left": _rounded(one.seconds_left),
        "paused": one.is_paused,
        "complete": one.is_complete,
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.3g}")
