"""Asks the questions of a set as a reader would, and measures what comes back.

Belongs here: the course of an evaluation and its report. Not here: formulas (``measures.py``), printing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from statistics import fmean

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.generation.verification import claims
from rag_pipeline.answering.scope import Scope
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.measures import (
    are_sentences,
    contains_reference,
    harm_and_help,
    has_numbers_of,
    normalised_gain,
    percentile,
    recall_and_overlap,
    reciprocal_rank,
    refusal_curve,
    selected_sentences,
    success,
    supported_sentences,
    token_f1,
    word_recall,
)
from rag_pipeline.evaluation.places import TextFiles, same_file, touches
from rag_pipeline.evaluation.rows import Row, Wanted
from rag_pipeline.models import Answered, Citation, Failed, Hit, Refused, Token

DEPTH = 10
Report = dict[str, dict[str, float]]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Outcome:
    """What became of one question. ``measures`` are named ``table.measure``; ``answer`` is None where none was asked for, or it failed."""

    row: Row
    measures: dict[str, float] = field(default_factory=dict)
    passages: tuple[Hit, ...] = ()
    answer: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The means over all questions, by table, and what they are means of."""

    report: Report
    outcomes: Sequence[Outcome]


@dataclass
class _Collected:
    """Values by table and measure; a report is their means."""

    outcomes: list[Outcome] = field(default_factory=list)
    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    nearness: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})

    def add(self, table: str, **measured: float) -> None:
        for name, value in measured.items():
            measure = name.replace("_at_", "@")
            self.values[table][measure].append(float(value))
            self.outcomes[-1].measures[f"{table}.{measure}"] = float(value)

    def report(self) -> Report:
        tables: Report = {table: {name: fmean(values) for name, values in rows.items()} for table, rows in self.values.items()}
        for table, rows in self.values.items():
            tables[table] = {"questions": float(max(map(len, rows.values()))), **tables[table]}
        latency = {
            f"{step}_p{share}": 1000 * percentile(all_of, share / 100) for step, all_of in self.seconds.items() for share in (50, 95)
        }
        curve = refusal_curve(self.nearness[True], self.nearness[False])
        return {**tables, **({"refusal_curve": curve} if curve else {}), **({"latency_ms": latency} if latency else {})}


async def evaluate(
    rows: Sequence[Row], answerer: Answerer, scope: Scope, files: TextFiles, *, answers: bool = True, progress: Progress = lambda *_: None
) -> Evaluation:
    """Ask every row and measure.

    Args:
        rows: rows with ``rewrite`` are measured as rewritings only, and need no documents.
        answerer: the Q&A layer.
        scope: the collections that hold the documents.
        files: the collections' text files.
        answers: also answer the questions, to measure refusals and citations; otherwise only retrieve.
        progress: told how many of how many rows are done.

    Raises:
        RagError: a question cannot be asked at all, such as when nothing is indexed.
    """
    collected = _Collected()
    for number, row in enumerate(rows, start=1):
        collected.outcomes.append(Outcome(row))
        if row.rewrite is not None:
            _rewriting(row, (await answerer.reformulated(row.question, row.history)).question, collected)
        else:
            await _question(row, answerer, scope, files, collected, answers)
        progress(number, len(rows))
    report = collected.report()
    _judge_refusals(report.get("refusal", {}), collected.values["refusal"])
    if files.not_found:
        report.setdefault("retrieval", {})["passages_not_found_in_their_file"] = float(files.not_found)
    return Evaluation(report, collected.outcomes)


def _rewriting(row: Row, ours: str, collected: _Collected) -> None:
    rewrite = row.rewrite or ""
    if token_f1(row.question, rewrite) == 1.0:
        collected.add("rewriting_of_complete_questions", left_unchanged=ours == row.question)
        return
    collected.add(
        "rewriting",
        token_f1=token_f1(ours, rewrite),
        token_f1_of_copying=token_f1(row.question, rewrite),
        word_recall=word_recall(ours, rewrite),
        word_recall_of_copying=word_recall(row.question, rewrite),
    )


