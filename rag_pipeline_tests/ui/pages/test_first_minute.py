"""The first page while there is nothing to ask about, in a real browser: it sets up, and turns into the ordinary one by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.answering.generation.chosen_model import ChosenModel, chosen_model
from rag_pipeline.answering.generation.local_models import LocalModel
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving, violations
from rag_pipeline_tests.waiting import wait_until

SECONDS = 1000


@pytest.fixture
def system_without_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with Debian's package manager, and nothing else."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def take(page: Any, folder: Path | None, name: str) -> None:
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"first-{name}.png", full_page=True)


@pytest.mark.usefixtures("system_without_programs")
def test_the_first_minute(page: Any, settings: Settings, ingest: Callable[..., object], tmp_path: Path, screenshots: Path | None) -> None:
    answerer = ScriptedAnswerer()
    answerer.offered = tuple(LocalModel("Ollama", "http://127.0.0.1:11434/v1", name) for name in ("qwen3:4b", "llama3.2:latest"))
    small = settings.model_copy(update={"max_file_bytes": 1000})
    (tmp_path / "note.txt").write_text("The lamp is repaired by Ada.")
    (tmp_path / "large.txt").write_text("x" * 2000)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with serving(small, answerer) as address:
        page.goto(address)
        page.get_by_role("heading", name="What cannot be read yet").wait_for(timeout=30 * SECONDS)
        assert "apt install tesseract-ocr" in page.locator("#first-machine").inner_text()
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colours halfway
            page.set_viewport_size({"width": width, "height": 800})
            take(page, screenshots, f"{scheme}-{width}")
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_viewport_size({"width": 1280, "height": 800})

        page.get_by_role("button", name="Copy the folder’s path").click()
        wait_until(lambda: page.evaluate("navigator.clipboard.readText()") == str(settings.uploads))

        page.get_by_role("button", name="Use llama3.2:latest").click()
        page.locator("#first-machine").get_by_text("llama3.2:latest, by Ollama on this machine.").wait_for()
        page.locator("#answers-by", has_text="Answers are written by llama3.2:latest").wait_for()
        assert chosen_model(settings) == ChosenModel("Ollama", "llama3.2:latest")
        page.locator("#answers-by").get_by_role("button", name="Quote instead").click()
        page.locator("#answers-by", has_text="Ollama offers qwen3:4b").wait_for()
        assert chosen_model(settings) is None

        page.set_input_files(".first-drop input[type=file]", [tmp_path / "large.txt", tmp_path / "note.txt"])
        page.locator(".first-drop li", has_text="note.txt is in collection default").wait_for()
        page.locator(".first-drop .bad", has_text="large.txt").wait_for()
        assert (settings.uploads / "note.txt").exists()
        ingest()
        page.get_by_role("heading", name="Ask 1 document anything").wait_for(timeout=30 * SECONDS)
        assert page.locator(".first-drop .bad").is_visible()  # what it says of the large one is still to be read
        assert not page.locator("#first-machine").is_visible()
        take(page, screenshots, "over")
        page.reload()
        page.get_by_role("heading", name="Ask 1 document anything").wait_for(timeout=30 * SECONDS)
        assert not page.locator("#first-drop").is_visible()


def test_documents_that_all_failed_are_no_dead_end(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "broken.pdf").write_bytes(b"%PDF-1.4 rubbish")
    ingest()
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        page.locator(".greeting").get_by_role("button", name="Documents").click()
        page.locator("table.documents .reason").wait_for()
        page.get_by_role("tab", name="Ask").click()
        assert page.locator(".first-drop").is_visible()
        assert page.get_by_role("button", name="Try it with example documents").is_visible()
