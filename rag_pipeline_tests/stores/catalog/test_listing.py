"""Pages of documents: every document once, whatever the filter, the order and the size of the page; counts agree with the rows."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_pipeline.document_life import BY_ATTENTION
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.listing import (
    HELD,
    Choice,
    CursorError,
    Order,
    SortKey,
    arrivals,
    documents_of,
    documents_page,
    read_in_part_counts,
    state_counts,
)
from rag_pipeline.stores.catalog.narrowing import narrowing, tag_counts
from rag_pipeline.stores.vectors.points import folders_of, type_of

NAMES = ["a.txt", "B.txt", "b/ü.pdf", "b/c/z.pdf", "c_1%.txt", "d\\x80.TXT", "Straße.txt", "b/c/.tar", "plain"]
COLLECTIONS = ["default", "räume", "zoo"]
STATES = ["failed", "indexed", "pending"]
BEGAN = datetime(2026, 3, 1)
SORT_KEYS: dict[SortKey, Any] = {
    "name": lambda row: row.document.lower(),
    "collection": lambda row: row.collection,
    "state": lambda row: BY_ATTENTION.index(row.state),
    "pages": lambda row: -1 if row.pages is None else row.pages,
    "chunks": lambda row: row.chunks,
    "size": lambda row: row.size_bytes,
    "indexed": lambda row: row.indexed_at or datetime.min,
}
HEALTH = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    made = Catalog(tmp_path_factory.mktemp("listing") / "catalog.duckdb")
    rows = [
        [
            *(f"{collection}-{name}", collection, name, STATES[number % 3], number % 4, number % 5 or None),
            *(2**40 * (number % 2), BEGAN + timedelta(days=number) if number % 3 else None, f"hash of {name}"),
        ]
        for collection in COLLECTIONS
        for number, name in enumerate(NAMES)
    ]
    with made.writing() as connection:
        connection.executemany(
            "INSERT INTO documents (document_id, collection, document, file, signature, state, chunks, pages, size_bytes, indexed_at,"
            " content_hash, added_at) VALUES ($1, $2, $3, encode($1), '', $4, $5, $6, $7, $8, $9, now()::TIMESTAMP)",
            rows,
        )
        connection.execute("INSERT INTO missing_files VALUES (encode('zoo-a.txt'), 'zoo', $now, FALSE)", {"now": BEGAN})
        connection.execute("INSERT INTO missing_files VALUES (encode('zoo-B.txt'), 'zoo', $now, TRUE)", {"now": BEGAN})
    return made


def is_chosen(row: DocumentStatus, choice: Choice) -> bool:
    indexed = row.indexed_at
    return (
        (choice.collections is None or row.collection in choice.collections)
        and choice.collection in ("", row.collection)
        and (choice.state in ("", row.state) or (choice.state == HELD and row.deletion_held_since is not None))
        and choice.name.strip().lower() in row.document.lower()
        and choice.type.lower() in ("", type_of(row.document))
        and (not choice.folder or choice.folder in folders_of(row.document))
        and (choice.indexed_since is None or (indexed is not None and indexed >= choice.indexed_since))
        and (choice.indexed_before is None or (indexed is not None and indexed < choice.indexed_before))
    )


CHOICES = st.builds(
    Choice,
    collections=st.none() | st.lists(st.sampled_from([*COLLECTIONS, "gone"]), max_size=3).map(tuple),
    state=st.sampled_from(["", "", *STATES, HELD]),
    name=st.sampled_from(["", "", "TXT", "b/", "%", "_", "'", "ß", " a.txt "]),
    collection=st.sampled_from(["", "", *COLLECTIONS]),
    type=st.sampled_from(["", "", "txt", "PDF", "tar"]),
    folder=st.sampled_from(["", "", "b", "b/c", "a.txt"]),
    indexed_since=st.none() | st.just(BEGAN + timedelta(days=2)),
    indexed_before=st.none() | st.just(BEGAN + timedelta(days=5)),
)


@given(limit=st.integers(2, 30), choice=CHOICES, by=st.sampled_from(sorted(SORT_KEYS)), descending=st.booleans())
@settings(max_examples=30, **HEALTH)
def test_pages_hold_every_chosen_document_once_and_in_order(
    catalog: Catalog, limit: int, choice: Choice, by: SortKey, descending: bool
) -> None:
    expected = sorted((row for row in catalog.documents() if is_chosen(row, choice)), key=SORT_KEYS[by], reverse=descending)
    if descending:  # those that are alike stay by collection and path
        expected.sort(key=lambda row: (row.collection, row.document))
        expected.sort(key=SORT_KEYS[by], reverse=True)
    seen, cursor = [], None
    while True:
        page = documents_page(catalog, choice, limit, cursor, Order(by, descending))
        assert page.total == len(expected)
        skipped = documents_page(catalog, choice, limit, order=Order(by, descending), skip=len(seen))
        assert list(skipped.documents) == list(page.documents)
        seen += [row.document_id for row in page.documents]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.documents) == limit
    assert seen == [row.document_id for row in expected]


def test_past_the_last_page_is_the_last_page(catalog: Catalog) -> None:
    page = documents_page(catalog, Choice(collection="zoo"), 4, skip=400)
    assert [row.document for row in page.documents] == [row.document for row in catalog.documents("zoo")][8:]
    assert documents_page(catalog, Choice(collection="gone"), 4, skip=400).documents == []


def test_counts_are_those_of_the_rows(catalog: Catalog) -> None:
    counted = Counter((row.collection, row.state) for row in catalog.documents())
    assert {(name, state): number for name, states in state_counts(catalog).items() for state, number in states.items()} == counted
    assert list(state_counts(catalog)) == sorted(COLLECTIONS)


@given(choice=CHOICES)
@settings(max_examples=15, **HEALTH)
def test_what_a_choice_can_be_narrowed_by_is_counted_as_it_would_be_chosen(catalog: Catalog, choice: Choice) -> None:
    found = narrowing(catalog, choice)

    def chosen(**other: str) -> int:
        wanted = {name: getattr(choice, name) for name in Choice.__dataclass_fields__} | other
        return documents_page(catalog, Choice(**wanted), 1).total

    for name, documents in found.collections.items():
        assert documents == chosen(collection=name, folder="")
    assert bool(found.folders) == bool(choice.collection)
    for folder, below in found.folders.items():
        assert set(below) <= {"b", "c"}
        for name, documents in below.items():
            assert documents == chosen(folder=f"{folder}/{name}".lstrip("/"))
    assert all(chosen(type=ending) for ending in found.types)


def test_what_needs_attention_comes_first(catalog: Catalog) -> None:
    states = [row.state for row in documents_page(catalog, Choice(("zoo",)), 99, order=Order("state")).documents]
    assert states == ["failed"] * 3 + ["pending"] * 3 + ["indexed"] * 3


def test_what_is_held_or_leaving_says_so(catalog: Catalog) -> None:
    rows = {row.document: row for row in catalog.documents("zoo")}
    assert (rows["a.txt"].deletion_held_since, rows["a.txt"].is_leaving) == (BEGAN, False)
    assert (rows["B.txt"].deletion_held_since, rows["B.txt"].is_leaving) == (None, True)


def test_documents_are_found_by_id_and_by_content_where_they_may_be_seen(catalog: Catalog) -> None:
    found = documents_of(catalog, Choice(("zoo", "räume")), ["zoo-plain", "default-plain"], ["hash of a.txt"])
    assert [row.document_id for row in found] == ["räume-a.txt", "zoo-a.txt", "zoo-plain"]


CURSORS = st.text(max_size=20) | st.sampled_from(["W10", "e30", "WzEsMiwzXQ", "bnVsbA", "W1tdLFtdLFtdXQ"])


@given(CURSORS)
@settings(max_examples=25, **HEALTH)
def test_a_cursor_of_no_page_is_refused_in_words(catalog: Catalog, cursor: str) -> None:
    if cursor:
        with pytest.raises(CursorError, match="next_cursor"):
            documents_page(catalog, Choice(), 5, cursor)


def test_arrivals_are_counted_by_day_and_collection(catalog: Catalog) -> None:
    (day,) = arrivals(catalog)
    chunks = sum(number % 4 for number in range(len(NAMES)))
    assert (day.documents, day.chunks) == (len(COLLECTIONS) * len(NAMES), len(COLLECTIONS) * chunks)
    assert [one.documents for one in arrivals(catalog, ("zoo", "gone"))] == [len(NAMES)]
    assert (arrivals(catalog, ()), read_in_part_counts(catalog)) == ([], {})


def test_a_cursor_is_for_the_order_that_it_came_of(catalog: Catalog) -> None:
    cursor = documents_page(catalog, Choice(), 5, order=Order("size")).next_cursor
    for order in (Order("size", descending=True), Order("pages"), Order("name")):
        with pytest.raises(CursorError):
            documents_page(catalog, Choice(), 5, cursor, order)


@given(choice=CHOICES, ids=st.frozensets(st.sampled_from([f"{where}-{name}" for where in COLLECTIONS for name in NAMES] + ["gone"])))
@settings(max_examples=15, **HEALTH)
def test_documents_are_chosen_and_counted_by_tags_that_others_know_of(catalog: Catalog, choice: Choice, ids: frozenset[str]) -> None:
    left = [row for row in documents_page(catalog, choice, 100).documents if row.document_id in ids]
    narrowed = replace(choice, document_ids=ids)
    page = documents_page(catalog, narrowed, 100)
    assert (page.documents, page.total) == (left, len(left))
    assert documents_of(catalog, narrowed, ["zoo-a.txt"]) == [row for row in left if row.document_id == "zoo-a.txt"]
    assert tag_counts(catalog, choice, {"one": ids, "none": (), "gone": ("gone",)}) == ({"one": len(left)} if left else {})
    assert sum(narrowing(catalog, replace(narrowed, collection="", folder="")).collections.values()) >= len(left)
