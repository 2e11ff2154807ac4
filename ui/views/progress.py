"""How far the work is: a bar for each collection, and one line for who asks meanwhile.

Belongs here: what is shown of an overview, pure. Not here: markup (``templates/progress.html``), words (``ingestion/progress/words.py``),
where it comes from (``web/progress_feed.py``), how it gets into a page that is open (``static/app.js``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview
from ui.views.environment import render
from ui.views.progress_words import how_far, line, next_in_words

Kind = Literal["bars", "line"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A collection: percentages of its documents that answer and of its passages that have vectors, and the addresses of its buttons."""

    collection: str
    answering: str
    vectors: str
    words: str
    pause: str = ""
    carry_on: str = ""
    stop: str = ""


def progress_html(kind: Kind, overview: Overview | None = None, *, may_write: bool = False) -> str:
    """All collections with work left as bars, or what is going on in one line; empty, but there to be filled, where nothing is."""
    shown = [one for one in overview.collections if not one.is_complete or one.is_paused] if overview else []
    bars = [_bar(one, may_write) for one in shown] if kind == "bars" else []
    said = _said(overview) if overview and kind == "line" else ""
    following = next_in_words(overview) if overview and bars else ""
    return render("progress.html", kind=kind, bars=bars, said=said, following=following)


def _said(overview: Overview) -> str:
    going = [one for one in overview.collections if one.is_going_on]
    if len(going) == 1:
        return f"{going[0].collection}: {line(going[0])}"
    return how_far(overview) or ", ".join(f"{one.collection}: {line(one)}" for one in going)


def _bar(one: CollectionProgress, may_write: bool) -> Bar:
    address = f"/api/v1/collections/{quote(one.collection, safe='')}"
    bar = Bar(one.collection, f"{one.share_answering:.1%}", f"{one.share_with_vectors:.1%}", line(one))
    if not may_write:
        return bar
    if one.is_paused:
        return Bar(bar.collection, bar.answering, bar.vectors, bar.words, carry_on=f"{address}/continue")
    return Bar(bar.collection, bar.answering, bar.vectors, bar.words, f"{address}/pause", "", f"{address}/stop" if one.lanes else "")
