"""The memory, on SQLite and on a real PostgreSQL that these tests start."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from rag_pipeline.backup.making import back_up
from rag_pipeline.backup.restoring import restore
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations import Conversation, ConversationError, ConversationGoneError, Conversations, deleted, engine
from rag_pipeline.stores.conversations import store as store_module
from rag_pipeline.stores.conversations.engine import MIGRATIONS, Database
from rag_pipeline.stores.conversations.tables import METADATA
from rag_pipeline.stores.thumbs import may_hold_thumbs

NEWEST = max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]
NARROWED = {"collections": ["a", "b"], "filter": {"folder": "2025", "types": ["pdf"]}}
DETAIL = {"citations": [{"number": 1, "text": "ünï"}], "timings": {"retrieve": 0.1}, "model": None}


@pytest.fixture
async def conversations(url: str, tmp_path: Path) -> AsyncIterator[Conversations]:
    made = Conversations(Database(url, tmp_path / "unused"))
    yield made
    await made.close()


async def answered(conversations: Conversations, owner: str, conversation_id: str, question: str, answer: str) -> str:
    message = await conversations.begin_answer(owner, conversation_id, question)
    await conversations.finish_answer(message, answer, "complete", DETAIL)
    return message


async def test_a_conversation_is_kept(conversations: Conversations) -> None:
    made = await conversations.create("anna", "  About the\nlease  ")
    message = await answered(conversations, "anna", made.conversation_id, "When? \x00☂ 日本 \ud800", "In May [1].")
    await conversations.give_feedback("anna", message, "up", "good")
    kept = await conversations.get("anna", made.conversation_id)
    assert (kept.title, kept.created_at) == ("About the lease", made.created_at)
    question, answer = kept.messages
    assert (question.role, question.content, question.state) == ("user", "When? ☂ 日本 ?", "complete")
    assert (answer.content, answer.state, answer.detail, answer.feedback, answer.feedback_comment) == (
        "In May [1].", "complete", DETAIL, "up", "good",
    )  # fmt: skip
    assert kept.updated_at > made.updated_at


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path / "data", "database_url": url})


def test_a_backup_brings_them_into_another_database(settings: Settings, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From SQLite or PostgreSQL into a file, and into the same database again in the place of what was written since."""
    monkeypatch.setattr("rag_pipeline.stores.conversations.copying._ROWS_AT_A_TIME", 5)
    files = Settings(data_dir=tmp_path / "files")

    async def kept(url: str | None, *questions: str) -> list[Conversation]:
        conversations = Conversations(Database(url, files.conversations_path))
        for question in questions:
            made = await conversations.create("anna", question)
            await conversations.give_feedback("anna", await answered(conversations, "anna", made.conversation_id, question, "☂"), "up")
        found = [await conversations.get("anna", one.conversation_id) for one in await conversations.recent("anna")]
        await conversations.close()
        return found

    before = asyncio.run(kept(url, *map(str, range(12))))
    back_up(settings, str(tmp_path / "backup.zip"), with_uploads=False, say=print, progress=lambda *_: None)
    restore(files, str(tmp_path / "backup.zip"), replace=False, say=print, progress=lambda *_: None)
    assert asyncio.run(kept(None)) == before
    asyncio.run(kept(url, "later"))
    with pytest.raises(RagError, match="--replace"):
        restore(settings, str(tmp_path / "backup.zip"), replace=False, say=print, progress=lambda *_: None)
    restore(settings, str(tmp_path / "backup.zip"), replace=True, say=print, progress=lambda *_: None)
    assert asyncio.run(kept(url)) == before
    assert not settings.conversations_path.exists()


async def test_others_see_nothing_of_it(conversations: Conversations) -> None:
    made = await conversations.create("anna", "mine")
    message = await answered(conversations, "anna", made.conversation_id, "q", "a")
    assert await conversations.recent("bob") == []
    for attempt in (
        conversations.get("bob", made.conversation_id),
        conversations.rename("bob", made.conversation_id, "x"),
        conversations.begin_answer("bob", made.conversation_id, "q"),
        conversations.give_feedback("bob", message, "down"),
    ):
        with pytest.raises(ConversationGoneError):
            await attempt
    await conversations.delete("bob", made.conversation_id)
    assert (await conversations.get("anna", made.conversation_id)).title == "mine"


