"""What is quoted of a whole document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_pipeline.answering.generation.verification import verified
from rag_pipeline.answering.quoting.outline import outlined
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline_tests.answering.conftest import hit

PLOT = "The lighthouse at Marrow Point was built in 1871 to guide herring boats home."
PLOT_AGAIN = "In 1871 a lighthouse was built at Marrow Point so that herring boats found home."
KEEPER = "The last keeper, Ada Brand, lit the lamp every evening until the year 1954."
ASIDE = "Tickets for the museum can be bought at the harbour from nine o'clock."
OPENING = f"Marrow Point\n{PLOT}\nSee below."
ROWS = "Year || Boats\n1871 | 40\n1954 | 3"


def embed(texts: Sequence[str]) -> Vectors:
    """Three sentences of one matter, two of them alike, and one of another."""
    known = {PLOT: (1.0, 0.1, 0.0), PLOT_AGAIN: (1.0, 0.12, 0.0), KEEPER: (0.6, 0.8, 0.0), ASIDE: (0.0, 0.1, 1.0)}
    rows = np.array([known[text] for text in texts], dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_sentences_of_one_matter_are_quoted_in_reading_order_each_thing_once() -> None:
    extract = outlined([hit(1, OPENING), hit(2, f"{ASIDE}\n{KEEPER}"), hit(3, f"{PLOT_AGAIN}\n{ROWS}")], embed)
    assert extract.convincing
    assert extract.text == f"{ASIDE} [2] {KEEPER} [2] {PLOT_AGAIN} [3]"
    assert [citation.number for citation in extract.citations] == sorted({mark.number for mark in extract.marks})
    assert verified(extract.text, extract.marks, extract.citations).unverified == ()


def test_without_vectors_the_first_sentences_stand_for_the_passages() -> None:
    assert outlined([hit(1, OPENING), hit(2, KEEPER)], None).text == f"{PLOT} [1] {KEEPER} [2]"


def test_what_holds_no_sentence_is_quoted_as_it_is_and_nothing_is_no_answer() -> None:
    assert outlined([hit(1, ROWS)], None).text == "Year: 1871; Boats: 40 [1]"
    assert not outlined([hit(1, "— —")], None).convincing
    assert not outlined([], embed).convincing


def test_of_a_long_document_no_more_is_embedded_than_of_any_answer() -> None:
    asked: list[str] = []

    def counted(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        return np.eye(len(texts), dtype=np.float32)

    sentences = [f"The {n}th keeper of the lighthouse at Marrow Point lit its lamp every evening." for n in range(60)]
    extract = outlined([hit(number, " ".join(sentences)) for number in (1, 2, 3)], counted)
    assert len(asked) <= TUNING.quoting.embedded_sentences
    assert len(extract.marks) == TUNING.outline.sentences
