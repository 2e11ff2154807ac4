"""Collections as they stand: what runs, what is published, what warns, and what can be done about it.

Belongs here: what is said of a collection and which buttons there are, pure. Not here: finding it out (``web/pipeline.py``), markup
(``templates/pipeline/now.html``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode

from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.views.language.formats import moment, number, percent, size
from ui.views.language.told import stage_in_words, told
from ui.views.pipeline.runs import Run, run_rows
from ui.views.progress_words import line, next_in_words

_STEPS = {
    "extracted_text": message("reading"),
    "chunks": message("cutting"),
    "embeddings": message("embedding"),
    "vector_index": message("publishing"),
}
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
    answering_in_words: str
    vectors_in_words: str
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
        Remark(told(concern.words), _check_address(dagster, concern))
        for concern in standing.concerns
        if concern.collection == one.collection
    )
    return Card(
        collection=one.collection,
        look=look,
        state=state,
        words=line(one),
        lanes=_lanes(one),
        answering=f"{one.share_answering:.1%}",
        vectors=f"{one.share_with_vectors:.1%}",
        answering_in_words=percent(one.share_answering),
        vectors_in_words=percent(one.share_with_vectors),
        facts=tuple(_facts(one, version, dagster)),
        remarks=tuple(remarks),
        buttons=tuple(_buttons(one, version)) if may_write else (),
    )


def _state(one: CollectionProgress) -> tuple[str, str]:
    if one.is_paused:
        return "empty", gettext("paused")
    if one.lanes:
        return "pending", gettext("at work")
    return ("indexed", gettext("up to date")) if one.is_complete else ("pending", gettext("waits"))


def _lanes(one: CollectionProgress) -> str:
    """``text lane, reading: a.pdf, b.pdf``; empty where nothing runs."""
    if not one.lanes:
        return ""
    step = gettext(_STEPS.get(one.step, one.step)) if one.step else gettext("beginning")
    if len(one.lanes) > 1:
        lanes = gettext("text and vectors lanes, {step}", step=step)
    else:
        lanes = gettext("text lane, {step}", step=step) if one.lanes[0] == "text" else gettext("vectors lane, {step}", step=step)
    if not one.reading:
        return lanes
    names = ", ".join(one.reading[:_MOST_READ])
    if len(one.reading) > _MOST_READ:
        names = gettext("{names} and {number} more", names=names, number=len(one.reading) - _MOST_READ)
    return f"{lanes}: {names}"


def _facts(one: CollectionProgress, version: IndexVersion | None, dagster: str) -> list[Fact]:
    stages = ", ".join(f"{number(count)} {stage_in_words(stage)}" for stage, count in one.stages.items())
    known = [Fact(gettext("Documents"), f"{number(one.documents)}{f' ({stages})' if stages else ''}")]
    if version is None:
        return [*known, Fact(gettext("Index"), gettext("nothing is published yet"))]
    partition = urlencode({"view": "partitions", "partition": one.collection})
    known += [
        Fact(gettext("Passages"), gettext("{chunks}, {vectors} of them with a vector", chunks=version.chunks, vectors=version.vectors)),
        Fact(gettext("Version"), f"{_time(version.published_at)} UTC", f"{dagster}/assets/vector_index?{partition}" if dagster else ""),
        Fact(gettext("Model"), gettext("{model}, {number} numbers", model=version.embedding_model, number=version.dimension)),
    ]
    if version.segments is not None and version.size_bytes is not None:
        known += [Fact(gettext("Segments"), number(version.segments)), Fact(gettext("On disk"), size(version.size_bytes))]
    return known


def _time(published_at: str) -> str:
    return moment(datetime.fromisoformat(published_at))


def _check_address(dagster: str, concern: Concern) -> str:
    return f"{dagster}/assets/{concern.asset}?{urlencode({'view': 'checks', 'checkDetail': concern.check})}" if dagster else ""


def _buttons(one: CollectionProgress, version: IndexVersion | None) -> list[Button]:
    name, address = one.collection, f"/api/v1/collections/{quote(one.collection, safe='')}"
    if one.is_paused:
        found = [Button(gettext("Continue"), f"{address}/continue")]
    else:
        found = [
            Button(gettext("Index now"), "/api/v1/ingestion", json.dumps({"collection": name})),
            Button(gettext("Pause"), f"{address}/pause"),
        ]
        if one.lanes:
            question = gettext("Stop the work on {collection}, and pause it? What was finished is kept.", collection=name)
            found.append(Button(gettext("Stop"), f"{address}/stop", "", question))
        question = gettext(
            "Read, cut, embed and publish all documents of {collection} anew? What is published answers meanwhile.", collection=name
        )
        found.append(Button(gettext("Rebuild"), "/api/v1/ingestion", json.dumps({"collection": name, "full_refresh": True}), question))
    if version and version.previous:
        found.append(_roll_back(version, f"{address}/rollback"))
    return found


def _roll_back(version: IndexVersion, address: str) -> Button:
    values = {"collection": version.collection, "time": _time(version.previous_published_at)}
    if version.rolled_back:
        question = gettext("Answer questions about {collection} from its newest version again, the version of {time} UTC?", **values)
        return Button(gettext("Go forth again"), address, "", question)
    question = gettext(
        "Answer questions about {collection} from the version of {time} UTC again, until its next run? The same button goes forth.",
        **values,
    )
    return Button(gettext("Roll back"), address, "", question)
