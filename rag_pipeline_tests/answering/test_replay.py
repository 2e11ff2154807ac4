"""An answer that is kept, and asked again: the passages are those of then, whatever became of the documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.conversation.remembered import kept_provenance, provenance_of, remembered
from rag_pipeline.answering.scope import EVERYWHERE
from rag_pipeline.cli.replay import Replay, in_words, replay
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations import ConversationGoneError, Conversations
from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.answering.conftest import BRIDGE, publish, settings_at
from rag_pipeline_tests.answering.provider import Reply, provider

QUESTION = "When was the Iron Bridge opened?"


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    made = settings_at(tmp_path / "data")
    publish(made, "bridges", {"iron.md": BRIDGE})
    return made


async def kept(settings: Settings, question: str = QUESTION) -> tuple[str, str]:
    """An answer in a conversation; its id and its words."""
    conversations, answerer = Conversations(Database(None, settings.conversations_path)), build_answerer(settings)
    identity = (await conversations.create("ada", "Bridges")).conversation_id
    async for _ in remembered(answerer, conversations, "ada", identity, question, EVERYWHERE):
        pass
    await answerer.close()
    message = (await conversations.get("ada", identity)).messages[-1]
    assert "provenance" not in message.detail  # nobody who reads a conversation pays for it
    await conversations.close()
    return message.message_id, message.content


async def test_what_an_answer_was_made_of_comes_back_as_it_was(own_settings: Settings) -> None:
    answerer = build_answerer(own_settings)
    *_, end = [event async for event in answerer.stream(QUESTION)]
    await answerer.close()
    assert isinstance(end, Answered)
    passages = tuple(replace(hit, boxes=()) for hit in end.provenance.passages)
    assert all(hit.parts and hit.parts.meaning for hit in passages)
    assert provenance_of(json.loads(json.dumps(kept_provenance(end)))) == replace(end.provenance, passages=passages)


async def test_without_a_language_model_it_is_the_same_word_for_word(own_settings: Settings) -> None:
    message, said = await kept(own_settings)
    refused, reason = await kept(own_settings, "Who won the chess championship of Peru?")
    assert [(found.kept, found.again, found.same) for found in [await replay(own_settings, message)]] == [(said, said, True)]
    found = await replay(own_settings, refused)
    assert (found.state, found.kept, found.again) == ("refused", reason, reason)

    version = open_index(own_settings).manifests()["bridges"].version
    publish(own_settings, "bridges", {"iron.md": ["The Iron Bridge is closed.", *BRIDGE[1:]]})
    found = await replay(own_settings.model_copy(update={"top_k": 3}), message)
    assert (found.again, found.differs["index version of bridges"][0], found.differs["top_k"]) == (said, version, (8, 3))
    assert found.differs["passages that are in the index word for word"] == (3, 2)
    assert "Asked again with the same passages: the same, word for word." in list(in_words(found))

    open_index(own_settings).drop("bridges")
    found = await replay(own_settings, message)
    assert (found.kept, found.again) == (said, None)
    assert "bridges" in found.why_not


async def test_a_language_model_is_asked_again_and_what_differs_is_shown(own_settings: Settings) -> None:
    async with provider(Reply(["It opened ", "in 1781 [1]."]), Reply(["In 1781 it was opened [1]."])) as server:
        model = {"chat_model": "scripted", "openai_base_url": server.url, "openai_api_key": "none"}
        settings = Settings.model_validate({**own_settings.model_dump(), **model})
        message, said = await kept(settings)
        publish(own_settings, "bridges", {"iron.md": ["The Iron Bridge is closed."]})
        found = await replay(settings, message)
        assert (found.kept, found.again, found.same) == (said, "In 1781 it was opened [1].", False)
        assert server.requests[0]["messages"] == server.requests[1]["messages"]
        assert "prompt" not in found.differs
        assert [line for line in in_words(found) if line[:2] in ("- ", "+ ")] == [f"- {said}", "+ In 1781 it was opened [1]."]
    found = await replay(own_settings, message)
    assert (found.kept, found.again) == (said, None)
    assert "RAG_CHAT_MODEL" in found.why_not
    assert "scripted" in found.why_not


async def test_what_cannot_be_asked_again_says_why(own_settings: Settings) -> None:
    conversations = Conversations(Database(None, own_settings.conversations_path))
    identity = (await conversations.create("ada", "Bridges")).conversation_id
    broken, old = await conversations.begin_answer("ada", identity, "x"), await conversations.begin_answer("ada", identity, "y")
    await conversations.finish_answer(broken, "It op", "interrupted", {})
    await conversations.finish_answer(old, "It opened in 1781 [1].", "complete", {"model": None})
    (question, *_) = (await conversations.get("ada", identity)).messages
    await conversations.close()
    found: list[Replay] = [await replay(own_settings, message) for message in (broken, old)]
    assert [(one.kept, one.again) for one in found] == [("It op", None), ("It opened in 1781 [1].", None)]
    assert ["interrupted" in found[0].why_not, "by a version" in found[1].why_not] == [True, True]
    with pytest.raises(ConversationGoneError, match="no answer with the id"):
        await replay(own_settings, question.message_id)
