"""How much is embedded before the first sentence of an answer."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rag_pipeline.answering.generation.verification import verified
from rag_pipeline.answering.quoting.extract import Extract
from rag_pipeline.answering.quoting.extractive import extracted
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline.models import Hit, Parts
from rag_pipeline_tests.answering.conftest import hit

QUOTING = TUNING.quoting
QUESTION = "When did the old bridge over the river open?"
LONG = " ".join(
    f"The old bridge number {n} was built in 17{n + 10} of iron and of stone, by many hands, and over a long time." for n in range(60)
)


class Recorded:
    """Vectors of a given cosine to the question, and what was asked for."""

    def __init__(self, cosine: float) -> None:
        self.row = np.array([cosine, (1 - cosine**2) ** 0.5], dtype=np.float32)
        self.batches: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        return np.stack([self.row] * len(texts))


def embedded(cosine: float, text: str = LONG) -> tuple[list[list[str]], bool]:
    embed = Recorded(cosine)
    extract = extracted(QUESTION, np.array([1, 0], dtype=np.float32), [hit(1, text)], embed)
    return embed.batches, extract.convincing


def test_what_convinces_at_once_is_enough() -> None:
    (first,), convincing = embedded(0.9)
    assert convincing
    assert 1 < len(first) <= QUOTING.first_sentences
    assert sum(map(len, first)) <= QUOTING.first_characters


def test_the_others_are_looked_at_before_anything_is_refused() -> None:
    batches, convincing = embedded(-0.3)
    assert not convincing
    assert len(batches) == 2
    assert sum(map(len, batches)) == QUOTING.embedded_sentences
    assert not set(batches[0]) & set(batches[1])


def test_a_single_sentence_of_any_length_is_looked_at() -> None:
    batches, convincing = embedded(0.9, "The old bridge over the river opened in 1781, " + "and was painted again, " * 20 + "and closed.")
    assert [len(batch) for batch in batches] == [1]
    assert convincing


STATEMENT = """(Millions) || 2022 || 2021
Net sales | $34,229 | $35,355
Operating expenses
Cost of sales | 19,232 | 18,795
Research and development | 1,862 | 1,994
Total operating expenses | 21,094 | 20,789
Operating income | 13,135 | 14,566"""
PROSE = "Net sales of 3M in 2022 were affected by the suspension of operations, which had less than one percent of net sales in 2021."


def extract_of(question: str, *texts: str, cosine: float = 0.7, topic: str = "") -> Extract:
    hits = [hit(number, text, document="3M_2022_10K.pdf") for number, text in enumerate(texts, start=1)]
    return extracted(question, np.array([1, 0], dtype=np.float32), hits, Recorded(cosine), topic)


def answered(question: str, *texts: str) -> str:
    extract = extract_of(question, *texts)
    assert extract.convincing
    assert verified(extract.text, extract.marks, extract.citations).unverified == ()
    return extract.text


def test_the_row_that_is_asked_for_is_quoted_rather_than_words_about_it() -> None:
    assert "Net sales; 2022: $34,229 (Millions)" in answered("What was 3M's net sales in 2022?", PROSE, STATEMENT)
    assert "Operating expenses: Research and development; 2021: 1,994" in answered(
        "How much did 3M spend on research and development in 2021?", PROSE, STATEMENT
    )


@pytest.mark.parametrize("year", ["2021", "FY2021", "FY21", "fiscal year 2021"])
def test_a_row_is_quoted_with_the_column_of_the_year_however_it_is_written(year: str) -> None:
    said = answered(f"What was 3M's operating income in {year}?", PROSE, STATEMENT)
    assert "Operating income; 2021: 14,566" in said
    assert "13,135" not in said


def test_of_parts_and_their_total_the_total_is_the_whole() -> None:
    regions = "Net sales (Millions) || 2022\nAmericas | $ 18,400\nAsia Pacific | 9,901\nOther | (72)\nWorldwide | $ 28,229"
    assert answered("What were 3M's net sales in 2022?", regions) == "Net sales: Worldwide; 2022: $ 28,229 (Millions) [1]"
    assert "Asia Pacific; 2022: 9,901" in answered("What were 3M's net sales in Asia Pacific in 2022?", regions)


def test_a_total_says_nothing_of_another_table() -> None:
    sales = "Net sales (Millions) || 2022\nAmericas | $ 18,400\nAsia Pacific | 9,901\nWorldwide | $ 28,301"
    other = "Net sales by channel (Millions) || 2022\nDirect | $ 8,000"
    assert "Direct; 2022: $ 8,000" in answered("What were 3M's net sales in 2022?", f"{sales}\n\n{other}")
    assert "Direct; 2022: $ 8,000" in answered("What were 3M's net sales in 2022?", sales, other)


def test_of_rows_of_one_name_the_one_with_most_is_the_whole() -> None:
    statement = "(Millions) || 2022\nCost of sales | 19,232\nResearch | 1,862\nTax | 700"
    of_shares = "(Thousands) || 2022\nCost of sales | 47,000\nAdministration | 9,000\nResearch | 46,000"
    for texts in ((statement, of_shares), (of_shares, statement)):
        assert answered("What were 3M's cost of sales in 2022?", *texts).startswith("Cost of sales; 2022: 19,232 (Millions)")
    apart = "(Millions) || 2023 || 2022\nGoodwill | — | 12\n\n(Millions) || 2023 || 2022\nGoodwill | 5,366 | 5,285"
    assert answered("What was 3M's goodwill in 2023?", apart).startswith("Goodwill; 2023: 5,366 (Millions)")


def test_labels_above_a_row_do_not_make_its_name_another_one() -> None:
    groups = "(Millions) || 2022\nOperating expenses\nCost of sales | 19,232\nOther\nCost of sales of parts | 21,000"
    assert answered("What was 3M's cost of sales in 2022?", groups).startswith("Operating expenses: Cost of sales; 2022: 19,232")


def test_percentages_are_no_amounts_wherever_the_sign_stands() -> None:
    of_sales = "(Percent of net sales) || 2022\nGoodwill impairment | 0.8"
    amounts = "(Millions) || 2022\nGoodwill impairment | 271"
    assert answered("What was 3M's goodwill impairment in 2022?", of_sales, amounts).startswith("Goodwill impairment; 2022: 271")
    assert "0.8" in answered("What was 3M's goodwill impairment in percent of net sales in 2022?", of_sales, amounts)


@pytest.mark.parametrize(
    ("head", "quoted"),
    [
        ("(Dollars in millions) Years ended December 31, || 2022 || 2021", "Years ended December 31, 2022: $66,608 (Dollars in millions)"),
        ("(Dollars in millions) || 2022 || 2021", "2022: $66,608 (Dollars in millions)"),
        ("Revenues by year ($ in millions): || 2022 || 2021", "2022: $66,608 ($ in millions)"),
        ("As of June 30, || 2022 || Change", "As of June 30, 2022: $66,608"),
        ("(a) Group || 2022 || 2021", "2022: $66,608"),
        ("In 2022, || Aircraft || Change", "Aircraft: $66,608; Change: $62,286"),
    ],
)
def test_a_row_says_unit_and_period_where_a_reader_looks_for_them(head: str, quoted: str) -> None:
    said = answered("What were 3M's total revenues in 2022?", f"{head}\nTotal revenues | $66,608 | $62,286")
    assert said.endswith(f"Total revenues; {quoted} [1]")
    assert said.startswith("In 2022: Total") == head.startswith("In 2022")
    assert "::" not in said


def test_another_fiscal_year_is_no_nearer_for_being_written_with_the_same_letters() -> None:
    funds = "The FY23 appropriations of 3M support programs into 2025."
    margins = [f"In 2022 the gross margin of {name} rose by two points." for name in ("3M", "healthcare", "abrasives")]
    assert answered("Did 3M's gross margin rise in FY2022?", funds, *margins).startswith(margins[0])


BESIDE = "The company has retirement plans that cover substantially all of its employees and were closed in 2009."


@pytest.mark.parametrize(
    ("question", "beside", "answer"),
    [
        ("How many employees does 3M have?", BESIDE, "On December 31 the company employed about 92,000 people in all countries."),
        ("How many employees does 3M have?", "(Millions) || 2022\nEmployee benefits | 386", "(Full-time) || 2022\nEmployees | 386"),
        ("How many employees does 3M have?", BESIDE, "It has none of its own: no employees were hired, and all work is done by others."),
        (
            "How many stores does 3M operate?",
            "The stores were opened in 1998 and in 2004.",
            "There are more than 2000 stores in the country.",
        ),
        (
            "Wie viele Mitarbeiter hat 3M?",
            "Für die Mitarbeiter gibt es eine Kantine.",
            "Das Werk hat 3.200 Mitarbeiterinnen und Lehrlinge.",
        ),
        ("When was 3M founded?", "3M was founded by five men in Two Harbors.", "3M was founded by five men in 1902."),
        ("How tall is the tower of 3M?", "The tower is tall and white.", "The tower of 3M is 120 metres tall."),
    ],
)
def test_what_holds_nothing_of_what_is_asked_for_is_no_answer(question: str, beside: str, answer: str) -> None:
    extract = extract_of(question, beside)
    assert (extract.convincing, extract.lacking) == (False, "date" if question.startswith("When") else "number")
    last = answered(question, beside, answer)
    assert last.endswith(" [2]")
    assert "[1]" not in last


def test_what_can_be_answered_otherwise_is_not_refused_for_want_of_a_number() -> None:
    assert answered("How many employees does 3M have, and what do they do?", BESIDE)
    assert answered("What happens when employees of 3M retire?", BESIDE)
    assert answered(
        "How many employees does 3M have?", "Die Angestellten haben alle einen Vertrag, der nicht endet."
    )  # in another language


NAMES = "China 3M Specialty Materials Ltd. China 3M Purification France 3M France S.A.S. France Capital Safety Group France Dyneon GmbH"


def test_names_one_after_the_other_are_near_a_question_for_less() -> None:
    listed, sentence = (
        extract_of("What is the capital of France?", text, cosine=0.5).nearness
        for text in (NAMES, "The Capital Safety Group of France is a subsidiary that was bought from the founders of Dyneon GmbH in China.")
    )
    assert listed < sentence - 0.1
    assert NAMES in answered("Which subsidiaries does 3M have in France?", NAMES)


def test_what_is_capitalized_is_no_capital() -> None:
    terms = "Capitalized terms have the meanings that the plan for the employees in France gives them."
    told = "The capital has the meaning that the plan for the employees in France gives it."
    apart, together = (extract_of("What is the capital of France?", text).nearness for text in (terms, told))
    assert together - apart >= TUNING.refusal.apart - 1e-6


def test_words_of_a_passage_without_a_vector_do_not_make_it_an_answer() -> None:
    """They promise a cosine of .98 here, and it is looked at; the others without one are on the same scale, what has one is not touched."""
    text = "China 3M Purification is held by France Capital Safety Group, which was bought from the founders in Lyon."
    words_alone = Parts(words=1.0, meaning=None, name=0.0, rank=0.5, pairs=1.0, row=0.0)
    found, seen = (replace(hit(1, text), score=0.82, parts=replace(words_alone, meaning=meaning)) for meaning in (None, 0.2))
    other = replace(hit(2, "Nothing of it."), score=0.4, parts=words_alone)
    embed = Recorded(0.2)

    def nearness(*hits: Hit) -> float:
        return extracted("What is the capital of France?", np.array([1, 0], dtype=np.float32), hits, embed).nearness

    alone = nearness(found)
    assert embed.batches[0] == [text]
    once_seen = (0.40 * 0.2 + 0.45 + 0.15 + 0.25) / 1.3
    assert alone == nearness(found, other) == pytest.approx(nearness(seen) - TUNING.refusal.passage * (0.82 - once_seen))
    assert alone < TUNING.refusal.convincing < nearness(seen) == nearness(seen, replace(found, score=0.9))


APART = "The president of the bank was elected in May. All of us who live in Brazil report to the bank."
TOGETHER = "The bank was founded in May. All of us who live there report to the president of Brazil."


def test_what_is_asked_for_stands_with_what_it_is_asked_of() -> None:
    question = "Who is the president of Brazil?"
    apart, together, foreign = (
        extract_of(question, text, cosine=0.5).nearness
        for text in (
            APART,
            TOGETHER,
            "Der Vorstand der Bank wurde im Mai gewählt. Wer in Brazil lebt, muss der Bank mitteilen, was er hat.",
        )
    )
    assert apart == pytest.approx(together - TUNING.refusal.apart, abs=1e-6)
    assert foreign > apart


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("How tall is it?", "The tower is tall and white.", "number"),
        ("When was it founded?", "3M, whose net sales grew, was founded by five men in Two Harbors.", "date"),
    ],
)
def test_what_was_asked_before_does_not_change_what_answers_a_question(question: str, text: str, lacking: str) -> None:
    assert extract_of(question, text, cosine=0.9).lacking == lacking
    assert extract_of(question, text, cosine=0.9, topic="What were 3M's net sales in 2022?").lacking == lacking


def test_a_follow_up_without_an_interrogative_asks_for_what_was_asked_before() -> None:
    text = "All employees of 3M were given a present in 2021. At the end of 2021 3M had 95,000 employees. In 2022 it had 92,000 employees."
    assert (
        extract_of("And in 2021?", text, topic="How many employees does 3M have?").text == "At the end of 2021 3M had 95,000 employees. [1]"
    )


def test_what_was_asked_before_stands_for_nothing_that_a_question_asks_of() -> None:
    question, topic = "Who is the president of Brazil?", "What does the bank report?"
    apart, together = (extract_of(question, text, cosine=0.5, topic=topic).nearness for text in (APART, TOGETHER))
    assert apart == pytest.approx(together - TUNING.refusal.apart, abs=1e-6)


def test_a_question_in_a_document_answers_none_and_is_quoted_with_its_answer() -> None:
    asked = "How do I reset my password?"
    assert answered(asked, f"{asked} Open the settings and choose a new one there.").startswith(f"{asked} [1] Open the settings")
    assert asked not in answered("How can a password be reset?", asked, "A password can be reset in the settings.")


def test_what_another_company_says_of_itself_is_no_answer_about_the_one_that_is_named() -> None:
    other = hit(1, "The effective tax rate was 15.4 % in 2022, as compared to 26.9 % in 2021.", document="Nordwind_2022.pdf", score=0.6)
    named = hit(2, "In 2022 we paid taxes at a rate of 21 %, which is the rate in force here.", document="Sudlicht_2022.pdf", score=0.5)
    vector = np.array([1, 0], dtype=np.float32)
    of_one, of_any = (
        extracted(question, vector, [other, named], Recorded(0.8)).text
        for question in ("What was the effective tax rate of Sudlicht in 2022?", "What was the effective tax rate in 2022?")
    )
    assert of_one == "In 2022 we paid taxes at a rate of 21 %, which is the rate in force here. [2]"
    assert of_any.startswith("The effective tax rate was 15.4 %")


GERMAN = "Die Säge steht hinten. Frau Huber hat drei Tische aus Eiche bestellt, die wir im Mai liefern. Der Hof wird gefegt."


def test_words_are_found_in_the_forms_of_the_questions_language() -> None:
    """``Tisch`` and ``Tische``, ``liefert`` and ``liefern``; and the question's function words choose nothing."""
    (first, *_) = extract_of("Wann liefert ihr den Tisch?", GERMAN).text.split(" [1]")
    assert first.startswith("Frau Huber hat drei Tische")


