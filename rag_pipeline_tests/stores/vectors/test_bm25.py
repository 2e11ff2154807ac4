"""Words of other languages: forms of one are found by one another, and English is what it always was."""

import pytest
import qdrant_edge

from rag_pipeline.stores.vectors import languages
from rag_pipeline.stores.vectors.bm25 import document_vector, query_vector, question_words, word_ids

FORMS = [
    ("Die Häuser der Stadt sind alt und schön.", "Wie alt ist das Haus?"),
    ("Los caminos de la ciudad son largos y no tienen fin.", "¿Cuál es el camino más largo?"),
    ("Les villes qui sont au bord de la mer ont des ports.", "Quelle est la ville du nord ?"),
    ("Книги лежат на столе.", "Кто написал книгу?"),
    ("Ёлки растут в лесу.", "Где елка?"),
    ("قرأ الطالب والكتاب على الطاولة.", "كتاب"),
    ("ﺍﻟﻜﺘﺎﺏ ﻋﻠﻰ ﺍﻟﻄﺎﻭﻟﺔ", "كِتَاب"),
    ("Οι άνθρωποι της πόλης.", "άνθρωπος"),
    ("한국어를 배우는 사람", "한국어"),
    ("กรุงเทพมหานครเป็นเมืองหลวง", "เมืองหลวง"),
    ("东京是日本的首都", "日本首都"),
    ("हिन्दी में लिखा है।", "हिन्दी"),
    ("Ｆｕｌｌ ｗｉｄｔｈ", "width"),
    ("Cafe\u0301 au lait", "café"),
]


@pytest.mark.parametrize(("passage", "question"), FORMS)
def test_forms_of_a_word_are_found(passage: str, question: str) -> None:
    assert set(query_vector(question).indices) & set(document_vector(passage).indices)
    unrelated = document_vector("Zebras, 1984.").indices
    assert not set(query_vector(question).indices) & set(unrelated)


@pytest.mark.parametrize("written", ["FY2022", "fy22", "FY 2022", "2022Q4", "2022e", "2022"])
def test_a_year_is_found_with_and_without_the_letters_that_are_written_to_it(written: str) -> None:
    assert word_ids("2022") <= word_ids(written)
    assert word_ids("2022") <= set(query_vector(f"What was capex in {written}?").indices)
    assert word_ids("2022") <= set(document_vector(f"Capital expenditure, {written}: 1,749").indices)
    assert set(query_vector(written).indices) & set(document_vector(f"In {written}").indices)
    assert word_ids("2022") in [set(word) & word_ids("2022") for word in question_words(written)]


def test_what_only_looks_like_a_year_is_no_year() -> None:
    for word in ("3M", "B2B", "A4", "x2022y", "abcd2022", "FY2", "1022a", "ISO27001", "F16"):
        assert len(word_ids(word)) == len(question_words(word)) == 1


def test_english_has_the_vector_that_the_engine_gives_it() -> None:
    engine = qdrant_edge.Bm25(qdrant_edge.Bm25Config(ascii_folding=True))
    for text in ("The queens were laying eggs in the hives of 3,000 bees.", "Net sales | 34,229 | 2022", "It’s naïve — they said “no”."):
        expected = engine.embed_document(text)
        assert dict(zip(document_vector(text).indices, document_vector(text).values, strict=True)) == dict(
            zip(expected.indices, expected.values, strict=True)
        )
        assert {word[0] for word in question_words(text)} == set(engine.embed_query(text).indices)


def test_few_words_of_no_language_find_what_is_written_like_them_in_any() -> None:
    german = document_vector("Die Häuser der Stadt sind alt, und sie werden nicht verkauft.").indices
    assert all(set(word) & set(german) for word in question_words("Häuser Stadt"))
    assert set(query_vector("Hauses").indices) & set(german)
    english = document_vector("The houses of the city are old, and they are not for sale.").indices
    assert set(query_vector("houses city").indices) & set(english) == word_ids("houses city")


def test_stop_words_of_the_questions_language_are_none_of_its_words() -> None:
    assert len(question_words("Wie lautet der Name der Stadt auf Polnisch?")) == 4
    assert len(question_words("Где находится столица и что там есть?")) == 2


def test_which_language_has_a_word_for_a_function_word_is_asked_of_all_at_once_first(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [word for texts in FORMS for text in texts for word in text.lower().split()] + ["the", "aren't", "l'eau", "der", "_", "12"]
    one_by_one = {word: [name for name, model in languages._models().items() if not model.embed_query(word).indices] for word in words}
    assert {word: list(languages._languages_of.__wrapped__(word)) for word in words} == one_by_one
    monkeypatch.setattr(languages, "_models", lambda: pytest.fail("a word that is none was looked up in each language"))
    assert languages._languages_of.__wrapped__("zeppelin") == ()
