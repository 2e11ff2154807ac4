"""What the tabs say, without a browser."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest
from pydantic import SecretStr

from rag_pipeline.access import EVERYTHING, Access
from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.conversation.remembered import NOTHING_MORE, Wishes
from rag_pipeline.answering.generation.chosen_model import ChosenModel
from rag_pipeline.answering.generation.local_models import LocalModel
from rag_pipeline.answering.scope import DocumentFilter
from rag_pipeline.doctor import Finding
from rag_pipeline.document_life import HeldDeletions, hold_rules
from rag_pipeline.errors import RagError
from rag_pipeline.models import Failed
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import Choice, Order, StateCounts
from rag_pipeline.stores.catalog.narrowing import Narrowing
from rag_pipeline.stores.conversations.tags import Tagged
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, make_hit
from rag_pipeline_tests.ui.documents import make_document
from ui.pages.ask import AskPage, _Asked, redraw_seconds, wishes_in
from ui.views.documents.table import ROWS, Listed, held_banners, list_html, suggested_collections, upload_html
from ui.views.language.formats import size as size_in_words
from ui.views.suggestions import questions_about, questions_after
from ui.views.welcome import answers_by, machine_html, welcome_of
from ui.web.services import build_services

SETTINGS = Settings(openai_api_key=SecretStr("k"))
NOTHING_ELSE = Narrowing({}, {}, ())


def drawn(documents: Sequence[DocumentStatus], total: int, counts: StateCounts, number: int = 1, **more: Any) -> str:
    return list_html(Listed(documents, total, number, Choice(), Order("state"), NOTHING_ELSE), counts, **more)


def test_tags_are_text_wherever_they_stand() -> None:
    tag = "</button><script>x</script> {{ 7 * 7 }} ' \" &"
    tagged = Tagged("m", {"d1": (tag,)}, {}, {"k": tag}, {"k": frozenset(["d1"])})
    listed = Listed([make_document()], 1, 1, Choice(), Order("state"), NOTHING_ELSE, tagged=tagged, tag_counts={"k": 1})
    shown = list_html(listed, {"default": {"indexed": 1}}, may_write=True)
    assert "<script" not in shown
    assert shown.count("&lt;/button&gt;&lt;script&gt;x&lt;/script&gt; {{ 7 * 7 }} &#39; &#34; &amp;") == 6


def test_an_empty_folder_offers_examples() -> None:
    welcome = welcome_of({}, SETTINGS)
    assert welcome.offers_examples
    assert str(SETTINGS.uploads) in welcome.drop


def test_who_may_not_add_is_told_who_may() -> None:
    read_only = Access("ada", frozenset(["read"]), digest="d")
    welcome = welcome_of({}, SETTINGS, access=read_only)
    assert (welcome.offers_examples, welcome.drop) == (False, "")
    assert "rag token NAME --scope read --scope write" in welcome.html
    elsewhere = welcome_of({}, SETTINGS, access=replace(read_only, scopes=frozenset(["read", "write"]), collections=("contracts",)))
    assert not elsewhere.offers_examples
    assert "name='collection' value='contracts'" in elsewhere.drop


def test_files_that_were_not_taken_stay_to_be_read_whatever_comes_of_the_others() -> None:
    drops = {welcome_of(counts, SETTINGS).drop for counts in ({}, {"a": {"pending": 1}}, {"a": {"failed": 1}}, {"a": {"indexed": 1}})}
    assert len(drops) == 1


def test_the_first_page_says_what_is_missing_and_what_to_type() -> None:
    findings = [
        Finding("Tesseract", "missing", "not installed", "install it", "sudo apt install tesseract-ocr"),
        Finding("LibreOffice Writer", "missing", "not installed", "install it somehow"),
        Finding("passwords", "ok", "none listed"),
    ]
    here = (LocalModel("Ollama", "http://127.0.0.1:11434/v1", "<b>x</b>"), LocalModel("vLLM", "http://127.0.0.1:8000/v1", "y"))
    shown = machine_html(SETTINGS, here, None, findings, may_choose=True)
    assert "data-copy='sudo apt install tesseract-ocr'" in shown
    assert "To do: install it somehow." in shown
    assert "passwords" not in shown
    assert "data-use-server='Ollama' data-use-name='&lt;b&gt;x&lt;/b&gt;'" in shown
    chosen = machine_html(SETTINGS, here, ChosenModel("vLLM", "y"), (), may_choose=False)
    assert "y, by vLLM on this machine." in chosen
    assert "<button" not in chosen
    gone = machine_html(SETTINGS, (), ChosenModel("vLLM", "y"), (), may_choose=True)
    assert "vLLM does not offer it any more" in gone
    assert "data-look-again" in gone


def test_pending_documents_are_counted_and_a_way_out_is_named() -> None:
    welcome = welcome_of({"default": {"pending": 2}}, SETTINGS)
    assert "Reading 2 documents" in welcome.html
    assert "rag up" in welcome.html
    assert not welcome.offers_examples


def test_only_failures_lead_to_the_reasons() -> None:
    assert "Documents" in welcome_of({"default": {"failed": 1}}, SETTINGS).html


def test_indexed_examples_come_with_questions() -> None:
    welcome = welcome_of({"default": {"pending": 1}, "examples": {"indexed": 1}}, SETTINGS)
    assert welcome.offers_questions
    assert welcome.collections == ("examples",)
    assert "1 example document anything" in welcome.html
    assert "1 more document is being read" in welcome.html
    assert not welcome_of({"default": {"indexed": 1}}, SETTINGS).offers_questions


def test_questions_are_suggested_from_headings() -> None:
    taken = [("b", "1.2 Fees <b>and</b> dues"), ("b", "Who pays Ada?")]
    headings = [*taken, ("other", "Hidden things"), ("b", "Contents"), ("b", "2025 2024 2023")]
    shown = welcome_of({"b": {"indexed": 1}}, SETTINGS, headings=headings).html
    assert "about “Fees &lt;b&gt;and&lt;/b&gt; dues”?</button>" in shown
    assert ">Who pays Ada?</button>" in shown
    assert not [words for words in ("Hidden", "Contents", "2024", "<b>") if words in shown]
    assert questions_about(["Die Kündigung der Verträge", "Kündigung der Verträge"], "Wann endet es, und wer zahlt das?") == (
        "Was steht in den Dokumenten über „Die Kündigung der Verträge“?",
    )
    hits = [make_hit(chunk_id=str(number), heading_path=("All", name)) for number, name in enumerate(("The repair", "The price list"))]
    assert questions_after("Is it repaired?", hits, hits[:1]) == ("What do the documents say about “The price list”?",)


def test_who_answers_is_no_secret() -> None:
    assert "RAG_CHAT_MODEL" in answers_by(SETTINGS)
    written = answers_by(Settings(chat_model="m<1>", openai_base_url="https://llm.example:8443/v1"))
    assert "m&lt;1&gt; at llm.example." in written


def test_the_table_says_what_is_wrong_with_a_document() -> None:
    documents = [
        make_document(document="<bad>.pdf", state="failed", error="It is <damaged>.", attempts=3, indexed_at=None),
        make_document(document="good.txt"),
    ]
    table = drawn(documents, 2, {"default": {"failed": 1, "indexed": 1234}}, dagster_url="http://127.0.0.1:3000")
    assert table.index("&lt;bad&gt;.pdf") < table.index("good.txt")
    assert "It is &lt;damaged&gt;. Tried 3 times." in table
    assert "1,234 indexed" in table
    assert "http://127.0.0.1:3000" in table
    assert "2026-01-02 03:04 UTC" in table


def test_what_could_not_be_read_of_a_document_stands_under_its_name() -> None:
    documents = [make_document(document="deck.pptx", warnings=("Slide <7> was not read.",))]
    table = drawn(documents, 1, {"default": {"indexed": 1}})
    assert "<span class='warning'>Slide &lt;7&gt; was not read.</span>" in table
    assert "class='reason'" not in table


def test_a_long_list_has_pages() -> None:
    documents = [make_document(document=f"{n}.txt") for n in range(ROWS)]
    list_of_many = drawn(documents, ROWS + 1234, {"default": {"indexed": ROWS + 1234}}, number=2)
    assert list_of_many.count("<td class='name'") == ROWS
    assert "of 14 (1,334 documents)" in list_of_many
    assert "name='next' data-page='3'>" in list_of_many
    assert "aria-label='Pages" not in drawn(documents, ROWS, {"default": {"indexed": ROWS}})


def test_folders_are_open_down_to_the_chosen_one() -> None:
    folders = {"": {"2025": 2, "<b>": 1}, "2025": {"may": 1}, "2025/may": {}}
    found = Narrowing({"contracts": 12345, "letters": 1}, folders, ("pdf",))
    shown = list_html(Listed([], 0, 1, Choice(collection="contracts", folder="2025/may"), Order(), found), {"contracts": {"indexed": 1}})
    assert "data-folder='2025/may' data-collection='contracts' aria-current='true'" in shown
    assert shown.count("aria-current='true'") == 1
    assert "<span dir='auto'>contracts</span> <small>12,345</small>" in shown
    assert "&lt;b&gt;" in shown


def test_no_documents() -> None:
    assert "No documents yet" in drawn([], 0, {})
    assert "No document matches" in drawn([], 0, {"default": {"indexed": 1}})


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (12_345_678, "12 MB"), (5 * 10**9, "5.0 GB")])
def test_sizes(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_the_upload_panel_names_the_folder_and_the_collections() -> None:
    assert str(SETTINGS.uploads) in upload_html(SETTINGS)
    assert suggested_collections(["minutes", "examples"]) == ["default", "minutes"]
    assert "<option value='&lt;odd&gt;'>" in drawn([], 0, {"<odd>": {"indexed": 1}})


def test_times_are_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Lima")
    assert "2026-05-05 05:05 UTC" in drawn([make_document(indexed_at=datetime(2026, 5, 5, 5, 5))], 1, {})


def test_a_failed_document_can_be_retried_by_those_who_may() -> None:
    documents = [make_document(document_id="d7", state="failed", error="Broken.")]
    assert "/api/v1/documents/d7/retry" in drawn(documents, 1, {}, may_write=True)
    assert not [one for one in ("retry", "data-delete", "data-move") if one in drawn(documents, 1, {})]


def test_held_deletions_are_shown_with_their_end_and_a_button_for_those_who_may() -> None:
    held = {"a/<b>": HeldDeletions(2, datetime(2026, 5, 5, 5))}
    banner = drawn([], 0, {}, held=held_banners(held, hold_rules(SETTINGS), may_write=True))
    assert "deletion of 2 documents is held" in banner
    assert "2026-05-06 05:00 UTC" in banner
    assert "/api/v1/collections/a%2F%3Cb%3E/confirm-deletions" in banner
    assert "confirm-deletions" not in drawn([], 0, {}, held=held_banners(held, hold_rules(SETTINGS), may_write=False))
    assert held_banners({}, hold_rules(SETTINGS), may_write=True) == []


def test_the_more_pages_are_given_answers_the_less_often_each_is_drawn() -> None:
    assert redraw_seconds(1) == redraw_seconds(4) == pytest.approx(0.06)
    assert redraw_seconds(20) == pytest.approx(0.3)


def test_the_upload_panel_promises_no_time_for_reading() -> None:
    assert "within seconds" not in upload_html(SETTINGS)


@pytest.mark.parametrize(
    "sent",
    ["no JSON", "[]", '{"filter": {"since": "yesterday"}}', '{"filter": {"since": "2026-01-01T00:00:00Z"}}', '{"collections": "all"}'],
)
def test_what_cannot_be_understood_is_not_asked_of_everything(sent: str) -> None:
    with pytest.raises(RagError, match="cannot be understood"):
        wishes_in(sent)


def test_what_a_page_sends_beside_its_question() -> None:
    assert wishes_in("") == NOTHING_MORE
    sent = {
        "instead_of": "m1",
        "top_k": 1000,
        "collections": ["a"],
        "filter": {"documents": [], "types": ["pdf"], "since": "2026-01-02T00:00:00"},
    }
    narrowed = DocumentFilter(types=("pdf",), since=datetime(2026, 1, 2))
    assert wishes_in(json.dumps(sent)) == Wishes("m1", 100, ("a",), narrowed)
    assert narrowed.to_json() == {"types": ["pdf"], "since": "2026-01-02T00:00:00"}


async def test_what_nobody_expected_ends_the_page_s_answer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    services = build_services(settings, cast("Answerer", ScriptedAnswerer()))
    identity = (await services.conversations.create(EVERYTHING.digest, "Lamps")).conversation_id
    page = AskPage(services)
    events = [event async for event in page._events(_Asked("explode", identity, EVERYTHING))]
    assert (type(events[-1]), cast("Failed", events[-1]).code) == (Failed, "internal")
    monkeypatch.setattr(type(services), "scope_of", None)
    assert [type(event) async for event in page._events(_Asked("lamp", identity, EVERYTHING))] == [Failed]
    await services.conversations.close()