def test_a_sentence_is_read_under_its_heading() -> None:
    notes = "Sourdough\nBake it for twenty minutes with steam.\nWifi\nThe guests' network is harbour, password blue-otter."
    embed = Recorded(0.5)
    answer = extracted("What is the wifi password?", np.array([1, 0], dtype=np.float32), [hit(1, notes)], embed).text
    assert answer.startswith("The guests' network is harbour, password blue-otter.")
    assert "Wifi: The guests' network is harbour, password blue-otter." in embed.batches[0]


def test_of_sentences_with_the_same_words_the_one_that_tells_more_comes_first() -> None:
    text = "About our garden waste collection. Garden waste collection is every second Tuesday from March to October, by half past six."
    first, _ = extract_of("Is there a garden waste collection?", text).text.split(" [1]", 1)
    assert first.startswith("Garden waste collection is every second Tuesday")


def test_what_a_question_says_itself_is_no_answer_but_what_follows_it_is() -> None:
    text = "Descaling the kettle\nDescale the kettle. Mix vinegar with water, boil it, and rinse twice.\nSafety\nThe kettle is hot."
    assert answered("When do I descale the kettle?", text).startswith("Descale the kettle. [1] Mix vinegar with water")
    assert answered("Are dogs allowed?", "Dogs are not allowed. Cats are welcome to stay.").startswith("Dogs are not allowed.")


