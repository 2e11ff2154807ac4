"""The list of documents in a real browser: sorted, paged, selected from, deleted with a way back; and whole folders uploaded."""

import zipfile
from pathlib import Path
from typing import Any

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline_tests.conftest import text_lane
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, serving
from rag_pipeline_tests.ui.pages.test_browser import SECONDS, take
from rag_pipeline_tests.waiting import wait_until

HOSTILE = "<img src=x onerror=alert(1)> &amp; 'x' \".txt"
MANY = """
INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, media_type, state, chunks, added_at, indexed_at)
SELECT md5(i::VARCHAR), 'many', 'folder ' || i % 3 || '/document ' || i || '.pdf', encode('many/' || i), '1:1:1:1', i * 1000,
    'application/pdf', 'indexed', 1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR FROM range(1, 241) r(i)
"""
ROWS = "#table tbody tr"
DROPPED = "() => { const files = new DataTransfer(); files.items.add(new File(['Dropped.'], 'dropped.txt')); return files; }"


def opened(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Documents").click()
    page.wait_for_selector(ROWS, timeout=30 * SECONDS)


def first_is(page: Any, words: str) -> None:
    page.wait_for_function("words => document.querySelector('#table tbody tr')?.innerText.includes(words)", arg=words, timeout=30 * SECONDS)


def choose(page: Any, name: str) -> None:
    page.locator(ROWS, has_text=name).locator(".choose input").check()


def test_documents_are_sorted_paged_selected_and_deleted_with_a_way_back(page: Any, settings: Settings, screenshots: Path | None) -> None:
    for name in ("a.txt", "b.txt", HOSTILE):
        (settings.uploads / name).write_text(f"Words of {name}.")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    catalog = open_catalog(settings)
    with catalog.writing() as connection:
        connection.execute(MANY)
    with serving(settings, ScriptedAnswerer()) as address:
        opened(page, address)
        comes_to(page, ROWS, 100)
        page.get_by_role("button", name="Size").click()
        first_is(page, "document 240.pdf")
        assert page.locator("#table th", has_text="Size").get_attribute("aria-sort") == "descending"
        page.get_by_role("button", name="Next ›").click()
        first_is(page, "document 140.pdf")
        choose(page, "document 139.pdf")
        page.locator(ROWS, has_text="document 60.pdf").scroll_into_view_if_needed()
        scrolled = page.evaluate("scrollY")
        with catalog.writing() as connection:
            connection.execute("UPDATE documents SET pages = 777 WHERE document = 'folder 2/document 140.pdf'")
        first_is(page, "777")
        assert page.locator(ROWS, has_text="document 139.pdf").locator(".choose input").is_checked()
        assert page.locator("[data-selected]").inner_text() == "1 selected"
        assert page.locator("[data-page-number]").input_value() == "2"
        assert page.evaluate("scrollY") == scrolled
        take(page, screenshots, "list")

        page.locator(".folders button", has_text="many").click()
        first_is(page, "document 240.pdf")
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name="Select all 240 documents that match").click()
        assert page.locator("[data-selected]").inner_text() == "240 selected"
        page.locator(".folders button", has_text="folder 1").click()
        comes_to(page, ROWS, 80)
        page.get_by_label("All on this page").check()
        assert page.locator("[data-selected]").inner_text() == "80 selected"
        take(page, screenshots, "folders")

        page.get_by_role("button", name="Clear", exact=True).click()
        page.locator("[data-filters] [name=collection]").select_option("default")
        comes_to(page, ROWS, 3)
        assert page.locator("#table img").count() == 0
        assert page.locator("td.name > a").nth(0).inner_text() == HOSTILE
        choose(page, HOSTILE)
        choose(page, "a.txt")
        with page.expect_download() as begun:
            page.get_by_role("button", name="Download").click()
        with zipfile.ZipFile(begun.value.path()) as downloaded:
            assert sorted(downloaded.namelist()) == ["default/a.txt", "default/img src=x onerror=alert(1) &amp; 'x'.txt"]
        page.get_by_role("button", name="Delete", exact=True).click()
        assert page.locator("tr.going").count() == 2
        take(page, screenshots, "undo")
        page.locator("#said .undo").click()
        assert page.locator("tr.going").count() == 0
        choose(page, HOSTILE)
        page.get_by_role("button", name="Delete", exact=True).click()
        choose(page, "b.txt")
        page.get_by_role("button", name="Delete", exact=True).click()  # what waited is carried out at once
        page.locator("tr.leaving", has_text="being removed").wait_for(timeout=30 * SECONDS)
        page.locator("#said .undo").click()
        assert sorted(file.name for file in settings.uploads.iterdir()) == ["a.txt", "b.txt"]


TAG = "<img src=x onerror=alert(1)> & 'x' \" {{ 7 }}"