async def _question(row: Row, answerer: Answerer, scope: Scope, files: TextFiles, collected: _Collected, answers: bool) -> None:
    searched = await answerer.reformulated(row.question, row.history)
    started = time.perf_counter()
    hits = await _hits(answerer, scope, searched.question, searched.sub_questions, searched.with_topic)
    collected.seconds["retrieval"].append(time.perf_counter() - started)
    collected.outcomes[-1].passages = hits
    if row.wanted:
        _add_retrieval("retrieval", row, hits, files, collected)
        if row.history:
            plain = await _hits(answerer, scope, row.question)
            _add_retrieval("retrieval_without_reformulation", row, plain, files, collected)
            table = "follow_ups_as_typed" if searched.question == row.question else "follow_ups_rewritten"
            collected.add(table, **harm_and_help(_found(row, plain[:5], files), _found(row, hits[:5], files)))
    if answers:
        await _answer(row, answerer, scope, collected)


async def _hits(
    answerer: Answerer, scope: Scope, question: str, sub_questions: Sequence[str] = (), with_topic: str = ""
) -> tuple[Hit, ...]:
    found = await answerer.retriever.retrieve(question, scope, DEPTH, sub_questions, with_topic)
    if found.coverage.reason and not found.coverage.unread:  # what is measured then is another thing
        raise RagError(found.coverage.reason)
    return found.hits


def _found(row: Row, hits: Sequence[Hit], files: TextFiles) -> bool:
    return any(touches(hit, files.span(hit), wanted) for hit in hits for wanted in row.wanted)


def _add_retrieval(table: str, row: Row, hits: Sequence[Hit], files: TextFiles, collected: _Collected) -> None:
    spans = [files.span(hit) for hit in hits]
    touched = [[touches(hit, span, wanted) for wanted in row.wanted] for hit, span in zip(hits, spans, strict=True)]
    found = [any(one) for one in touched]
    needed = {wanted.file for wanted in row.wanted}

    def complete(depth: int) -> bool:
        return all(any(same_file(name, file) for hit in hits[:depth] for name in (hit.document, *hit.copies)) for file in needed)

    collected.add(
        table,
        hit_at_1=success(found, 1), hit_at_5=success(found, 5), hit_at_10=success(found, 10),
        mrr_at_10=reciprocal_rank(found[:10]), ndcg_at_10=normalised_gain(_gains(touched), len(row.wanted)),
        all_files_at_5=complete(5), all_files_at_10=complete(10),
        right_file_at_5=any(same_file(hit.document, file) for hit in hits[:5] for file in needed),
    )  # fmt: skip
    if any(wanted.page is not None for wanted in row.wanted):
        collected.add(table, page_at_5=success(found, 5), page_at_10=success(found, 10))
    if all(wanted.start is not None and wanted.end is not None for wanted in row.wanted):
        recall, overlap = _by_character(row, hits[:5], spans[:5])
        collected.add(table, character_recall_at_5=recall, character_iou_at_5=overlap)


def _gains(touched: Sequence[Sequence[bool]]) -> list[int]:
    """For each hit, how many wanted passages it is the first to touch; one counts, or a long chunk could beat the ideal order."""
    seen: set[int] = set()
    gains = []
    for hit in touched:
        new = {index for index, is_touched in enumerate(hit) if is_touched} - seen
        seen |= new
        gains.append(min(len(new), 1))
    return gains


def _by_character(row: Row, hits: Sequence[Hit], spans: Sequence[tuple[int, int] | None]) -> tuple[float, float]:
    """Over all files together: each file's characters are put behind those of the file before."""
    files = sorted({wanted.file for wanted in row.wanted} | {hit.document for hit in hits})
    canonical = {name: next(index for index, file in enumerate(files) if same_file(name, file) or same_file(file, name)) for name in files}
    far = 1 << 40
    retrieved = [
        (far * canonical[hit.document] + span[0], far * canonical[hit.document] + span[1])
        for hit, span in zip(hits, spans, strict=True)
        if span is not None
    ]
    wanted = [(far * canonical[one.file] + (one.start or 0), far * canonical[one.file] + (one.end or 0)) for one in row.wanted]
    return recall_and_overlap(retrieved, wanted)