STEPS = """Changing the blade
1. Switch the saw off and lock it.
2. Open the cover.
3. Loosen the nut of the blade, which has a left-hand thread.
4. Put the new blade in.
Cleaning
1. Sweep the floor around the saw."""


def test_how_something_is_done_is_told_in_its_order() -> None:
    answer = answered("How do I change the blade of the saw?", STEPS)
    assert re.findall(r"(\d)\. ", answer) == ["1", "2", "3", "4"]
    assert "Sweep" not in answer


@pytest.mark.parametrize("items", ["• heart rate below 60\n• SpO2 below 94 %", "Wait first. Then take it out of the cage."])
def test_a_sentence_that_announces_an_answer_is_quoted_with_it(items: str) -> None:
    passage = f"The old bridge opens at noon.\nAlarm limits for a call to the vet:\n{items}\n\nName || Phone\nMartha | 555"
    extract = extract_of("What are the alarm limits for a call to the vet?", passage)
    assert extract.text.startswith("Alarm limits for a call to the vet: [1] ")
    assert re.search("94 %|the cage", extract.text)
    assert not re.search("bridge|Martha", extract.text)


def test_what_announces_nothing_under_its_heading_does_not_take_the_place_of_what_answers() -> None:
    text = "Alarm limits for a call to the vet:\n3. Night\nCall at once when the oxygen is below 94 % or the heart is slow."
    assert "below 94 %" in extract_of("What are the alarm limits for a call to the vet?", text).text


