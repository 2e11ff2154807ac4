"""How an answer was found: the questions searched for, the passages with the parts of their scores, times, versions.

Belongs here: what is shown of a trace that was kept, pure. Not here: what it holds (``answering/conversation/trace.py``), markup
(``templates/ask/trace.html``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag_pipeline.models import Hit
from ui.views.citations import Source, snippet
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.views.language.formats import number

MORE_PASSAGES = (8, 16, 32, 64)
"""How many of them a question can be asked again with."""
_STEPS = (message("retrieve"), message("augment"), message("generate"), message("verify"), message("reformulate"))
_TOKENS = (message("prompt tokens"), message("completion tokens"), message("total tokens"))
"""As a trace names them."""


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage that was considered; the parts of its score in percent, empty where there is none."""

    source: Source
    beginning: str
    use: str
    is_used: bool
    score: str
    words: str
    meaning: str
    name: str


@dataclass(frozen=True, slots=True)
class ShownTrace:
    """What ``trace.html`` shows. ``facts`` are names with what is to be said; ``counts`` what it can be asked again with."""

    questions: tuple[tuple[str, str], ...]
    passages: tuple[ShownPassage, ...]
    facts: tuple[tuple[str, str], ...]
    collections: tuple[str, ...]
    counts: tuple[int, ...]


def trace_html(trace: Mapping[str, Any], collections: Sequence[str]) -> str:
    """What was kept of the way to an answer, as a part of the page; ``collections`` are those that can be chosen to ask again in."""
    found = sum(one["rank"] is not None for one in trace.get("passages", ()))
    counts = tuple(count for count in MORE_PASSAGES if count > found)
    shown = ShownTrace(_questions(trace), _passages(trace), _facts(trace), tuple(collections), counts)
    return render("ask/trace.html", trace=shown, kept=bool(trace))


def _questions(trace: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    parts = [(gettext("A part of it"), part) for part in trace.get("sub_questions", ())]
    found = [(gettext("Asked"), trace.get("question", "")), (gettext("Searched for"), trace.get("searched", "")), *parts]
    return tuple((name, words) for name, words in [*found, (gettext("With what was asked before"), trace.get("with_topic", ""))] if words)


def _passages(trace: Mapping[str, Any]) -> tuple[ShownPassage, ...]:
    cited, given = trace.get("cited", {}), trace.get("given", 0)
    return tuple(_passage(one, cited.get(one["chunk_id"]), given) for one in trace.get("passages", ()))


def _passage(kept: Mapping[str, Any], cited: int | None, given: int) -> ShownPassage:
    place = {name: kept[name] for name in ("score", "document", "collection", "page_first", "page_last", "chunk_id")}
    hit = Hit(rank=kept["rank"] or 0, text=kept["beginning"], **place)
    parts = kept["parts"] or {}
    use = _use(kept["rank"], cited, given)
    score = _percent(kept["score"])
    in_parts = [_percent(parts.get(name)) for name in ("words", "meaning", "name")]
    return ShownPassage(Source(hit, cited), snippet(kept["beginning"]), use, cited is not None, score, *in_parts)


def _use(rank: int | None, cited: int | None, given: int) -> str:
    if cited is not None:
        return gettext("Quoted as {number}", number=cited)
    if rank is None:
        return gettext("Came close")
    if given:
        return gettext("Given to the model") if rank <= given else gettext("Found, no room for it")
    return gettext("Found")


def _facts(trace: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    timings = trace.get("timings", {})
    steps = ", ".join(f"{gettext(step)} {number(1000 * seconds)} ms" for step, seconds in timings.items() if step != "total")
    usage = ", ".join(f"{number(count)} {gettext(name.replace('_', ' '))}" for name, count in trace.get("usage", {}).items())
    searched: Sequence[Mapping[str, str]] = trace.get("versions", ())
    versions = [
        (
            gettext("Index of {collection}", collection=one["collection"]),
            gettext("version {version}, vectors by {model}", version=one["version"], model=one["embedding_model"]),
        )
        for one in searched
    ]
    author = trace.get("model") or (gettext("no language model: sentences quoted from the documents") if "timings" in trace else "")
    found = [(gettext("Time"), steps), *versions, (gettext("Written by"), author), (gettext("Tokens"), usage)]
    return tuple((name, words) for name, words in found if words)


def _percent(part: float | None) -> str:
    return "" if part is None else number(100 * part)
