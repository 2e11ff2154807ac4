"""What of an answer stands in what it cites: numbers in all formats, dates, units, calculations, sentences."""

from __future__ import annotations

import pytest

from rag_pipeline.answering.generation.marks import marks_in
from rag_pipeline.answering.generation.verification import Verdicts, verified
from rag_pipeline.models import Citation
from rag_pipeline_tests.answering.conftest import hit

INCOME = "Consolidated Statement of Income (Millions)\n | 2022 | 2021\nNet sales | $34,229 | $35,355\nOperating margin | 19.1 % | 20.8 %"
LEASE = "The lease ends on 31 March 2027 and costs 1.250,50 € a month for 85 m². Form FW-001 is due 14 days before."
BRIDGE = "The iron bridge spans 30 km. It was opened by 3 engineers."


def checked(answer: str, *passages: str, sentences: bool = False, question: str = "") -> Verdicts:
    citations = [Citation(number, hit(number, text)) for number, text in enumerate(passages, start=1)]
    return verified(answer, marks_in(answer, len(passages)), citations, sentences=sentences, question=question)


def doubted(answer: str, *passages: str) -> list[str]:
    return [answer[one.start : one.end] for one in checked(answer, *passages).unverified]


@pytest.mark.parametrize(
    ("said", "passage"),
    [
        ("Sales were $34.2 billion in 2022 [1].", INCOME),
        ("Sales were 34.229 millions [1].", INCOME),
        ("Der Umsatz betrug 34 229 Mio. Dollar [1].", INCOME),
        ("Le chiffre d'affaires était de 34,2 milliards [1].", INCOME),
        ("Sales were 34,229,000,000 [1].", INCOME),
        ("Sales were 34.2 billion [1].", INCOME.replace("(Millions)", "")),  # a chunk that lost the head of its table
        ("The margin was 19.1 percent [1], or about 19 % [1].", INCOME),
        ("It ends on March 31, 2027 [1].", LEASE),
        ("Er endet am 31.03.2027 [1].", LEASE),
        ("Termina el 31 de marzo de 2027 [1].", LEASE),
        ("In March 2027 [1] it ends.", LEASE),
        ("It costs 1,250.50 euros for 85 m2 [1].", LEASE),
        ("1. The lease ends in 2027 [1].\n2. It is for 85 m² [1].", LEASE),
        ("Use FW-001 [1].", LEASE),
        ("The years ended December 31, 2022 [1].", "Years ended December 31\n2022 | 2021"),
    ],
)
def test_what_a_passage_says_in_another_format_is_verified(said: str, passage: str) -> None:
    assert doubted(said, passage) == []


@pytest.mark.parametrize(
    ("said", "passage", "wrong"),
    [
        ("Sales were $34.3 billion in 2022 [1].", INCOME, ["34.3 billion"]),
        ("Sales were 34,292 in 2022 [1].", INCOME, ["34,292"]),
        ("It ends on 30 March 2027 [1].", LEASE, ["30 March 2027"]),
        ("It ends on 31 March 2028 [1].", LEASE, ["31 March 2028"]),
        ("Use FW-010 [1], or form 7 [1].", LEASE, ["010", "7"]),
        ("It spans 30 miles [1].", BRIDGE, ["30 miles"]),
        ("It costs $1,250.50 [1].", LEASE, ["1,250.50"]),
        ("Sales rose 64 % [1].", INCOME, ["64 %"]),
        ("It has 3 engineers [1] and 85 m² [1].", BRIDGE, ["85 m²"]),
    ],
)
def test_what_no_cited_passage_says_is_marked(said: str, passage: str, wrong: list[str]) -> None:
    assert doubted(said, passage) == wrong


def test_a_number_must_stand_where_it_is_cited() -> None:
    (one,) = checked("It is 85 m² [1]. It spans 30 km [1].", BRIDGE, LEASE).unverified
    assert one.reason == "[1] has no such number."
    (alone,) = checked("Sales were 12.", INCOME).unverified
    assert alone.kind == "number"


@pytest.mark.parametrize(
    ("answer", "operation", "number"),
    [
        ("Sales fell from 35,355 to 34,229, by 1,126 [1].", "difference", "1,126"),
        ("Sales fell from $35,355 to $34,229 million, a decrease of 3.2 % [1].", "percent change", "3.2 %"),
        ("34,229 and 35,355 make 69,584 [1].", "sum", "69,584"),
    ],
)
def test_a_calculation_is_told_from_an_invention(answer: str, operation: str, number: str) -> None:
    verdicts = checked(answer, INCOME)
    (one,) = verdicts.computed
    assert (one.operation, answer[one.start : one.end], one.citations) == (operation, number, (1,))
    assert verdicts.unverified == ()


def test_sentences_that_a_model_invented_are_marked_and_others_are_not() -> None:
    answer = "The lease ends on 31 March 2027 [1]. Pfizer France develops vaccines with partners in Lyon [1]. Yes."
    verdicts = checked(answer, LEASE, sentences=True)
    assert [answer[one.start : one.end] for one in verdicts.unverified] == ["Pfizer France develops vaccines with partners in Lyon"]
    assert (verdicts.sentences, verdicts.holds_nothing) == (2, False)


@pytest.mark.parametrize(
    ("question", "answer", "holds"),
    [
        ("What is the capital of France?", "The capital of France is Paris [1].", False),
        ("What is the capital of France?", "The capital of France is Paris.", False),
        ("Who founded Pfizer France?", "Pfizer France was founded by Marie Curie [1].", False),
        ("What does the capital of Pfizer France amount to?", "The capital of Pfizer France amounts to 4,000 euros [1].", True),
        ("Does Pfizer France have capital?", "Yes, Pfizer France has capital [1].", True),
        ("Hat Pfizer France Kapital?", "Nein, Pfizer France hat kein capital [1].", True),
    ],
)
def test_words_of_the_question_do_not_support_its_answer(question: str, answer: str, holds: bool) -> None:
    passage = "Subsidiaries: Pfizer France, with a capital that amounts to 4,000 euros; Pfizer Italy, with a capital of 2,000."
    verdicts = checked(answer, passage, sentences=True, question=question)
    assert verdicts.holds_nothing is not holds