def test_documents_are_tagged_untagged_and_found_by_tags(page: Any, settings: Settings, screenshots: Path | None) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (settings.uploads / name).write_text(f"Words of {name}.")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    with serving(settings, ScriptedAnswerer()) as address:
        opened(page, address)
        choose(page, "a.txt")
        choose(page, "b.txt")
        page.get_by_text("Tag…").click()
        page.get_by_label("Tags, a comma between them").fill(f"{TAG}, Lease ,lease")
        take(page, screenshots, "tagging")
        page.get_by_role("button", name="Add", exact=True).click()
        comes_to(page, "#table .tag", 4)
        assert page.locator(ROWS, has_text="a.txt").locator(".tag").all_inner_texts() == [TAG, "Lease"]
        assert page.locator("#table img").count() == 0
        assert page.locator("[data-filters] [name=tag] option").all_inner_texts() == ["All tags", f"{TAG} (2)", "Lease (2)"]
        take(page, screenshots, "tags")

        page.locator(ROWS, has_text="b.txt").locator(".tag", has_text="Lease").click()
        comes_to(page, ROWS, 2)
        assert page.locator("[data-filters] [name=tag]").input_value() == "Lease"
        page.get_by_label("All on this page").check()
        page.get_by_text("Tag…").click()
        page.get_by_label("Tags, a comma between them").fill("x" * 65)
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_text("Shorten it to 64.").wait_for(timeout=30 * SECONDS)
        page.get_by_label("All on this page").check()
        page.get_by_text("Tag…").click()
        page.get_by_label("Tags, a comma between them").fill("lease")
        page.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_text("No document matches.").wait_for(timeout=30 * SECONDS)
        page.get_by_role("button", name="Clear", exact=True).click()
        comes_to(page, ROWS, 3)

        with page.expect_popup() as own:
            page.locator("td.name > a", has_text="a.txt").first.click()
        document = own.value
        document.get_by_label("New tag").fill("Öl, urgent")
        document.keyboard.press("Enter")
        comes_to(document, ".tagged li", 3)
        assert document.locator(".tagged li bdi").all_inner_texts() == [TAG, "urgent", "Öl"]
        assert document.locator("img[src=x]").count() == 0
        document.get_by_role("button", name=f"Remove the tag {TAG}").click()
        comes_to(document, ".tagged li", 2)
        take(document, screenshots, "document-tags")
        document.reload()
        assert document.locator(".tagged li bdi").all_inner_texts() == ["urgent", "Öl"]
        comes_to(page, "#table .tag", 3)  # the list finds out by itself


def test_a_tag_waits_for_the_script_that_gives_it(page: Any, settings: Settings) -> None:
    """Entered before, it went into the page's address, and was lost."""
    (settings.uploads / "a.txt").write_text("Words of a.")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    held: list[Any] = []
    page.route("**/tags.js*", lambda route: held.append(route))  # Playwright marks the function that it is given
    with serving(settings, ScriptedAnswerer()) as address:
        (document,) = page.request.get(f"{address}/api/v1/documents").json()["documents"]
        page.goto(f"{address}/documents/{document['document_id']}", wait_until="commit")
        field = page.get_by_label("New tag")
        field.wait_for(timeout=30 * SECONDS)
        wait_until(lambda: bool(held))
        assert field.is_disabled()
        held[0].continue_()
        field.fill("urgent", timeout=30 * SECONDS)
        page.keyboard.press("Enter")
        comes_to(page, ".tagged li", 1)
        assert "?" not in page.url


def test_a_folder_is_uploaded_and_followed_until_it_answers(
    page: Any, settings: Settings, tmp_path: Path, screenshots: Path | None
) -> None:
    (settings.uploads / "trips").mkdir()
    (settings.uploads / "trips" / "known.txt").write_text("Zebras have stripes.")
    steps.source_documents.update_documents(Workspace(settings, "trips"))
    trip = tmp_path / "trip"
    (trip / "may").mkdir(parents=True)
    (trip / "may" / "Café (1).txt").write_text("The café in the harbour opens at nine.")
    (trip / "again.txt").write_text("Zebras have stripes.")
    (trip / ".DS_Store").write_text("of a machine")
    lost = []

    def lose_the_first(route: Any) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    with serving(settings, ScriptedAnswerer()) as address:
        opened(page, address)
        page.route("**/api/v1/documents", lose_the_first)
        page.fill(".upload input[name=collection]", "trips")
        page.set_input_files(".upload input[name=folder]", trip)
        page.get_by_text("it goes on by itself").wait_for()
        page.get_by_text("trip/may/Café (1).txt is in collection trips").wait_for(timeout=30 * SECONDS)
        assert page.get_by_text("trip/again.txt is in collection trips already, as known.txt; it was not sent.").is_visible()
        assert "1 hidden left out" in page.locator(".upload [data-upload-summary]").inner_text()
        text_lane(settings, collection="trips")
        page.get_by_text("is in collection trips, and answers.").wait_for(timeout=30 * SECONDS)
        take(page, screenshots, "uploaded")
        page.get_by_role("button", name="Send them all the same").click()
        dropped = page.evaluate_handle(DROPPED)
        page.dispatch_event(".upload .drop", "drop", {"dataTransfer": dropped})
        page.get_by_text("dropped.txt is in collection trips").wait_for(timeout=30 * SECONDS)
        wait_until(lambda: page.wait_for_timeout(100) or (settings.uploads / "trips" / "trip" / "again.txt").exists())
    assert (settings.uploads / "trips" / "trip" / "may" / "Café (1).txt").read_text() == "The café in the harbour opens at nine."
    assert len(lost) == 1
