"""Runs of Dagster as rows of a table.

Belongs here: what is said of a run, pure. Not here: asking for it (``web/dagster.py``), markup (``templates/pipeline/runs.html``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ui.views.language import gettext, message
from ui.views.language.formats import duration, moment

WAITING = ("QUEUED", "NOT_STARTED")
AT_WORK = ("STARTING", "STARTED", "CANCELING")
_OUTCOMES = {
    "QUEUED": ("pending", message("waits")),
    "NOT_STARTED": ("pending", message("waits")),
    "STARTING": ("pending", message("is starting")),
    "STARTED": ("pending", message("runs")),
    "CANCELING": ("pending", message("is being stopped")),
    "SUCCESS": ("indexed", message("done")),
    "FAILURE": ("failed", message("failed")),
    "CANCELED": ("empty", message("stopped")),
}
_JOBS = {
    "ingest": message("all steps"),
    "ingest_text": message("reading"),
    "ingest_vectors": message("embedding"),
    "measure_quality": message("measuring quality"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its state in Dagster's words, its collection ("": none), times in seconds since 1970, None for what has not happened."""

    run_id: str
    job: str
    collection: str
    status: str
    created: float
    started: float | None
    ended: float | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended, and of one that never began."""
        return max(0.0, self.ended - self.started) if self.started and self.ended else None


@dataclass(frozen=True, slots=True)
class Row:
    """A run in words; ``address``: its page, "" where readers cannot reach Dagster. ``look``: the class that its state is drawn with."""

    look: str
    outcome: str
    what: str
    collection: str
    when: str
    took: str
    name: str
    address: str


def run_rows(runs: Sequence[Run], dagster: str, now: float) -> list[Row]:
    """Runs as rows.

    Args:
        runs: in their order.
        dagster: Dagster's address as readers reach it; "" where they do not.
        now: seconds since 1970.
    """
    return [_row(run, dagster, now) for run in runs]


def _row(run: Run, dagster: str, now: float) -> Row:
    look, outcome = _OUTCOMES.get(run.status, ("pending", run.status.lower()))
    since = run.started or run.created
    took = run.seconds if run.seconds is not None else max(0.0, now - since) if run.status in (*WAITING, *AT_WORK) else None
    return Row(
        look,
        gettext(outcome),
        gettext(_JOBS.get(run.job, run.job)),
        run.collection,
        moment(datetime.fromtimestamp(since, UTC), seconds=True),
        "" if took is None else duration(took) if run.seconds is not None else gettext("for {duration}", duration=duration(took)),
        run.run_id[:8],
        f"{dagster}/runs/{run.run_id}" if dagster else "",
    )