async def test_lists_rename_and_delete(conversations: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [await conversations.create("anna", f"number {number}") for number in range(5)]
    await answered(conversations, "anna", made[0].conversation_id, "q", "a")
    first = await conversations.recent("anna", limit=2)
    assert [one.title for one in first] == ["number 0", "number 4"]
    rest = await conversations.recent("anna", before=first[-1].updated_at)
    assert [one.title for one in rest] == ["number 3", "number 2", "number 1"]
    await conversations.rename("anna", made[1].conversation_id, "x" * 500)
    assert len((await conversations.get("anna", made[1].conversation_id)).title) == store_module.LONGEST_TITLE
    await conversations.delete("anna", made[0].conversation_id)
    assert len(await conversations.recent("anna")) == 4
    with pytest.raises(ConversationGoneError):
        await conversations.get("anna", made[0].conversation_id)
    with pytest.raises(ConversationGoneError):
        await conversations.restore("bob", made[0].conversation_id)
    await conversations.restore("anna", made[0].conversation_id)
    assert len((await conversations.get("anna", made[0].conversation_id)).messages) == 2
    await conversations.delete("anna", made[0].conversation_id)
    monkeypatch.setattr(deleted, "KEPT", timedelta(0))
    await conversations.create("bob", "which makes room")
    async with conversations._engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM messages")) == 0


async def test_conversations_are_found_by_what_was_said_and_pinned(conversations: Conversations) -> None:
    made = [(await conversations.create("anna", title)).conversation_id for title in ("100 % Öl", "100 x", "lamp")]
    message = await conversations.begin_answer("anna", made[2], "Was ist Übergabe?", scope=NARROWED)
    await conversations.finish_answer(message, "In May.", "complete", {}, trace={"question": "q"})

    async def found(words: str, **more: bool) -> list[str]:
        return [one.title for one in await conversations.recent("anna", search=words, **more)]

    assert [await found(words) for words in ("100 %", "öl", "ÜBER", "may", "Bob")] == [["100 % Öl"], ["100 % Öl"], ["lamp"], ["lamp"], []]
    assert await conversations.recent("bob", search="lamp") == []
    await conversations.pin("anna", made[0], pinned=True)
    assert (await found("", pinned=True), await found("", pinned=False)) == (["100 % Öl"], ["lamp", "100 x"])
    kept = await conversations.get("anna", made[2])
    assert (kept.collections, kept.filter) == (("a", "b"), NARROWED["filter"])
    assert await conversations.trace("anna", message) == {"question": "q"}
    with pytest.raises(ConversationGoneError):
        await conversations.trace("bob", message)


async def test_a_turn_is_deleted_brought_back_and_asked_again(conversations: Conversations) -> None:
    identity = (await conversations.create("anna", "t")).conversation_id
    first, second = [await answered(conversations, "anna", identity, text, text.upper()) for text in ("one", "two")]
    with pytest.raises(ConversationGoneError):
        await conversations.delete_turn("bob", first)
    await conversations.delete_turn("anna", first)
    assert [message.content for message in await conversations.history("anna", identity)] == ["two", "TWO"]
    again = await conversations.begin_answer("anna", identity, "two?", instead_of=second)
    await conversations.finish_answer(again, "TWO!", "complete", {})
    assert [message.content for message in await conversations.history("anna", identity)] == ["two?", "TWO!"]
    for one in (second, first):
        await conversations.restore_turn("anna", one)
    assert [message.content for message in await conversations.history("anna", identity)][::2] == ["one", "two", "two?"]
    assert [message.content for message in await conversations.turn("anna", second)] == ["two", "TWO"]
    with pytest.raises(ConversationGoneError):
        await conversations.begin_answer("bob", identity, "two?", instead_of=second)


async def test_the_questions_about_a_document_are_those_of_their_reader(conversations: Conversations) -> None:
    about = {"citations": [{"collection": "ä", "document": '50%_Übersicht "x".pdf', "number": 1}], "text": "other.pdf"}
    for owner, question, detail in (("anna", "Who?", about), ("anna", "What?", DETAIL | {"citations": []}), ("ben", "Why?", about)):
        conversation = await conversations.create(owner, question)
        message = await conversations.begin_answer(owner, conversation.conversation_id, question)
        await conversations.finish_answer(message, "So [1].", "complete", detail)
        if owner == "ben":
            deleted_one = message
    found = await conversations.asked_about("anna", "ä", '50%_Übersicht "x".pdf')
    assert [(one.question, one.answered_at.tzinfo is not None) for one in found] == [("Who?", True)]
    assert await conversations.asked_about("anna", "ä", "other.pdf") == []
    await conversations.delete_turn("ben", deleted_one)
    assert await conversations.asked_about("ben", "ä", '50%_Übersicht "x".pdf') == []


async def test_history_holds_what_was_answered(conversations: Conversations) -> None:
    identity = (await conversations.create("", "t")).conversation_id
    await answered(conversations, "", identity, "one", "first")
    refused = await conversations.begin_answer("", identity, "two")
    await conversations.finish_answer(refused, "not there", "refused", {})
    failed = await conversations.begin_answer("", identity, "three")
    await conversations.finish_answer(failed, "half", "failed", {})
    await conversations.begin_answer("", identity, "four")
    history = await conversations.history("", identity)
    assert [message.content for message in history] == ["one", "first", "two", "not there"]


async def test_questions_at_once_have_places_of_their_own(conversations: Conversations) -> None:
    identity = (await conversations.create("", "t")).conversation_id
    await asyncio.gather(*(answered(conversations, "", identity, f"q{number}", f"a{number}") for number in range(8)))
    messages = (await conversations.get("", identity)).messages
    assert len(messages) == 16
    assert all(answer.content == question.content.replace("q", "a") for question, answer in zip(messages[::2], messages[1::2], strict=True))


async def test_an_answer_whose_writer_is_gone_is_interrupted(conversations: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = (await conversations.create("", "t")).conversation_id
    message = await conversations.begin_answer("", identity, "q")
    assert (await conversations.get("", identity)).messages[1].state == "writing"
    monkeypatch.setattr(store_module, "LEASE", timedelta(0))
    assert (await conversations.get("", identity)).messages[1].state == "interrupted"
    monkeypatch.undo()
    await conversations.keep_alive(message)
    assert (await conversations.get("", identity)).messages[1].state == "writing"


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from rag_pipeline.stores.conversations import Conversations
    from rag_pipeline.stores.conversations.engine import Database

    async def main():
        conversations = Conversations(Database(sys.argv[1], Path("unused")))
        made = await conversations.create("", sys.argv[2])
        for number in range(20):
            message = await conversations.begin_answer("", made.conversation_id, f"q{number}")
            await conversations.finish_answer(message, "a", "complete", {})
        await conversations.begin_answer("", made.conversation_id, "never answered")
        print(made.conversation_id, flush=True)
        if len(sys.argv) > 3:
            await asyncio.sleep(60)
        await conversations.close()

    asyncio.run(main())
"""


def writer(url: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(WRITER), url, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


async def test_processes_that_start_and_write_at_once(url: str, conversations: Conversations) -> None:
    started = [writer(url, f"process {number}") for number in range(3)]
    ends = [await asyncio.to_thread(process.communicate, timeout=90) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ends
    assert {len((await conversations.get("", output.strip())).messages) for output, _ in ends} == {42}


async def test_killed_in_the_middle_of_an_answer(url: str, conversations: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    process = writer(url, "killed", "wait")
    assert process.stdout is not None
    identity = (await asyncio.to_thread(process.stdout.readline)).strip()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    monkeypatch.setattr(store_module, "LEASE", timedelta(0))
    messages = (await conversations.get("", identity)).messages
    assert (len(messages), messages[-1].state) == (42, "interrupted")


async def take_out_what_is_newer(connection: AsyncConnection) -> None:
    """What came after schema 0003."""
    for table in ("tag_changes", "document_tags", "tagged_documents", "traces"):
        await connection.execute(sa.text(f"DROP TABLE {table}"))
    for statement in ("DROP INDEX ix_messages_deleted_at", "DROP INDEX ix_conversations_deleted_at"):
        await connection.execute(sa.text(statement))
    for table, column in (
        ("messages", "deleted_at"),
        ("messages", "feedback_reason"),
        ("messages", "provenance"),
        *(("conversations", name) for name in ("pinned_at", "deleted_at", "scope")),
    ):
        await connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))


async def test_an_older_schema_with_rows_in_it_is_migrated(url: str, tmp_path: Path) -> None:
    made = Conversations(Database(url, tmp_path))
    identity = (await made.create("", "old")).conversation_id
    await answered(made, "", identity, "q", "a")
    async with made._engine.begin() as connection:
        await take_out_what_is_newer(connection)
        for column in ("feedback", "feedback_comment"):
            await connection.execute(sa.text(f"ALTER TABLE messages DROP COLUMN {column}"))
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    await made.close()
    again = Conversations(Database(url, tmp_path))
    (_, answer) = (await again.get("", identity)).messages
    await again.give_feedback("", answer.message_id, "down", reason="wrong_page")
    rated = (await again.get("", identity)).messages[1]
    assert (rated.feedback, rated.feedback_reason) == ("down", "wrong_page")
    await again.give_feedback("", answer.message_id, "up", reason="wrong_page")
    assert (await again.get("", identity)).messages[1].feedback_reason is None, "a reason stands beside a thumb down only"
    await again.close()


async def of_older_version(url: str, folder: Path, owners: Sequence[str]) -> None:
    """A database as version 0002 left it: one conversation for each owner, called like him."""
    made = Conversations(Database(url, folder))
    for owner in owners:
        await made.create(owner, f"of {owner}")
    async with made._engine.begin() as connection:
        await take_out_what_is_newer(connection)
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    await made.close()


async def titles(url: str, folder: Path, former: Mapping[str, str], owner: str) -> list[str]:
    opened = Conversations(Database(url, folder, former))
    found = [one.title for one in await opened.recent(owner)]
    await opened.close()
    return found


async def test_names_become_digests_once(url: str, tmp_path: Path) -> None:
    await of_older_version(url, tmp_path, ["", "anna", "token 2", "bob"])
    assert await titles(url, tmp_path, {}, "") == ["of"]  # no tokens are set yet: nothing is decided
    former = {"anna": "a" * 64, "token 2": "b" * 64}
    assert await titles(url, tmp_path, former, "a" * 64) == ["of anna"]
    assert await titles(url, tmp_path, former, "b" * 64) == ["of token 2"]
    assert await titles(url, tmp_path, former, "") == ["of"]
    for name in ("anna", "token 2", "bob", "former:bob"):
        assert await titles(url, tmp_path, former, name) == []
    later = {**former, "bob": "c" * 64}
    assert await titles(url, tmp_path, later, "c" * 64) == []  # another bob
    assert await titles(url, tmp_path, later, "unclaimed:bob") == ["of bob"]


async def test_positions_that_moved_are_nobodys(url: str, tmp_path: Path) -> None:
    await of_older_version(url, tmp_path, ["token 1", "token 2", "anna"])
    former = {"token 1": "b" * 64, "anna": "a" * 64}  # one of two is gone, and the other is the first now
    assert await titles(url, tmp_path, former, "b" * 64) == []
    assert await titles(url, tmp_path, former, "a" * 64) == ["of anna"]
    assert await titles(url, tmp_path, former, "unclaimed:token 2") == ["of token 2"]


async def test_migrations_lead_to_the_schema_that_the_code_uses(url: str, conversations: Conversations) -> None:
    await conversations.recent("")

    def columns(connection: sa.Connection) -> dict[str, set[str]]:
        inspector = sa.inspect(connection)
        return {name: {column["name"] for column in inspector.get_columns(name)} for name in METADATA.tables}

    async with conversations._engine.connect() as connection:
        assert await connection.run_sync(columns) == {name: set(table.columns.keys()) for name, table in METADATA.tables.items()}
        assert await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == NEWEST


async def test_a_newer_schema_is_refused(url: str, conversations: Conversations, tmp_path: Path) -> None:
    await conversations.recent("")
    async with conversations._engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    newer = Conversations(Database(url, tmp_path))
    with pytest.raises(ConversationError, match="newer version"):
        await newer.recent("")
    await newer.close()


@pytest.mark.parametrize("wrong", ["nonsense", "mysql://u@h/d", "postgresql://rag:hidden-word@127.0.0.1:1/x"])
async def test_an_address_that_cannot_be_used_is_named_without_its_password(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ConversationError, match="RAG_DATABASE_URL") as raised:
        await Conversations(Database(wrong, tmp_path)).recent("")
    assert "hidden-word" not in str(raised.value)


async def test_whether_anybody_judged_an_answer_is_told_at_a_glance(tmp_path: Path) -> None:
    file = tmp_path / "conversations # 1.sqlite"
    assert not may_hold_thumbs(file)
    made = Conversations(Database(None, file))
    identity = (await made.create("", "title")).conversation_id
    await answered(made, "", identity, "q", "a")
    assert not may_hold_thumbs(file)
    await made.give_feedback("", (await made.get("", identity)).messages[1].message_id, "up")
    assert may_hold_thumbs(file)
    await made.close()
    file.write_bytes(b"no database")
    assert may_hold_thumbs(file)  # whoever reads it says why it cannot be read


async def test_answers_are_counted_for_all_or_for_one(conversations: Conversations) -> None:
    for owner in ("anna", "ben"):
        made = await conversations.create(owner, "The lease")
        message = await answered(conversations, owner, made.conversation_id, "When?", "In May.")
    await conversations.give_feedback("ben", message, "down")
    begun = (await conversations.get("ben", made.conversation_id)).messages[1].created_at
    everyone = await conversations.answer_figures(begun - timedelta(days=1))
    assert [(one.state, one.feedback) for one in everyone] == [("complete", None), ("complete", "down")]
    assert 0 <= everyone[1].seconds < 60
    assert [one.asked_at for one in await conversations.answer_figures(begun - timedelta(days=1), "ben")] == [begun]
    assert await conversations.answer_figures(begun + timedelta(seconds=1)) == []
    await conversations.delete("ben", made.conversation_id)
    assert len(await conversations.answer_figures(begun - timedelta(days=1))) == 1


async def test_those_who_write_take_turns_however_long_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    database, done = Database(None, tmp_path / "conversations.sqlite"), list[int]()

    async def write(number: int) -> None:
        async with database.writing():
            await asyncio.sleep(0.01)
            done.append(number)

    await asyncio.gather(*map(write, range(20)))
    await database.close()
    assert done == list(range(20))
