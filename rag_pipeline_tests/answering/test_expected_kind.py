"""What a question asks for, read from its words alone: any question that can be asked is read, and none ends the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.expected_kind import asks_for_procedure, expected_kind, holds, is_elliptical, only_answer, part_and_whole
from rag_pipeline.stores.vectors.bm25 import word_ids

_PIECES = ["what", "who", "is", "was", "the", "of", "in", "qui", "est", "de", "d'", "cuál", "how many", "wie viele", "when", "old"]
_PIECES += [" ", "  ", "\t", "\u00a0", "\n", "?", ".", "France", "capital", "3M", "1995", "(", "[", "\\"]


@pytest.mark.parametrize(
    ("question", "part", "whole"),
    [
        ("What is the capital of France?", "capital", "France"),
        ("Quelle est la capitale de la Suède ?", "capitale", "la Suède"),
        ("¿Cuál es la capital de España?", "capital", "España"),
    ],
)
def test_what_is_asked_for_and_what_it_is_asked_of(question: str, part: str, whole: str) -> None:
    found = part_and_whole(question)
    assert found is not None
    assert found[0].fullmatch(part.title()) and found[0].fullmatch(f"{part}s") and found[1] == word_ids(whole)
    assert not found[0].search(f"{part}ized")


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=15), st.booleans())
def test_any_question_is_read(pieces: list[str], apart: bool) -> None:
    question = (" " if apart else "").join(pieces)
    found = part_and_whole(question)
    assert found is None or found[1]
    holds(expected_kind(question), "In 1995 they had 12 stores.", question)
    if only := only_answer(question):
        only.is_in("In 1995 they had 12 stores.")
        only.is_in("Stores; 1995: 12", ["Stores", "1995"])


@pytest.mark.parametrize("question", ["What is   of x?", "What is the   of France?", "¿Cuál es   de x?", "who is  \t for y"])
def test_a_gap_where_a_word_should_stand_asks_for_nothing(question: str) -> None:
    assert part_and_whole(question) is None


@pytest.mark.parametrize("question", ["And in 2021?", "FY2022?", "2022Q4?", "What about the 10th?"])
def test_a_number_alone_does_not_tell_what_a_question_is_about(question: str) -> None:
    assert is_elliptical(question)


@pytest.mark.parametrize(
    "question",
    ["How large was Warsaw in 1999?", "1999年华沙的人口是多少？", "1999年のワルシャワの人口は？", "คน1999คนในกรุงวอร์ซอ"],
)
def test_a_number_does_not_take_the_words_that_no_blank_parts_from_it(question: str) -> None:
    assert not is_elliptical(question)


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How do I change the blade?", True),
        ("How am I supposed to get a pill down a cat?", True),
        ("how to descale a kettle", True),
        ("Wie wechsle ich das Blatt?", True),
        ("Comment faire une réclamation ?", True),
        ("¿Cómo se limpia la freidora?", True),
        ("How many blades are there?", False),
        ("How did the war end?", False),
        ("Wie hoch ist die Miete?", False),
        ("¿Cómo es el hotel?", False),
        ("Comment est le temps ?", False),
    ],
)
def test_how_something_is_done_is_asked_for_by_its_form(question: str, asks: bool) -> None:
    assert asks_for_procedure(question) is asks


@pytest.mark.parametrize(
    ("question", "kind", "answers", "others"),
    [
        (
            "What is Nils's phone number?",
            "telephone number",
            ("Phone: +46 31 555 01 77", "(651) 733-1110", "0171 5550 207"),
            ("From: Nils <n@x.example>",),
        ),
        (
            "Ania's mobile number?",
            "telephone number",
            ("07700 900744",),
            ("Born 2025-12-06.", "Paid 06.12.2025", "1.234.567 Euro", "34,229,000"),
        ),
        ("Wie lautet die Telefonnummer?", "telephone number", ("Tel. 08631/5540-12",), ("Nr. 2026",)),
        ("What is the e-mail address of the club?", "e-mail address", ("Write to a.b+c@club.example.",), ("Write to us @ the club",)),
        ("Quelle est l'adresse e-mail ?", "e-mail address", ("contact@ville.example",), ("Place de la mairie",)),
    ],
)
def test_where_somebody_is_reached_is_looked_like(question: str, kind: str, answers: tuple[str, ...], others: tuple[str, ...]) -> None:
    only = only_answer(question)
    assert only is not None and only.kind == kind
    assert all(map(only.is_in, answers)) and not any(map(only.is_in, others))


@pytest.mark.parametrize("question", ["Who answered the phone?", "How much is the phone?", "Who gave whom a telephone number?"])
def test_a_telephone_that_is_spoken_of_is_no_number(question: str) -> None:
    only = only_answer(question)
    assert only is None or only.kind == "number"


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("Why was the bridge closed?", "It was closed because of a storm.", "It was closed in May."),
        ("What's the reason we lost money?", "The main cause is the electricity.", "We lost 400 pounds."),
        ("How come there is no fourth lake?", "It dried up, so that none was left.", "There are three lakes."),
        ("Aus welchem Grund ist das Tor zu?", "Das Tor klemmt, denn es ist kalt.", "Das Tor ist seit Mai zu."),
        ("Woran lag der Verzug?", "Der Grund war die Lieferung.", "Der Verzug war lang."),
        ("Pourquoi le pont est-il fermé ?", "À cause de la tempête.", "Le pont est fermé."),
        ("¿Por qué se cerró el puente?", "Se cerró debido a una tormenta.", "Se cerró en mayo."),
    ],
)
def test_who_asks_why_asks_for_a_reason(question: str, told: str, untold: str) -> None:
    assert expected_kind(question) == "reason"
    assert holds("reason", told, question)
    assert not holds("reason", untold, question)


@pytest.mark.parametrize("question", ["When was the reason found?", "Who caused it?", "What did Anna say?", "Was ist der Grundpreis?"])
def test_a_reason_that_is_spoken_of_is_not_asked_for(question: str) -> None:
    assert expected_kind(question) != "reason"
