"""``rag replay``: an answer that was kept, the same passages asked again, and what is otherwise now.

Belongs here: that, and how it is printed. Not here: answering, what is kept (``answering/conversation/remembered.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from rag_pipeline.answering.answerer import Answerer, build_answerer, deciding
from rag_pipeline.answering.conversation.remembered import provenance_of
from rag_pipeline.models import Answered, Coverage, Failed, Message, Provenance, Refused
from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations import Conversations, KeptAnswer
from rag_pipeline.stores.conversations.engine import open_database
from rag_pipeline.stores.vectors import open_index


@dataclass(frozen=True, slots=True)
class Replay:
    """A kept answer, ``again`` what the same passages give now (None, and ``why_not``, where they were not asked), and what differs.

    ``differs``: name → (then, now), of index versions, passages, model, prompt and settings.
    """

    message_id: str
    question: str
    kept: str
    state: str
    provenance: Mapping[str, object] | None
    again: str | None
    why_not: str
    differs: Mapping[str, tuple[object, object]]

    @property
    def same(self) -> bool | None:
        """Whether both are the same, word for word; None where nothing was asked."""
        return None if self.again is None else self.again == self.kept


async def replay(settings: Settings, message_id: str) -> Replay:
    """Ask the passages of a kept answer again, by the language model that is configured now, or, where none wrote it, by none.

    Raises:
        RagError: there is no such answer, or the conversations cannot be read.
    """
    kept = await _kept(settings, message_id)
    model = kept.answer.detail.get("model")
    shown = (message_id, kept.question, kept.answer.content, kept.answer.state, kept.provenance)
    if kept.answer.state not in ("complete", "refused"):
        return Replay(*shown, None, f"The answer did not end: it is {kept.answer.state}.", {})
    if kept.provenance is None:
        return Replay(*shown, None, "It was kept by a version that did not write down what answers were made of.", {})
    provenance = provenance_of(kept.provenance)
    if not provenance.passages:
        return Replay(*shown, None, "No passage had been found, so there is none to ask.", _differences(settings, provenance, model, None))
    return await _asked_again(settings, kept, provenance, shown)


async def _asked_again(
    settings: Settings, kept: KeptAnswer, provenance: Provenance, shown: tuple[str, str, str, str, Mapping[str, object] | None]
) -> Replay:
    detail = kept.answer.detail
    told = detail.get("coverage")
    coverage = Coverage(**told) if isinstance(told, dict) else Coverage()
    # What was quoted is quoted again, whichever language model there is by now.
    answerer = build_answerer(settings, quotes_only=not provenance.prompt)
    question = str(detail.get("reformulated_question") or kept.question)
    try:
        if provenance.prompt and await answerer.language_model() is None:
            why = f"{detail.get('model') or 'A language model'} wrote it, and there is none now: set RAG_CHAT_MODEL to ask again."
            return Replay(*shown, None, why, _differences(settings, provenance, None, None))
        end = await _end_of(answerer, question, kept.history, provenance, coverage)
    finally:
        await answerer.close()
    differs = _differences(settings, provenance, detail.get("model"), end)
    if isinstance(end, Failed):
        return Replay(*shown, None, end.message, differs)
    return Replay(*shown, end.answer if isinstance(end, Answered) else end.reason, "", differs)


async def _kept(settings: Settings, message_id: str) -> KeptAnswer:
    conversations = Conversations(open_database(settings))
    try:
        return await conversations.kept_answer(message_id)
    finally:
        await conversations.close()


async def _end_of(
    answerer: Answerer, question: str, history: tuple[Message, ...], provenance: Provenance, coverage: Coverage
) -> Answered | Refused | Failed:
    async with aclosing(answerer.again(question, history, provenance, coverage)) as events:
        async for event in events:
            if isinstance(event, Answered | Refused | Failed):
                return event
    raise AssertionError  # every stream ends


def _differences(
    settings: Settings, provenance: Provenance, model: object, end: Answered | Refused | Failed | None
) -> dict[str, tuple[object, object]]:
    published = open_index(settings).manifests()
    then_and_now: dict[str, tuple[object, object]] = {
        f"index version of {name}": (version, published[name].version if name in published else None)
        for name, version in provenance.index_versions.items()
    }
    there = _still_there(settings, provenance)
    then_and_now["passages that are in the index word for word"] = (len(provenance.passages), there)
    made_of = end.provenance.settings if isinstance(end, Answered | Refused) and end.provenance else {}
    now = {**made_of, **deciding(settings)}
    then_and_now |= {name: (value, now.get(name)) for name, value in provenance.settings.items() if name in now}
    if isinstance(end, Answered):
        then_and_now["model"] = (model, end.model)
    if isinstance(end, Answered | Refused) and end.provenance:
        then_and_now["prompt"] = (provenance.prompt, end.provenance.prompt)
    return {name: pair for name, pair in then_and_now.items() if pair[0] != pair[1]}


def _still_there(settings: Settings, provenance: Provenance) -> int:
    index, count = open_index(settings), 0
    published = index.collections()
    for name in {hit.collection for hit in provenance.passages} & set(published):
        ours = {hit.chunk_id: hit.text for hit in provenance.passages if hit.collection == name}
        count += sum(found.text == ours.get(found.chunk_id) for found in index.passages(name, list(ours)))
    return count


def in_words(found: Replay) -> Iterator[str]:
    """The lines to print below the kept answer."""
    if found.again is None:
        yield f"Not asked again. {found.why_not}"
    elif found.same:
        yield "Asked again with the same passages: the same, word for word."
    else:
        yield "Asked again with the same passages:"
        yield from _lines_that_differ(found.kept, found.again)
    if found.differs:
        yield "What is otherwise now:"
        yield from (f"  {name}: {then} → {now}" for name, (then, now) in found.differs.items())


def _lines_that_differ(kept: str, again: str) -> Iterator[str]:
    """Sentence by sentence: an answer is one long line."""
    old, new = (re.split(r"(?<=[.!?\]])\s+", text) for text in (kept, again))
    yield from (line for line in difflib.ndiff(old, new) if not line.startswith("? "))
