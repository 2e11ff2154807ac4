"""What happened lately, day by day: documents that came, questions and their answers, and how fast the last slices of work were.

Belongs here: counting, pure, and what is drawn of it. Not here: where the rows come from (``web/pipeline.py``), SVG (``views/plots.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rag_pipeline.ingestion.progress.live import LiveRun
from rag_pipeline.stores.catalog.listing import Arrivals
from rag_pipeline.stores.conversations import AnswerFigures
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.views.language.formats import day, day_and_time
from ui.views.plots import Line, Plot, shown

_MEGABYTE = 1e6
_ENDED = ("complete", "refused")


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC).

    Attributes:
        documents: those of today's that had come by its end; ``chunks`` theirs, as they are today.
        questions: that were asked in conversations; of their answers so many were ``refused`` or ``failed``, and judged.
        seconds_p50, seconds_p95: half, and 95 % of the answers took no longer; None where there was none.
    """

    day: date
    documents: int
    chunks: int
    questions: int = 0
    refused: int = 0
    failed: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    seconds_p50: float | None = None
    seconds_p95: float | None = None


@dataclass(frozen=True, slots=True)
class PastSlice:
    """A slice of work that ended: ``work`` are bytes read, with an allowance for opening each document (lane ``text``), or passages
    embedded (``vectors``), done in ``seconds``."""

    collection: str
    lane: str
    ended_at: datetime
    work: float
    seconds: float

    @property
    def rate(self) -> float:
        """Work a second."""
        return self.work / self.seconds


@dataclass(frozen=True, slots=True)
class Activity:
    """``days`` without a gap, the last one is today; ``slices`` in the order in which they ended."""

    days: tuple[Day, ...]
    slices: tuple[PastSlice, ...]


def days_of(arrivals: Sequence[Arrivals], answers: Sequence[AnswerFigures], today: date, days: int) -> tuple[Day, ...]:
    """So many days up to today.

    Args:
        arrivals: of all times.
        answers: of these days at least.
        today: in UTC.
        days: one or more.
    """
    wanted = [today - timedelta(days=back) for back in reversed(range(days))]
    by_day: dict[date, list[AnswerFigures]] = {day: [] for day in wanted}
    for answer in answers:
        by_day.get(answer.asked_at.date(), []).append(answer)
    return tuple(_day(day, [one for one in arrivals if one.day <= day], by_day[day]) for day in wanted)


def _day(of: date, arrived: Sequence[Arrivals], answers: Sequence[AnswerFigures]) -> Day:
    seconds = sorted(one.seconds for one in answers if one.state in _ENDED)
    return Day(
        of,
        sum(one.documents for one in arrived),
        sum(one.chunks for one in arrived),
        len(answers),
        sum(one.state == "refused" for one in answers),
        sum(one.state == "failed" for one in answers),
        sum(one.feedback == "up" for one in answers),
        sum(one.feedback == "down" for one in answers),
        _percentile(seconds, 0.5),
        _percentile(seconds, 0.95),
    )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The least value that so large a share of all is not above; None of none."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 3) if ordered else None


def slices_of(runs: Sequence[LiveRun]) -> tuple[PastSlice, ...]:
    """The slices that are remembered of all lanes, but for those that took no time that one could tell."""
    found = [
        PastSlice(run.collection, run.lane, datetime.fromtimestamp(one.ended, UTC), one.work, round(one.worked_until - one.began, 3))
        for run in runs
        for one in run.slices
    ]
    return tuple(sorted((one for one in found if one.seconds > 0 and one.work > 0), key=lambda one: one.ended_at))


def figures_html(activity: Activity) -> str:
    """Everything drawn, each with its table."""
    plots = [*_documents(activity.days), *_answers(activity.days), *_throughput(activity.slices)]
    return render("pipeline/figures.html", plots=[shown(plot) for plot in plots])


def _documents(days: Sequence[Day]) -> list[Plot]:
    steps = _steps(days)
    said = message("Documents that are there today, by the day on which each of them came, and their passages as they are today.")
    return [
        Plot(message("Documents"), steps, (_line(message("documents"), days, "documents"),), explained=said),
        Plot(message("Passages"), steps, (_line(message("passages"), days, "chunks"),)),
    ]


def _answers(days: Sequence[Day]) -> list[Plot]:
    steps = _steps(days)
    return [
        Plot(
            message("Questions a day"),
            steps,
            (
                _line(message("questions"), days, "questions"),
                _line(message("refused"), days, "refused"),
                _line(message("failed"), days, "failed"),
            ),
            explained=message("Those that were asked in conversations. Refused: nothing in the documents says it."),
        ),
        Plot(message("Thumbs a day"), steps, (_line(message("up"), days, "thumbs_up"), _line(message("down"), days, "thumbs_down"))),
        Plot(
            message("Seconds to the end of an answer"),
            steps,
            (_line(message("half take no longer"), days, "seconds_p50"), _line(message("95 % take no longer"), days, "seconds_p95")),
            unit="s",
        ),
    ]


def _throughput(slices: Sequence[PastSlice]) -> list[Plot]:
    """One for each lane, of all collections in the order in which slices ended."""
    text, vectors = ([one for one in slices if one.lane == lane] for lane in ("text", "vectors"))
    said = gettext("The last slices of each collection, in the order in which they ended.")
    return [
        Plot(
            message("Reading"),
            _ends(text),
            (Line(message("read"), tuple(one.rate / _MEGABYTE for one in text)),),
            "MB/s",
            " ".join([said, gettext("Opening a document counts as some bytes more.")]),
        ),
        Plot(
            message("Embedding"),
            _ends(vectors),
            (Line(message("embedded"), tuple(one.rate for one in vectors)),),
            message("passages/s"),
            said,
        ),
    ]


def _steps(days: Sequence[Day]) -> tuple[str, ...]:
    return tuple(day(one.day) for one in days)


def _line(name: str, days: Sequence[Day], figure: str) -> Line:
    return Line(name, tuple(getattr(one, figure) for one in days))


def _ends(slices: Sequence[PastSlice]) -> tuple[str, ...]:
    return tuple(f"{one.collection} {day_and_time(one.ended_at)}" for one in slices)
