"""Only the neighbourhood of a passage is loaded, however long its document is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract.element_rows import element_frame, element_row
from rag_pipeline.models import Element
from rag_pipeline.stores.catalog.arrow_stream import ArrowStream
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.text_windows import WHOLE_CHARACTERS, TextWindow, telling_words, text_windows

ROWS, ROWS_PER_ELEMENT = 60_000, 1000
Fill = Callable[[list[tuple[int | None, str]]], Catalog]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    def filled(elements: list[tuple[int | None, str]]) -> Catalog:
        catalog = Catalog(tmp_path / "catalog.duckdb")
        rows = [element_row("x", position, Element("Table", text, page)) for position, (page, text) in enumerate(elements)]
        with catalog.writing() as connection:
            connection.execute(
                "INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, state, extraction_key, added_at)"
                " VALUES ('d', 'c', 'd.csv', 'd.csv'::BLOB, '', 1, 'indexed', 'x', now()::TIMESTAMP)"
            )
            connection.register("given", ArrowStream(element_frame(rows)))
            connection.execute("INSERT INTO elements BY NAME SELECT * FROM given")
        return catalog

    return filled


def row(number: int) -> str:
    return f"{number:07} | customer {number % 97} | paid {number * 31 % 100_003} on day {number % 365}"


def windows(catalog: Catalog, passage: str, first: int | None = None, last: int | None = None) -> list[TextWindow]:
    return list(text_windows(catalog, "d", passage, (first, last), 1500))


def test_of_a_long_table_the_part_around_the_passage_is_read(fill: Fill) -> None:
    numbers = range(0, ROWS, ROWS_PER_ELEMENT)
    catalog = fill([(None, "\n".join(row(number) for number in range(start, start + ROWS_PER_ELEMENT))) for start in numbers])
    for wanted in (0, 31_998, ROWS - 4):  # at the beginning, over the end of an element, at the end
        passage = "\n".join(row(number) for number in range(wanted, wanted + 4))
        found = next(text_windows(catalog, "d", passage, (None, None), 1500))
        assert all(row(number) in found.text for number in range(wanted, wanted + 4))
        assert len(found.text) < WHOLE_CHARACTERS / 2
        assert (found.first, found.last) == (wanted == 0, wanted == ROWS - 4)


def test_a_passage_of_many_short_elements_is_found(fill: Fill) -> None:
    catalog = fill([(None, f"Item {number} is {number * 7919 % 100_003}.") for number in range(60_000)])
    passage = " ".join(f"Item {number} is {number * 7919 % 100_003}." for number in range(40_000, 40_010))
    found = windows(catalog, passage)
    assert all(f"Item {number} " in found[0].text for number in range(40_000, 40_010))


def test_a_short_document_comes_whole_and_only_with_the_passages_pages(fill: Fill) -> None:
    catalog = fill([(1, "first page"), (2, "before it"), (2, "the passage"), (None, "of no page"), (2, "after it"), (3, "third page")])
    assert windows(catalog, "the passage", 2, 2) == [TextWindow("before it\n\nthe passage\n\nof no page\n\nafter it")]
    assert windows(catalog, "the passage")[0].text.startswith("first page\n\nbefore it")
    assert list(text_windows(catalog, "gone", "the passage", (None, None), 1500)) == []


def test_words_with_digits_and_long_ones_tell_most() -> None:
    words = telling_words("the of and on 2024-05-17 a INV-99812 Konstantinopel")
    assert {"2024-05-17", "INV-99812", "Konstantinopel"} <= set(words[:5])
    assert telling_words("  ") == []
