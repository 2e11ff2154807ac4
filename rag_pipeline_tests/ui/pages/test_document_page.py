"""A document's own page in a real browser: texts and their places on the picture, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import encrypted_pdf
from rag_pipeline_tests.ingestion.test_ocr_languages import scan_of
from rag_pipeline_tests.programs import TESSERACT, needs
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving, violations
from rag_pipeline_tests.ui.library import CHAIN, HOSTILE, Library

DARK = """async () => {
  const image = document.querySelector('figure img'), box = image.getBoundingClientRect();
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const dark = (rect) => {
    const [x, y] = [(rect.left - box.left) / box.width * canvas.width, (rect.top - box.top) / box.height * canvas.height].map(Math.floor);
    const [w, h] = [rect.width / box.width * canvas.width, rect.height / box.height * canvas.height].map(Math.ceil);
    const data = context.getImageData(x, y, w, h).data;
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += data[i] < 128;
    return count;
  };
  const boxes = [...document.querySelectorAll('.of-elements rect')].map((one) => dark(one.getBoundingClientRect()));
  return { boxes, whole: dark(box) };
}"""
"""Dark pixels of the picture within each element's box, and in all of it."""


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with serving(library.settings) as served:
        yield served


def take(page: Any, folder: Path | None, name: str) -> None:
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"document-{name}.png", full_page=True)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')"))


def test_texts_and_their_places_mark_each_other(page: Any, address: str, library: Library, screenshots: Path | None) -> None:
    page.goto(f"{address}/documents/{library.ids['shop/prices.pdf']}")
    assert page.evaluate("document.querySelector('figure img').naturalWidth") > 500
    found = page.evaluate(DARK)
    assert len(found["boxes"]) == 4
    assert min(found["boxes"]) > 100
    assert sum(found["boxes"]) > 0.98 * found["whole"]  # all that is printed stands in a box

    page.locator(".block", has_text=CHAIN).hover()
    assert page.locator(".of-elements .lit").get_attribute("aria-label") == f"Paragraph: {CHAIN}"
    page.locator(".of-elements a[aria-label^='Heading']").hover()
    assert page.locator(".block.lit").inner_text().endswith("Bicycles")

    page.locator(".block").first.focus()
    page.keyboard.press("ArrowDown")
    assert focused(page).endswith("Bicycles")
    assert page.locator(".of-elements .lit").get_attribute("aria-label") == "Heading: Bicycles"
    page.keyboard.press("End")
    assert focused(page).endswith("bring the old one with you.")
    page.locator(".of-elements a[aria-label^='Heading']").focus()
    page.keyboard.press("Enter")
    assert focused(page).endswith("Bicycles")
    take(page, screenshots, "elements")

    page.get_by_label("Chunks").check()
    assert not page.locator(".of-elements a").first.is_visible()
    page.locator("a.cut").first.focus()
    assert page.locator(".of-chunks .lit").get_attribute("aria-label") == "Chunk 1"
    assert page.locator(".piece.lit", has_text=CHAIN).count() == 1
    take(page, screenshots, "chunks")
    page.get_by_label("Nothing").check()
    assert not page.locator(".places").is_visible()
    assert not page.locator("a.cut").first.is_visible()


def test_parts_are_loaded_as_they_are_asked_for_and_show_what_is_written(page: Any, address: str, library: Library) -> None:
    identity = library.ids["shop/prices.pdf"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    with page.expect_response(lambda answer: answer.url.endswith("/text?page=3")):  # before anybody asks for it
        page.goto(f"{address}/documents/{identity}?page=2")
    page.locator("a[rel=next]").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("No text was read here.").wait_for()
    assert page.url.endswith("?page=3")
    assert page.evaluate("document.activeElement.getAttribute('rel')") == "next"
    page.get_by_label("Page", exact=True).fill("4")
    page.keyboard.press("Enter")
    page.locator(".block", has_text=HOSTILE).wait_for()
    assert page.title() == "prices.pdf"
    assert page.locator("#part img").count() == 1
    page.go_back()
    page.get_by_text("No text was read here.").wait_for()
    assert sum("/text?page=3" in one for one in asked) == 1
    assert sum(one == f"/documents/{identity}?page=2" for one in asked) == 1


@pytest.mark.parametrize(("document", "width", "scheme"), [("shop/tools.xlsx", 360, "dark"), ("shop/guide.docx", 360, "light")])
def test_it_fits_a_telephone(
    page: Any, address: str, library: Library, screenshots: Path | None, document: str, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/documents/{library.ids[document]}")
    page.locator(".block").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    take(page, screenshots, f"{document.split('.')[-1]}-{scheme}")


def test_a_document_is_read_again_and_deleted_from_its_page(page: Any, address: str, library: Library) -> None:
    file = library.settings.uploads / "letters" / "gone.txt"
    page.goto(f"{address}/documents/{library.ids['letters/gone.txt']}")
    page.get_by_role("button", name="Read again").click()
    page.get_by_text("waiting", exact=True).wait_for()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    assert file.exists()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted: it leaves the answers within seconds.").wait_for()
    assert not file.exists()


def test_a_password_is_asked_for_where_one_is_wanted(
    page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None
) -> None:
    (settings.uploads / "deed.pdf").write_bytes(encrypted_pdf("BT /F 12 Tf 72 700 Td (The deed names the heir.) Tj ET", "open sesame"))
    ingest()
    with serving(settings, ScriptedAnswerer()) as served:
        page.goto(served)
        page.get_by_role("tab", name="Documents").click()
        page.goto(served + page.locator("table.documents .name a").first.get_attribute("href"))
        page.get_by_label("Password").fill("\u2028")
        page.get_by_role("button", name="Read with it").click()
        page.get_by_text("A password is one line of printable characters").wait_for()
        page.get_by_label("Password").fill("open sesame")
        take(page, screenshots, "password")
        page.get_by_label("Password").press("Enter")
        page.get_by_text("Kept. It is read with it by the next run.").wait_for()
        assert violations(page) == []
        ingest()
        page.locator(".block", has_text="The deed names the heir.").wait_for()
    assert settings.passwords_path.read_text() == "open sesame\n"


@needs(TESSERACT)
def test_a_scan_is_read_in_other_languages(page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes of the lighthouse"))
    ingest()
    with serving(settings, ScriptedAnswerer()) as served:
        page.goto(served)
        page.get_by_role("tab", name="Documents").click()
        page.goto(served + page.locator("table.documents .name a").first.get_attribute("href"))
        found = page.evaluate(DARK)
        assert found["boxes"][0] > 0.98 * found["whole"]  # on a picture that is low and wide, too
        languages = page.get_by_label("OCR languages")
        assert (languages.input_value(), languages.get_attribute("placeholder")) == ("", "eng")
        languages.fill("tlh+eng")
        languages.press("Enter")
        page.get_by_text("Tesseract has no data for 'tlh'.").wait_for()
        languages.fill("eng")
        take(page, screenshots, "languages")
        page.get_by_role("button", name="Read in them").click()
        page.get_by_text("Kept. It is read with them by the next run.").wait_for()
        assert violations(page) == []
        page.reload()
        assert languages.input_value() == "eng"
        assert page.get_by_text("otherwise than").count() == 1  # until the next run
        ingest()
        page.reload()
        assert page.get_by_text("otherwise than").count() == 0
        page.locator(".block", has_text="Minutes of the lighthouse").wait_for()