async def _answer(row: Row, answerer: Answerer, scope: Scope, collected: _Collected) -> None:
    started = time.perf_counter()
    first: float | None = None
    async with aclosing(answerer.stream(row.question, row.history, scope)) as events:
        async for event in events:
            if isinstance(event, Token) and first is None:
                first = time.perf_counter() - started
            if isinstance(event, Failed):
                raise RagError(f"The question {row.question!r} could not be answered: {event.message}")
            if isinstance(event, (Answered, Refused)):
                refused = isinstance(event, Refused)
                collected.outcomes[-1].refused = refused
                collected.outcomes[-1].answer = event.reason if isinstance(event, Refused) else event.answer
                collected.add("refusal", **{"refused_of_answerable" if row.answerable else "refused_of_unanswerable": refused})
                if event.nearness is not None:
                    collected.nearness[row.answerable].append(event.nearness)
            if isinstance(event, Answered):
                _add_content(row, event, collected)
                _add_citations(event, collected)
                if any(wanted.page is not None for wanted in row.wanted):
                    collected.add("cited_pages", right_page=any(_on_page(one, wanted) for one in event.citations for wanted in row.wanted))
    if first is not None:
        collected.seconds["first_token"].append(first)


def _add_citations(answered: Answered, collected: _Collected) -> None:
    """Whether what is cited holds what is said. A mark stands for the words before it, as it does where answers are verified."""
    passages = {one.number: f"{one.hit.context}\n{one.hit.text}" for one in answered.citations}
    said = [(answered.answer[one.start : one.end], one.cites) for one in claims(answered.answer, answered.marks, frozenset())]
    sentences, supported = supported_sentences(said, passages)
    invented = sum(mark.number not in passages for mark in answered.marks)
    collected.add("citations", supported_sentences=supported / sentences if sentences else 0.0, citations_of_nothing=invented)


def _add_content(row: Row, answered: Answered, collected: _Collected) -> None:
    """What the answer says beside the references, and what of it stands in no passage that it cites."""
    kinds = [one.kind for one in answered.unverified]
    collected.add(
        "verification",
        unverified_numbers="number" in kinds,
        unverified_sentences="sentence" in kinds,
        computed_numbers=answered.computed != (),
    )
    parts = _said(answered)
    said = " ".join(parts)
    if row.answers:
        collected.add("references", contained=contains_reference(said, row.answers))
    exact = [found for one in row.answers if (found := has_numbers_of(said, one)) is not None]
    if exact:
        collected.add("references", numbers_exact=any(exact))
    if are_sentences(row.sentences):
        precision, recall, both = selected_sentences(parts, row.sentences)
        collected.add("sentences", precision=precision, recall=recall, f1=both)


def _said(answered: Answered) -> list[str]:
    """The parts of an answer between its marks."""
    ends = [0, *(mark.end for mark in answered.marks)]
    starts = [*(mark.start for mark in answered.marks), len(answered.answer)]
    return [part for end, start in zip(ends, starts, strict=True) if (part := answered.answer[end:start].strip())]


def _on_page(citation: Citation, wanted: Wanted) -> bool:
    return same_file(citation.hit.document, wanted.file) and citation.page == wanted.page


def _judge_refusals(refusal: dict[str, float], outcomes: Mapping[str, Sequence[float]]) -> None:
    """Adds precision and recall of refusing, and balanced accuracy: the mean of both groups' shares that were treated right."""
    wrongly, rightly = outcomes.get("refused_of_answerable"), outcomes.get("refused_of_unanswerable")
    if wrongly and rightly:
        refused = sum(wrongly) + sum(rightly)
        refusal["precision"] = sum(rightly) / refused if refused else 0.0
        refusal["recall"] = fmean(rightly)
        refusal["balanced_accuracy"] = (1 - fmean(wrongly) + fmean(rightly)) / 2
