"""What Gradio keeps of pages, in a real browser: no more for more questions, and pages work without it."""

from typing import Any

import gradio
import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, serving
from ui.web import page_states

TURNS = 3


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> list[gradio.Blocks]:
    """The pages of the apps that the test starts."""
    kept: list[gradio.Blocks] = []

    def bound(blocks: gradio.Blocks) -> None:
        kept.append(blocks)
        page_states.bound_page_states(blocks)

    monkeypatch.setattr("ui.web.app.bound_page_states", bound)
    return kept


def ask(page: Any, answers: int) -> None:
    page.locator("#question textarea").fill(f"Question {answers}")
    page.locator("#question textarea").press("Enter")
    comes_to(page, ".turn .actions", answers)


def test_a_page_keeps_each_component_once_however_many_questions_it_asks(
    page: Any, settings: Settings, mounted: list[gradio.Blocks]
) -> None:
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        for answers in range(1, TURNS + 1):
            ask(page, answers)
        (blocks,) = mounted
        (kept,) = blocks.state_holder.session_data.values()
        assert set(kept.blocks_config.blocks) == set(kept.config_values) == set(blocks.default_config.blocks)
        chats = [block for block in kept.blocks_config.blocks.values() if isinstance(block, gradio.Chatbot)]
        assert [len(kept.config_values[chat._id]["props"]["value"]) for chat in chats] == [2 * TURNS]


def test_pages_whose_state_is_gone_go_on(
    page: Any, settings: Settings, mounted: list[gradio.Blocks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_states, "MOST_PAGES", 1)
    answerer = ScriptedAnswerer()
    with serving(settings, answerer) as address:
        other = page.context.new_page()
        for opened in (page, other):
            opened.goto(address)
        for answers in range(1, TURNS + 1):
            for asking in (page, other):
                ask(asking, answers)
        assert len(mounted[0].state_holder.session_data) == 1
        assert [len(history) for _, history, _ in answerer.asked] == [0, 0, 2, 2, 4, 4]
