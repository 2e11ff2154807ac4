"""What the Pipeline tab says: figures counted and drawn, runs and collections in words. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview
from rag_pipeline.stores.catalog.listing import Arrivals
from rag_pipeline.stores.conversations import AnswerFigures
from ui.views.pipeline.activity import Activity, days_of, figures_html
from ui.views.pipeline.cards import Concern, IndexVersion, Now, Standing, now_html
from ui.views.pipeline.runs import Run, run_rows
from ui.views.plots import HEIGHT, WIDTH, Line, Plot, drawing_of, shown

TODAY = date(2026, 3, 10)
HOSTILE = "<img src=x onerror=alert(1)>"


def answer(days_ago: int, seconds: float = 1.0, **fields: Any) -> AnswerFigures:
    asked = datetime(2026, 3, 10, 12, tzinfo=UTC) - timedelta(days=days_ago)
    return AnswerFigures(asked, fields.get("state", "complete"), seconds, fields.get("feedback"))


def test_days_count_what_came_until_then_and_what_was_asked_on_them() -> None:
    came = [Arrivals(date(2025, 1, 1), 2, 20), Arrivals(date(2026, 3, 9), 1, 5)]
    fast = [answer(1, seconds=number / 10) for number in range(1, 20)]
    others = [answer(1, 30.0), answer(0, state="refused", feedback="down"), answer(0, 99.0, state="failed"), answer(40)]
    before, yesterday, today = days_of(came, [*fast, *others], TODAY, 3)
    assert [(one.documents, one.chunks) for one in (before, yesterday, today)] == [(2, 20), (3, 25), (3, 25)]
    assert (before.questions, before.seconds_p50, before.seconds_p95) == (0, None, None)
    assert (yesterday.questions, yesterday.seconds_p50, yesterday.seconds_p95) == (20, 1.0, 1.9)
    assert (today.questions, today.refused, today.failed, today.thumbs_down, today.seconds_p95) == (2, 1, 1, 1, 1.0)


def test_a_plot_stays_in_its_frame_breaks_where_nothing_was_and_says_its_figures() -> None:
    plot = Plot("Seconds", ("a", "b", "c", "d", HOSTILE), (Line("p50", (1.0, 3.0, None, 2.0, None)),), unit="s")
    drawing = drawing_of(plot)
    (line,) = drawing.lines
    assert [len(piece.split()) for piece in line.pieces] == [2]
    assert len(line.dots) == 3  # the one that stands alone too
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line.dots)
    assert [words for _, words in drawing.marks] == ["0", "2", "4"]
    assert shown(plot).rows[0] == (HOSTILE, "–")
    assert "p50: last 2 s, at most 3 s" in shown(plot).said


@pytest.mark.parametrize(("highest", "top"), [(0.0, "1"), (1, "1"), (3, "4"), (17, "20"), (0.03, "0.04"), (5, "10"), (4001, "10,000")])
def test_the_axis_ends_at_a_number_that_one_can_read(highest: float, top: str) -> None:
    assert drawing_of(Plot("t", ("a", "b"), (Line("l", (0.0, highest)),))).marks[-1][1] == top


def test_a_band_goes_round_its_line() -> None:
    drawing = drawing_of(Plot("q", ("1", "2"), (Line("q", (0.5, 0.7), (0.1, 0.1)),), top=1.0))
    (line,) = drawing.lines
    assert len(line.band.split()) == 4
    assert drawing_of(Plot("q", (), (Line("q", ()),), top=1.0)).lines[0].pieces == ()


def test_figures_have_tables_and_say_where_there_are_none() -> None:
    days = days_of([Arrivals(TODAY, 3, 9)], [answer(0)], TODAY, 30)
    drawn = figures_html(Activity(days, ()))
    assert drawn.count("<svg") == drawn.count("<table>") == 4
    assert drawn.count("Nothing yet.") == 3  # thumbs, reading, embedding
    assert drawn.count('role="img" aria-label="') == 4
    assert "<td>2026-03-10</td><td>3</td>" in drawn


def test_runs_in_words() -> None:
    runs = [
        Run("abcdefgh-1", "ingest_text", "contracts", "STARTED", 100.0, 110.0, None),
        Run("b", "ingest", "letters", "SUCCESS", 100.0, 110.0, 235.0),
        Run("c", "other", "", "CANCELED", 100.0, None, None),
    ]
    rows = run_rows(runs, "http://127.0.0.1:3000", 130.0)
    assert [(row.outcome, row.what, row.took) for row in rows] == [
        ("runs", "reading", "for 20 s"), ("done", "all steps", "2 min"), ("stopped", "other", ""),
    ]  # fmt: skip
    assert rows[0].address == "http://127.0.0.1:3000/runs/abcdefgh-1"
    assert run_rows(runs, "", 130.0)[0].address == ""


def version_of(name: str, **fields: Any) -> IndexVersion:
    found = {"segments": 2, "size_bytes": 3_400_000, "previous": "v1", "previous_published_at": "2026-03-09T10:00:00+00:00", **fields}
    return IndexVersion(name, "v2", "2026-03-10T11:12:13+00:00", "a/model", 384, 3, 9, 7, **found)


def test_a_card_says_what_runs_what_is_published_and_what_can_be_done() -> None:
    one = CollectionProgress(
        HOSTILE, 4, {"waiting": 1, "indexed": 3}, 9, 12, 7, ("text",), "extracted_text", ("a.pdf",), 11.0, 30.0, next_documents=("b.pdf",)
    )
    standing = Standing({HOSTILE: version_of(HOSTILE)}, [Concern(HOSTILE, "failed_documents", "extracted_text", "1 document failed.")])
    now = Now(Overview((one,), (HOSTILE,)), standing, ())
    drawn = now_html(now, "http://127.0.0.1:3000", may_write=True, seconds_since_1970=0)
    assert "<img" not in drawn
    for words in ("Now: text lane, reading: a.pdf", "9, 7 of them with a vector", "3.4 MB", "2026-03-10 11:12 UTC", "about 30 s left"):
        assert words in drawn
    assert "/assets/extracted_text?view=checks&amp;checkDetail=failed_documents" in drawn
    assert [word for word in ("Index now", "Pause", "Stop", "Rebuild", "Roll back") if f">{word}</button>" not in drawn] == []
    assert drawn.count("data-question=") == 3  # stop, rebuild, roll back
    reader = now_html(now, "", may_write=False, seconds_since_1970=0)
    assert "<button" not in reader
    assert "http://" not in reader
