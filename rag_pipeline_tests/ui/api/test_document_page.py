"""A document's own page and its text over HTTP: a PDF, a Word file and a workbook, really read; and who may see them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import encrypted_pdf
from rag_pipeline_tests.ingestion.test_ocr_languages import scan_of
from rag_pipeline_tests.programs import TESSERACT, needs
from rag_pipeline_tests.ui.api.test_catalog_out_of_reach import written_by_another_process
from rag_pipeline_tests.ui.conftest import serving
from rag_pipeline_tests.ui.library import CHAIN, HEADER, Library
from ui.web import services

FULL, READER, LIMITED = "token-that-may-all", "token-that-may-read", "token-for-one-part"
TOKENS = f"full:read+write:{FULL} reader:read:{READER} limited:read+write:letters:{LIMITED}"


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    guarded = library.settings.model_copy(update={"api_tokens": Settings(api_tokens=TOKENS).api_tokens})
    with serving(guarded, with_pages=False) as served:
        yield served


def client(address: str, token: str = FULL) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def text_of(address: str, identity: str, **place: int) -> Any:
    with client(address) as reading:
        answer = reading.get(f"/api/v1/documents/{identity}/text", params=place)
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(address: str, rest: str) -> httpx.Response:
    with client(address) as reading:
        return reading.get(f"/documents/{rest}")


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_the_text_of_a_pdf_comes_page_by_page_with_places_and_chunks(address: str, library: Library) -> None:
    first = text_of(address, library.ids["shop/prices.pdf"])
    assert (first["part"], first["parts"], first["page"], first["document"]) == (1, 4, 1, "prices.pdf")
    assert [one["kind"] for one in first["elements"]] == ["Header", "Title", "NarrativeText", "NarrativeText"]
    chain = first["elements"][2]
    assert (chain["text"], chain["heading_path"], chain["characters"]) == (CHAIN, ["Bicycles"], len(CHAIN))
    (box,) = chain["boxes"]
    assert (box["page"], round(box["left"], 2), 0.14 < box["top"] < box["bottom"] < 0.17) == (1, 0.1, True)
    for element in first["elements"]:
        spans = element["chunks"]
        assert "".join(element["text"][span["start"] : span["end"]] for span in spans) == element["text"]
    second = text_of(address, library.ids["shop/prices.pdf"], page=2)
    assert [one["kind"] for one in second["elements"]] == ["Title", "NarrativeText"]  # the header is kept once
    empty = text_of(address, library.ids["shop/prices.pdf"], page=3)
    assert (empty["elements"], empty["chunks"]) == ([], [])


def test_a_chunk_is_the_passage_that_is_searched_and_cited(address: str, library: Library) -> None:
    with client(address) as asking:
        hits = asking.post("/api/v1/search", json={"question": CHAIN, "collections": ["shop"]}).json()["hits"]
    part = text_of(address, library.ids["shop/prices.pdf"])
    ids = [one["chunk_id"] for one in part["chunks"]]
    hit = next(one for one in hits if one["chunk_id"] in ids)
    spans = [(one["text"], span) for one in part["elements"] for span in one["chunks"]]
    shown = [text[span["start"] : span["end"]].strip() for text, span in spans if ids[span["chunk"]] == hit["chunk_id"]]
    assert "\n".join(shown) in hit["text"]


def test_a_text_without_pages_comes_in_parts_that_begin_at_headings(address: str, library: Library) -> None:
    identity = library.ids["shop/guide.docx"]
    parts = [text_of(address, identity, part=number) for number in range(1, text_of(address, identity)["parts"] + 1)]
    assert len(parts) > 1
    assert {part["page"] for part in parts} == {None}
    said = [element["text"] for part in parts for element in part["elements"]]
    assert [text for text in said if text.startswith("Chapter")] == ["Chapter 1", "Chapter 2", "Chapter 3"]
    assert [text.split()[1] for text in said if text.startswith("Sentence")] == [str(number) for number in range(120)]
    assert parts[1]["elements"][0]["kind"] == "Title"
    positions = [chunk["position"] for part in parts for chunk in part["chunks"]]
    assert sorted(set(positions)) == list(range(max(positions) + 1))
    for element in (one for part in parts for one in part["elements"]):
        assert "".join(element["text"][span["start"] : span["end"]] for span in element["chunks"]) == element["text"]


def test_a_workbooks_pages_are_its_sheets(address: str, library: Library) -> None:
    tools, ladders = (text_of(address, library.ids["shop/tools.xlsx"], page=page) for page in (1, 2))
    assert (tools["elements"][-1]["text"].split("\n")[-1], tools["elements"][-1]["heading_path"]) == ("Drill | 5", ["Tools"])
    assert len({span["chunk"] for span in ladders["elements"][-1]["chunks"]}) > 1
    page = page_of(address, f"{library.ids['shop/tools.xlsx']}?page=2").text
    assert page.count('<tr class="begins">') > 1
    assert '<th scope="col" dir="auto">Metres</th>' in page


@pytest.mark.parametrize(
    ("document", "place", "status", "said"),
    [
        ("shop/prices.pdf", {"page": 5}, 404, "has no page 5: it has 4 pages"),
        ("shop/guide.docx", {"part": 99}, 404, "has no part 99"),
        ("shop/broken.docx", {}, 409, "it is failed"),
        ("shop/prices.pdf", {"page": 0}, 422, "page"),
    ],
)
def test_what_there_is_not_is_said(address: str, library: Library, document: str, place: dict[str, int], status: int, said: str) -> None:
    with client(address) as reading:
        answer = reading.get(f"/api/v1/documents/{library.ids[document]}/text", params=place)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True)


def test_the_page_says_what_is_known_and_what_was_left_out(address: str, library: Library) -> None:
    identity = library.ids["shop/prices.pdf"]
    answer = page_of(address, identity)
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    said = words(answer.text)
    for known in ("Collection shop", "indexed", "Type PDF", "Pages 4", "Language English", "Reader pdf", "Page 1 of 4", CHAIN):
        assert known in said, known
    assert re.search(r"Chunks \d+ .*Vectors \d+ .*Found \d{4}-.*Read \d{4}-.*Indexed \d{4}-.*Index \d{4}", said)
    assert f"Kept once, at the edge of page 1: “{HEADER}”" in said
    assert "No text was found on page 3." in said
    assert f'<a href="/documents/{library.ids["letters/prices.pdf"]}" dir="auto">letters/prices.pdf</a>' in answer.text
    failed = words(page_of(address, library.ids["shop/broken.docx"]).text)
    assert "failed" in failed
    assert "There is no text of it." in failed
    assert "Retry" in failed


def test_what_a_document_says_is_shown_as_text(address: str, library: Library) -> None:
    page = page_of(address, f"{library.ids['shop/prices.pdf']}?page=4").text
    assert "&lt;script&gt;document.title" in page
    assert page.count("<script") == page.count("</script>") == 6  # our own
    assert "<img src=http" not in page


def test_a_citation_leads_to_its_document_and_back(address: str, library: Library) -> None:
    with client(address) as reading:
        question = {"question": "Who repaired the lamp in the hall?", "collections": ["shop"]}
        cited = reading.post("/api/v1/ask", json=question).json()["citations"][0]
        passage = f"/passages/shop/{cited['chunk_id']}"
        whole = html.unescape(re.findall(r'<a href="([^"]*)" target="_blank">Whole document', reading.get(f"{passage}?page=2").text)[0])
        document = reading.get(whole)
        assert "Page 2 of 4" in document.text
        assert f'<a href="{passage}">Back to the citation</a>' in document.text
        assert re.search(r'class="piece \w+ asked"[^>]*>[^<]*lamp in the hall', document.text)
        assert f'href="{passage}"' in reading.get(f"/documents/{library.ids['shop/prices.pdf']}/text?page=2").text


def test_questions_are_the_readers_own(address: str, library: Library) -> None:
    page = f"/documents/{library.ids['letters/prices.pdf']}"
    for token, question in ((FULL, "What does a new chain cost?"), (LIMITED, "Who repaired the lamp in the hall?")):
        with client(address, token) as asking:
            made = asking.post("/api/v1/conversations", json={"title": "x"}).json()["conversation_id"]
            asked = asking.post(f"/api/v1/conversations/{made}/ask", json={"question": question, "collections": ["letters"]}).json()
            assert asked["citations"]
            shown = asking.get(page).text
            assert f'<a href="/?conversation={made}" dir="auto">{question}</a>' in shown
            assert 'Your questions <span class="count">1</span>' in shown
            asking.delete(f"/api/v1/conversations/{made}")
            assert "Your questions" not in asking.get(page).text


def test_nobody_sees_more_than_he_may(address: str, library: Library) -> None:
    hidden, seen = library.ids["shop/prices.pdf"], library.ids["letters/prices.pdf"]
    with client(address, LIMITED) as limited:
        for path in (f"/documents/{hidden}", f"/documents/{hidden}/text", f"/api/v1/documents/{hidden}/text"):
            assert limited.get(path).status_code == 404, path
        page = limited.get(f"/documents/{seen}").text
        assert ("shop" in page, "data-method" in page) == (False, True)
        assert limited.post(f"/api/v1/documents/{hidden}/retry?again=true").status_code == 404
    with client(address, READER) as reader:
        page = reader.get(f"/documents/{seen}").text
        assert ("data-post" in page, "shop/prices.pdf" in page) == (False, True)
        assert reader.post(f"/api/v1/documents/{seen}/retry?again=true").status_code == 403
    assert httpx.get(f"{address}/documents/{seen}/text").status_code == 401


def test_a_catalog_that_a_run_is_writing_is_explained(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "CATALOG_WAIT_SECONDS", 0.1)
    identity = library.ids["shop/prices.pdf"]
    with (
        serving(library.settings, with_pages=False) as busy,
        written_by_another_process(library.settings.catalog_path),
        client(busy) as reading,
    ):
        page = reading.get(f"/documents/{identity}")
        assert (page.status_code, "A run is writing the catalog" in page.text) == (503, True)
        text = reading.get(f"/api/v1/documents/{identity}/text")
        assert (text.status_code, text.json()["error"]["code"]) == (503, "catalog_busy")


def test_an_indexed_document_is_read_again_when_asked(address: str, library: Library) -> None:
    with client(address) as asking:
        identity = library.ids["shop/again.txt"]
        assert "?again=true" in asking.post(f"/api/v1/documents/{identity}/retry").json()["error"]["message"]
        answer = asking.post(f"/api/v1/documents/{identity}/retry?again=true")
        assert (answer.status_code, answer.json()["state"], answer.json()["stage"]) == (202, "pending", "waiting")
        page = words(asking.get(f"/documents/{identity}").text)
        assert "It is not read yet, or is being read again" in page
        assert asking.post("/api/v1/search", json={"question": "okapi", "collections": ["shop"]}).json()["hits"]


def test_a_protected_document_is_read_with_a_password_given_on_its_page(settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "deed.pdf").write_bytes(encrypted_pdf("BT /F 12 Tf 72 700 Td (The deed names the heir.) Tj ET", "open sesame"))
    (settings.uploads / "broken.pdf").write_bytes(b"%PDF-1.4 rubbish")
    ingest()
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=TOKENS).api_tokens})
    with serving(guarded, with_pages=False) as served, client(served) as writer, client(served, READER) as reader:
        ids = {one["document"]: one["document_id"] for one in writer.get("/api/v1/documents").json()["documents"]}
        address, given = f"/api/v1/documents/{ids['deed.pdf']}", {"password": "open sesame"}
        assert f'action="{address}/password"' in writer.get(f"/documents/{ids['deed.pdf']}").text
        assert "/password" not in reader.get(f"/documents/{ids['deed.pdf']}").text + writer.get(f"/documents/{ids['broken.pdf']}").text
        assert reader.post(f"{address}/password", json=given).status_code == 403
        assert writer.post(f"/api/v1/documents/{ids['broken.pdf']}/password", json=given).status_code == 409
        assert writer.post(f"{address}/password", json={"password": "wrong\nones"}).json()["error"]["code"] == "password_not_kept"
        assert writer.post(f"{address}/password", json=given).json()["state"] == "pending"
        assert "about to be read" in writer.post(f"{address}/password", json=given).json()["error"]["message"]
        ingest()
        assert writer.get(address).json()["state"] == "indexed"
        assert writer.post(f"{address}/password", json=given).status_code == 409


@needs(TESSERACT)
def test_who_may_not_write_chooses_no_languages_and_text_has_none(settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes of the lighthouse"))
    (settings.uploads / "text.txt").write_text("Words.")
    ingest()
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=TOKENS).api_tokens})
    with serving(guarded, with_pages=False) as served, client(served) as writer, client(served, READER) as reader:
        ids = {one["document"]: one["document_id"] for one in writer.get("/api/v1/documents").json()["documents"]}
        address, page = f"/api/v1/documents/{ids['scan.png']}/ocr-languages", f"/documents/{ids['scan.png']}"
        assert f'action="{address}"' in writer.get(page).text
        assert "ocr-languages" not in reader.get(page).text + writer.get(f"/documents/{ids['text.txt']}").text
        assert reader.post(address, json={"languages": "eng"}).status_code == 403
        refused = writer.post(address, json={"languages": "-l"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ocr_language")
        assert writer.post(address.replace(ids["scan.png"], "nothing"), json={"languages": "eng"}).status_code == 404
        kept = writer.post(address, json={"languages": "eng"})
        assert (kept.status_code, kept.json()["state"]) == (202, "indexed")  # and it answers until it is read
