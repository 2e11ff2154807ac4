"""Collections as they stand: what runs, what is published, what warns, and what can be done about it.

Belongs here: what is said of a collection and which buttons there are, pure. Not here: finding it out (``web/pipeline.py``), markup
(``templates/pipeline/now.html``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview
from rag_pipeline.ingestion.progress.words import line, next_in_words
from ui.views.documents.table import size_in_words
from ui.views.environment import render
from ui.views.pipeline.runs import Run, run_rows

_STEPS = {"extracted_text": "reading", "chunks": "cutting", "embeddings": "embedding", "vector_index": "publishing"}
_MOST_READ = 3


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """What of a collection is published.

    Attributes:
        segments, size_bytes: None where a server keeps the index. The size is that of all versions that are kept.
        previous: the version that a roll back would answer from, "" where none is kept; ``previous_published_at`` is its time.
        rolled_back: an earlier version than the newest answers.
    """

    collection: str
    version: str
    published_at: str
    embedding_model: str
    dimension: int
    documents: int
    chunks: int
    vectors: int
    segments: int | None
    size_bytes: int | None
    previous: str = ""
    previous_published_at: str = ""
    rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class Concern:
    """What a check warns of: its name and asset, as Dagster has them, and what to say."""

    collection: str
    check: str
    asset: str
    words: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of collections besides how far they are."""

    versions: Mapping[str, IndexVersion] = field(default_factory=dict)
    concerns: Sequence[Concern] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """What sends a request: to an address, with JSON or nothing; ``question``: what is asked first, "" where nothing is lost."""

    words: str
    address: str
    body: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning in words, and its check in Dagster; "" where that cannot be reached."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a collection. ``address``: where more of it is, "" for nowhere."""

    name: str
    words: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A collection. ``look``: the class that its state is drawn with; ``lanes``: what runs; the two widths are percentages."""

    collection: str
    look: str
    state: str
    words: str
    lanes: str
    answering: str
    vectors: str
    facts: tuple[Fact, ...]
    remarks: tuple[Remark, ...]
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Now:
    """All that is shown of this moment; in place of what could not be found out there is the reason."""

    overview: Overview
    standing: Standing | str
    runs: Sequence[Run] | str


def now_html(now: Now, dagster: str, *, may_write: bool, seconds_since_1970: float) -> str:
    """A card for each collection, what comes next, and the last runs; ``dagster``: its address as readers reach it, or ""."""
    progress = {one.collection: one for one in now.overview.collections}
    standing, trouble = (Standing(), now.standing) if isinstance(now.standing, str) else (now.standing, "")
    names = sorted(progress.keys() | standing.versions.keys())
    cards = [_card(progress.get(name, CollectionProgress(name)), standing, dagster, may_write) for name in names]
    down = now.runs if isinstance(now.runs, str) else ""
    runs = [] if isinstance(now.runs, str) else run_rows(now.runs, dagster, seconds_since_1970)
    following = next_in_words(now.overview)
    return render("pipeline/now.html", cards=cards, runs=runs, down=down, following=following, dagster=dagster, trouble=trouble)


def _card(one: CollectionProgress, standing: Standing, dagster: str, may_write: bool) -> Card:
    version = standing.versions.get(one.collection)
    look, state = _state(one)
    remarks = (
        Remark(concern.words, _check_address(dagster, concern)) for concern in standing.concerns if concern.collection == one.collection
    )
    return Card(
        collection=one.collection,
        look=look,
        state=state,
        words=line(one),
        lanes=_lanes(one),
        answering=f"{one.share_answering:.1%}",
        vectors=f"{one.share_with_vectors:.1%}",
        facts=tuple(_facts(one, version, dagster)),
        remarks=tuple(remarks),
        buttons=tuple(_buttons(one, version)) if may_write else (),
    )


def _state(one: CollectionProgress) -> tuple[str, str]:
    if one.is_paused:
        return "empty", "paused"
    if one.lanes:
        return "pending", "at work"
    return ("indexed", "up to date") if one.is_complete else ("pending", "waits")


def _lanes(one: CollectionProgress) -> str:
    """``text lane, reading: a.pdf, b.pdf``; empty where nothing runs."""
    if not one.lanes:
        return ""
    lanes = " and ".join(one.lanes)
    reading = f": {', '.join(one.reading[:_MOST_READ])}" if one.reading else ""
    more = f" and {len(one.reading) - _MOST_READ} more" if len(one.reading) > _MOST_READ else ""
    return f"{lanes} lane{'s' if len(one.lanes) > 1 else ''}, {_STEPS.get(one.step, one.step) or 'beginning'}{reading}{more}"


def _facts(one: CollectionProgress, version: IndexVersion | None, dagster: str) -> list[Fact]:
    stages = ", ".join(f"{number:,} {stage}" for stage, number in one.stages.items())
    known = [Fact("Documents", f"{one.documents:,}{f' ({stages})' if stages else ''}")]
    if version is None:
        return [*known, Fact("Index", "nothing is published yet")]
    partition = urlencode({"view": "partitions", "partition": one.collection})
    known += [
        Fact("Passages", f"{version.chunks:,}, {version.vectors:,} of them with a vector"),
        Fact("Version", f"{_time(version.published_at)} UTC", f"{dagster}/assets/vector_index?{partition}" if dagster else ""),
        Fact("Model", f"{version.embedding_model}, {version.dimension:,} numbers"),
    ]
    if version.segments is not None and version.size_bytes is not None:
        known += [Fact("Segments", f"{version.segments:,}"), Fact("On disk", size_in_words(version.size_bytes))]
    return known


def _time(published_at: str) -> str:
    return published_at[:16].replace("T", " ")


def _check_address(dagster: str, concern: Concern) -> str:
    return f"{dagster}/assets/{concern.asset}?{urlencode({'view': 'checks', 'checkDetail': concern.check})}" if dagster else ""


def _buttons(one: CollectionProgress, version: IndexVersion | None) -> list[Button]:
    name, address = one.collection, f"/api/v1/collections/{quote(one.collection, safe='')}"
    if one.is_paused:
        found = [Button("Continue", f"{address}/continue")]
    else:
        found = [Button("Index now", "/api/v1/ingestion", json.dumps({"collection": name})), Button("Pause", f"{address}/pause")]
        if one.lanes:
            question = f"Stop the work on {name}, and pause it? What was finished is kept."
            found.append(Button("Stop", f"{address}/stop", "", question))
        question = f"Read, cut, embed and publish all documents of {name} anew? What is published answers meanwhile."
        found.append(Button("Rebuild", "/api/v1/ingestion", json.dumps({"collection": name, "full_refresh": True}), question))
    if version and version.previous:
        found.append(_roll_back(version, f"{address}/rollback"))
    return found


def _roll_back(version: IndexVersion, address: str) -> Button:
    when = f"the version of {_time(version.previous_published_at)} UTC"
    if version.rolled_back:
        return Button("Go forth again", address, "", f"Answer questions about {version.collection} from its newest version again, {when}?")
    question = f"Answer questions about {version.collection} from {when} again, until its next run? The same button goes forth."
    return Button("Roll back", address, "", question)
