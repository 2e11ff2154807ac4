"""Pages of documents: every document once, whatever the filter and the size of the page; counts agree with the rows."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import (
    Choice,
    CursorError,
    arrivals,
    count_documents,
    documents_for_attention,
    documents_page,
    read_in_part_counts,
    state_counts,
)

NAMES = ["a.txt", "B.txt", "b/ü.pdf", "b/z.pdf", "c_1%.txt", "d\\x80.txt", "Straße.txt"]
COLLECTIONS = ["default", "räume", "zoo"]
STATES = ["failed", "indexed", "pending"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    made = Catalog(tmp_path_factory.mktemp("listing") / "catalog.duckdb")
    rows = [
        [f"{collection}-{name}", collection, name, STATES[number % 3]] for collection in COLLECTIONS for number, name in enumerate(NAMES)
    ]
    with made.writing() as connection:
        connection.executemany(
            "INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, state, added_at)"
            " VALUES ($1, $2, $3, 'f'::BLOB, '', 1, $4, now()::TIMESTAMP)",
            rows,
        )
    return made


@given(
    limit=st.integers(2, 30),
    collections=st.none() | st.lists(st.sampled_from([*COLLECTIONS, "gone"]), max_size=3).map(tuple),
    state=st.sampled_from(["", *STATES]),
    name=st.sampled_from(["", "TXT", "b/", "%", "_", "'", "ß", " a.txt "]),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_hold_every_chosen_document_once_and_in_order(
    catalog: Catalog, limit: int, collections: tuple[str, ...] | None, state: str, name: str
) -> None:
    expected = [
        (row.collection, row.document)
        for row in catalog.documents()
        if (collections is None or row.collection in collections)
        and state in ("", row.state)
        and name.strip().lower() in row.document.lower()
    ]
    choice, seen, cursor = Choice(collections, state, name), [], None
    while True:
        page = documents_page(catalog, choice, limit, cursor)
        assert page.total == len(expected) == count_documents(catalog, choice)
        seen += [(row.collection, row.document) for row in page.documents]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.documents) == limit
    assert seen == expected


def test_counts_are_those_of_the_rows(catalog: Catalog) -> None:
    counted = Counter((row.collection, row.state) for row in catalog.documents())
    assert {(name, state): number for name, states in state_counts(catalog).items() for state, number in states.items()} == counted
    assert list(state_counts(catalog)) == sorted(COLLECTIONS)


def test_what_needs_attention_comes_first(catalog: Catalog) -> None:
    first = documents_for_attention(catalog, Choice(), 8)
    assert [row.state for row in first] == ["failed"] * 8
    of_one = [row.state for row in documents_for_attention(catalog, Choice(("zoo",)), 99)]
    assert of_one == ["failed"] * 3 + ["pending"] * 2 + ["indexed"] * 2


CURSORS = st.text(max_size=20) | st.sampled_from(["W10", "e30", "WzEsMiwzXQ", "bnVsbA", "W1tdLFtdLFtdXQ"])


@given(CURSORS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cursor_of_no_page_is_refused_in_words(catalog: Catalog, cursor: str) -> None:
    if cursor:
        with pytest.raises(CursorError, match="next_cursor"):
            documents_page(catalog, Choice(), 5, cursor)


def test_arrivals_are_counted_by_day_and_collection(catalog: Catalog) -> None:
    (day,) = arrivals(catalog)
    assert (day.documents, day.chunks) == (len(COLLECTIONS) * len(NAMES), 0)
    assert [one.documents for one in arrivals(catalog, ("zoo", "gone"))] == [len(NAMES)]
    assert (arrivals(catalog, ()), read_in_part_counts(catalog)) == ([], {})
