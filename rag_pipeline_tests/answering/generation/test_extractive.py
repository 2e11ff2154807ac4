"""How much is embedded before the first sentence of an answer."""

from collections.abc import Sequence

import numpy as np

from rag_pipeline.answering.generation.extractive import extracted
from rag_pipeline.answering.generation.verification import verified
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline_tests.answering.conftest import hit

QUOTING = TUNING.quoting
QUESTION = "When did the old bridge over the river open?"
LONG = " ".join(f"The old bridge number {n} was built of iron and of stone, by many hands, and over a long time." for n in range(60))


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


def answered(question: str, *texts: str) -> str:
    hits = [hit(number, text, document="3M_2022_10K.pdf") for number, text in enumerate(texts, start=1)]
    extract = extracted(question, np.array([1, 0], dtype=np.float32), hits, Recorded(0.7))
    assert verified(extract.text, extract.marks, extract.citations).unverified == ()
    return extract.text


def test_the_row_that_is_asked_for_is_quoted_rather_than_words_about_it() -> None:
    assert "Net sales; 2022: $34,229 (Millions)" in answered("What was 3M's net sales in 2022?", PROSE, STATEMENT)
    assert "Operating expenses: Research and development; 2021: 1,994" in answered(
        "How much did 3M spend on research and development in 2021?", PROSE, STATEMENT
    )


def test_of_parts_and_their_total_the_total_is_the_whole() -> None:
    regions = "Net sales (Millions) || 2022\nAmericas | $ 18,400\nAsia Pacific | 9,901\nOther | (72)\nWorldwide | $ 28,229"
    assert answered("What were 3M's net sales in 2022?", regions) == "Net sales: Worldwide; 2022: $ 28,229 (Millions) [1]"
    assert "Asia Pacific; 2022: 9,901" in answered("What were 3M's net sales in Asia Pacific in 2022?", regions)