def test_where_what_happened_is_told_before_why_both_are_quoted() -> None:
    text = "The old front doors are closed but must not be locked.\nIn a fire nobody looks for the key.\nThe gate is green."
    assert answered("Why must the front doors not be locked?", text).startswith(
        "The old front doors are closed but must not be locked. [1] In a fire nobody looks for the key. [1]"
    )
    why = "The front doors must not be locked, because of fire.\nThe key of the garden lies under the stone."
    assert "garden" not in answered("Why must the front doors not be locked?", why)


def test_a_procedure_ends_where_it_would_be_too_long() -> None:
    steps = [f"{n}. Turn screw number {n} of the saw by hand." for n in range(1, 40)]
    answer = answered("How do I turn screw number 3 of the saw?", "\n".join(["Screws", *steps]))
    assert answer.count("[1]") == TUNING.procedure.most_steps
    assert answer.startswith("3. ")


PHONES = """Room || Name || Phone
12 | Nora Lind | 4471
14 | Tom Aas | 4472
15 | Eva Ruud | 4480"""


@pytest.mark.parametrize("question", ["What is the phone number of Tom Aas?", "What is Tom Aas's phone number?"])
def test_a_row_is_found_and_shown_with_the_name_that_stands_in_one_of_its_cells(question: str) -> None:
    assert answered(question, PHONES).split(" [1]")[0] == "Room: 14; Name: Tom Aas; Phone: 4472"


def test_of_the_other_columns_only_what_is_asked_for_is_shown() -> None:
    assert answered("In which room is Eva Ruud?", PHONES).split(" [1]")[0].startswith("Room: 15; Name: Eva Ruud")
    assert answered("What is the phone of room 12?", PHONES).split(" [1]")[0] == "Room: 12; Phone: 4471"
