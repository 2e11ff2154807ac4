"""What the tabs say, without a browser."""

from datetime import datetime

import pytest
from pydantic import SecretStr

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.documents import make_document
from ui.pages.document_table import EVERY, MOST_ROWS, size_in_words, suggestions_html, table_html, upload_html
from ui.pages.welcome import answers_by, welcome_of

SETTINGS = Settings(openai_api_key=SecretStr("k"))


def test_an_empty_folder_offers_examples() -> None:
    welcome = welcome_of([], SETTINGS)
    assert welcome.offers_examples
    assert str(SETTINGS.uploads) in welcome.html


def test_pending_documents_are_counted_and_a_way_out_is_named() -> None:
    welcome = welcome_of([make_document(state="pending"), make_document(state="pending")], SETTINGS)
    assert "Reading 2 documents" in welcome.html
    assert "rag up" in welcome.html
    assert not welcome.offers_examples


def test_only_failures_lead_to_the_reasons() -> None:
    assert "Documents" in welcome_of([make_document(state="failed")], SETTINGS).html


def test_indexed_examples_come_with_questions() -> None:
    welcome = welcome_of([make_document(collection="examples"), make_document(state="pending")], SETTINGS)
    assert welcome.offers_questions
    assert welcome.collections == ("examples",)
    assert "1 example document anything" in welcome.html
    assert "1 more document is being read" in welcome.html
    assert not welcome_of([make_document()], SETTINGS).offers_questions


def test_who_answers_is_no_secret() -> None:
    assert "RAG_CHAT_MODEL" in answers_by(SETTINGS)
    written = answers_by(Settings(chat_model="m<1>", openai_base_url="https://llm.example:8443/v1"))
    assert "m&lt;1&gt; at llm.example." in written


def test_the_table_puts_first_what_needs_attention() -> None:
    documents = [
        make_document(document="good.txt"),
        make_document(document="<bad>.pdf", state="failed", error="It is <damaged>.", attempts=3, indexed_at=None),
    ]
    table = table_html(documents, EVERY, EVERY, "", "http://127.0.0.1:3000")
    assert table.index("&lt;bad&gt;.pdf") < table.index("good.txt")
    assert "It is &lt;damaged&gt;. Tried 3 times." in table
    assert "http://127.0.0.1:3000" in table
    assert "2026-01-02 03:04 UTC" in table


@pytest.mark.parametrize(
    ("collection", "state", "name", "rows"),
    [("", "", "", 3), ("a", "", "", 2), ("a", "failed", "", 1), ("", "", "ONE", 1), ("z", "", "", 0)],
)
def test_filters(collection: str, state: str, name: str, rows: int) -> None:
    documents = [
        make_document(collection="a", document="one.txt"),
        make_document(collection="a", document="two.txt", state="failed"),
        make_document(collection="b", document="three.txt"),
    ]
    assert table_html(documents, collection, state, name, "").count("<td class='name'") == rows


def test_a_long_table_is_cut_and_says_so() -> None:
    table = table_html([make_document(document=f"{n}.txt") for n in range(MOST_ROWS + 5)], EVERY, EVERY, "", "")
    assert table.count("<td class='name'") == MOST_ROWS
    assert f"of {MOST_ROWS + 5}" in table


def test_no_documents() -> None:
    assert "No documents yet" in table_html([], EVERY, EVERY, "", "")


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (12_345_678, "12 MB"), (5 * 10**9, "5.0 GB")])
def test_sizes(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_the_upload_panel_names_the_folder_and_the_collections() -> None:
    assert str(SETTINGS.uploads) in upload_html(SETTINGS)
    assert "&lt;odd&gt;" in suggestions_html(["minutes", "<odd>"])


def test_times_are_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Lima")
    assert "2026-05-05 05:05 UTC" in table_html([make_document(indexed_at=datetime(2026, 5, 5, 5, 5))], EVERY, EVERY, "", "")
