"""A second search, for what the best passage names: questions whose answer needs two documents.

Belongs here: what to search for the second time, and putting both results together. Not here: searching (``retrieve.py``), when this
is done (``order.py``).

"Which label released the film by the director of X?" finds X, and X names the director. The names of the best passage are added to the
question and searched for once more (pseudo-relevance feedback, after Rocchio 1971, with names for terms), but only where that passage
leaves much of the question unsaid. Measured: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag_pipeline.answering.retrieval.scoring import coverage, spoken_name, word_rarity
from rag_pipeline.answering.tuning import TUNING, SecondLook
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import language_of

_WORD = re.compile(r"\w[\w'’-]*")
_SENTENCE_END = re.compile(r"(?:^|[.!?…:;\n])[\s\"'“”‘’«»„()\[\]*•-]*$")


def second_question(question: str, best: Hit, tuning: SecondLook = TUNING.second_look) -> str | None:
    """The question with the names in its best passage; None when that passage says most of it, or names nothing else."""
    asked = word_ids(question)
    if len(asked & word_ids(f"{best.context} {best.text}")) >= tuning.said_by_one * len(asked):
        return None
    names = [name for name in names_in(best.text, tuning) if name.casefold() not in question.casefold()]
    return f"{question} {' '.join(names)[: tuning.longest_names_characters]}" if names else None


def names_in(text: str, tuning: SecondLook = TUNING.second_look) -> list[str]:
    """Runs of words that begin with a capital letter, each once, in their order.

    A single word that begins a sentence is none unless it stands so elsewhere. Scripts without capitals (Chinese, Arabic, Hebrew, Thai,
    Devanagari, ...) tell no names, and neither does German, which writes every noun with one.
    """
    if language_of(text) == "German":
        return []
    runs = list(_capitalised_runs(text, tuning.read_before_characters))
    within = {word for words, begins in runs for word in words[1 if begins else 0 :]}
    return list(dict.fromkeys(" ".join(words) for words, begins in runs if len(words) > 1 or not begins or words[0] in within))


def _capitalised_runs(text: str, read_before: int) -> Iterator[tuple[list[str], bool]]:
    """Capitalised words with one blank between them, and whether they begin a sentence."""
    run: list[str] = []
    begins, end = False, 0
    for word in _WORD.finditer(text):
        gap = text[end : word.start()]
        end = word.end()
        if run and (gap != " " or not word[0][0].isupper()):
            yield run, begins
            run = []
        if word[0][0].isupper() and len(word[0]) > 1:
            begins = begins if run else bool(_SENTENCE_END.search(text[max(0, word.start() - read_before) : word.start()]))
            run.append(word[0])
    if run:
        yield run, begins


def fitting_both(question: str, alone: Sequence[Hit], with_topic: Sequence[Hit], tuning: SecondLook = TUNING.second_look) -> Sequence[Hit]:
    """What a search with the conversation found that fits the question too, where it leans on the conversation; nothing where it does not.

    It leans on that where a passage fits both better than any fits the question alone. A passage that says next to nothing of the
    question itself, beside the best that it found alone, fits only what was asked before.
    """
    if not alone or not with_topic:
        return ()
    said = {hit.chunk_id: word_ids(f"{spoken_name(hit.document)} {hit.context} {hit.text}") for hit in (*alone, *with_topic)}
    rarity = word_rarity(word_ids(question), list(said.values()))
    least = tuning.own_words * coverage(said[alone[0].chunk_id], rarity)
    fitting = [hit for hit in with_topic if coverage(said[hit.chunk_id], rarity) >= least]
    return fitting if fitting and fitting[0].score > alone[0].score else ()


def put_together(first: Sequence[Hit], second: Sequence[Hit], tuning: SecondLook = TUNING.second_look) -> tuple[Hit, ...]:
    """Both results by score; nothing that only the second search found comes before the best of the first.

    What was found by way of another passage counts a little less than what the question found itself.
    """
    best = {hit.chunk_id: (hit.score, hit) for hit in first}
    for hit in second:
        score = min(tuning.weight * hit.score, first[0].score)
        if hit.chunk_id not in best or best[hit.chunk_id][0] < score:
            best[hit.chunk_id] = score, hit
    ordered = sorted(best.values(), key=lambda scored: (scored[1].chunk_id != first[0].chunk_id, -scored[0]))
    return tuple(replace(hit, rank=rank, score=score) for rank, (score, hit) in enumerate(ordered, start=1))
