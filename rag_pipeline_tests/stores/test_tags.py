"""Tags, on SQLite and on PostgreSQL, in two processes; and what survives of them when files are edited, renamed, moved, restored."""

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rag_pipeline.backup.making import back_up
from rag_pipeline.backup.restoring import restore
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import document_id
from rag_pipeline.ingestion.tags import hand_on_tags, note_removals
from rag_pipeline.models import IndexVersion
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.conversations.engine import Database, open_database
from rag_pipeline.stores.conversations.tag_names import LONGEST_TAG, MOST_TAGS, TagError, key_of, tag_of, tags_of
from rag_pipeline.stores.conversations.tags import Tagged, Tags
from rag_pipeline.stores.thumbs import may_hold_tags

Ingest = Callable[..., IndexVersion]


@dataclass(frozen=True)
class Paper:
    document_id: str
    collection: str = "c"
    document: str = "a.txt"
    content_hash: str | None = None


@pytest.fixture
async def tags(url: str, tmp_path: Path) -> AsyncIterator[Tags]:
    database = Database(url, tmp_path / "unused")
    yield Tags(database)
    await database.close()


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("  To\tdo \n now ", "To do now"),
        ("u\u0308ber", "über"),
        ("<b>&amp;'\"", "<b>&amp;'\""),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("x" * LONGEST_TAG, "x" * LONGEST_TAG),
    ],
)
def test_a_tag_is_brought_into_one_form(text: str, tag: str) -> None:
    assert tag_of(text) == tag
    assert tag_of(tag) == tag


@pytest.mark.parametrize(
    "text", ["", " \n", "\u200d", "a,b", "x" * 65, "x" * 10_000, "a\x00b", "\u202egnp", "a\u200bb", "\ud800", "\u2066x"]
)
def test_what_is_no_tag_is_refused_in_words_that_can_be_shown(text: str) -> None:
    with pytest.raises(TagError) as caught:
        tag_of(text)
    assert len(str(caught.value)) < 200
    assert not set(str(caught.value)) & {"\x00", "\u202e", "\u2066", "\ud800"}


def test_tags_are_compared_without_regard_to_case() -> None:
    assert key_of("Straße") == key_of("STRASSE")
    assert tags_of(["Lease", "LEASE ", "tax"]) == {"lease": "Lease", "tax": "tax"}
    with pytest.raises(TagError, match="at most 32"):
        tags_of(map(str, range(MOST_TAGS + 1)))


async def test_documents_get_and_lose_tags(tags: Tags) -> None:
    one, other = Paper("1"), Paper("2", "d", "b.txt")
    assert await tags.add([one, other], tags_of(["Tax", "lease"])) == {}
    assert await tags.add([one], tags_of(["TAX", "öl"])) == {}
    found = await tags.current()
    assert found.tags == {"1": ("lease", "Tax", "öl"), "2": ("lease", "Tax")}
    assert found.with_all(["tAx", "öl"]) == {"1"}
    assert found.with_all(["tax", "no such"]) == frozenset()
    assert found.paths_with_all(["tax"]) == {"c": ("a.txt",), "d": ("b.txt",)}
    assert await tags.current() is found
    await tags.remove([one, other], tags_of(["tax", "lease"]))
    assert (await tags.current()).tags == {"1": ("öl",)}
    await tags.remove([one], tags_of(["öl"]))
    assert (await tags.current()).places == {}


async def test_a_document_has_no_more_than_a_number_of_them(tags: Tags) -> None:
    await tags.add([Paper("1")], tags_of(map(str, range(MOST_TAGS))))
    refused = await tags.add([Paper("1"), Paper("2")], tags_of(["more"]))
    assert list(refused) == ["1"]
    assert "32 tags" in refused["1"]
    assert (await tags.current()).with_all(["more"]) == {"2"}
    assert await tags.add([Paper("1")], tags_of(["7"])) == {}


async def test_a_thousand_documents_at_once(tags: Tags) -> None:
    papers = [Paper(f"{number}") for number in range(1500)]
    await tags.add(papers, tags_of(["a", "b"]))
    await tags.remove(papers[:1200], tags_of(["a"]))
    found = await tags.current()
    assert [len(found.with_all([tag])) for tag in "ab"] == [300, 1500]


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from rag_pipeline.stores.conversations.engine import Database
    from rag_pipeline.stores.conversations.tags import Tags
    from rag_pipeline.stores.conversations.tags import LiveDocument

    def paper(identity):
        return LiveDocument(identity, "c", "a.txt", None, None)

    async def main():
        database = Database(sys.argv[1], Path("unused"))
        for number in range(20):
            await Tags(database).add([paper("same"), paper(f"{sys.argv[2]}{number}")], {"shared": "shared", f"{number}": f"{number}"})
        await database.close()

    asyncio.run(main())
"""


async def test_two_processes_tag_at_once_and_a_third_sees_it(tags: Tags, url: str) -> None:
    await tags.current()
    command = [sys.executable, "-c", textwrap.dedent(WRITER), url]
    writers = [await asyncio.create_subprocess_exec(*command, name) for name in ("a", "b")]
    assert [await one.wait() for one in writers] == [0, 0]
    found = await tags.current()
    assert len(found.with_all(["shared"])) == 41
    assert len(found.tags["same"]) == 21


def give(settings: Settings, document: str, *tags: str) -> None:
    """Tags to a document that the catalog has."""
    (found,) = [one for one in open_catalog(settings).documents() if one.document == document]

    async def told() -> None:
        database = open_database(settings)
        assert await Tags(database).add([found], tags_of(tags)) == {}
        await database.close()

    asyncio.run(told())


def tagged(settings: Settings) -> Tagged:
    async def read() -> Tagged:
        database = open_database(settings)
        try:
            return await Tags(database).current()
        finally:
            await database.close()

    return asyncio.run(read())


def shown(settings: Settings) -> dict[str, tuple[str, ...]]:
    """``collection/document`` → tags, of live documents."""
    tags = tagged(settings).tags
    return {f"{one.collection}/{one.document}": tags.get(one.document_id, ()) for one in open_catalog(settings).documents()}


def put(settings: Settings, files: Iterable[str]) -> None:
    for name in files:
        (settings.uploads / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.uploads / name).write_text(f"What {name} says of okapis.")


def test_they_stay_when_a_document_is_edited_renamed_and_moved(settings: Settings, ingest: Ingest) -> None:
    put(settings, ["zoo/a.txt", "zoo/b.txt"])
    ingest("zoo")
    give(settings, "a.txt", "Africa", "hoofed")
    (settings.uploads / "zoo/a.txt").write_text("Edited: okapis are shy.")
    ingest("zoo")
    assert shown(settings) == {"zoo/a.txt": ("Africa", "hoofed"), "zoo/b.txt": ()}
    (settings.uploads / "zoo/a.txt").rename(settings.uploads / "zoo/c.txt")
    ingest("zoo")
    assert shown(settings) == {"zoo/b.txt": (), "zoo/c.txt": ("Africa", "hoofed")}
    (settings.uploads / "park").mkdir()
    (settings.uploads / "zoo/c.txt").rename(settings.uploads / "park/c.txt")
    ingest("park")
    ingest("zoo")
    assert shown(settings) == {"park/c.txt": ("Africa", "hoofed"), "zoo/b.txt": ()}
    (settings.uploads / "park/c.txt").rename(settings.uploads / "zoo/d.txt")
    ingest("park")
    ingest("zoo")
    assert shown(settings) == {"zoo/b.txt": (), "zoo/d.txt": ("Africa", "hoofed")}
    ingest("zoo", full_refresh=True)
    assert shown(settings) == {"zoo/b.txt": (), "zoo/d.txt": ("Africa", "hoofed")}


def test_a_copy_that_was_there_before_does_not_inherit(settings: Settings, ingest: Ingest) -> None:
    put(settings, ["zoo/a.txt"])
    (settings.uploads / "zoo/copy.txt").write_bytes((settings.uploads / "zoo/a.txt").read_bytes())
    ingest("zoo")
    give(settings, "a.txt", "mine")
    (settings.uploads / "zoo/a.txt").unlink()
    ingest("zoo")
    assert shown(settings) == {"zoo/copy.txt": ()}
    put(settings, ["zoo/a.txt"])
    ingest("zoo")
    assert shown(settings) == {"zoo/a.txt": ("mine",), "zoo/copy.txt": ()}


def test_a_run_that_was_killed_between_commit_and_tags_is_made_up_for(
    settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, ["zoo/a.txt", "zoo/b.txt"])
    ingest("zoo")
    give(settings, "a.txt", "mine")
    (settings.uploads / "zoo/a.txt").rename(settings.uploads / "zoo/c.txt")
    with monkeypatch.context() as killed:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        killed.setattr("rag_pipeline.ingestion.steps.source_documents.hand_on_tags", die)
        with pytest.raises(KeyboardInterrupt):
            ingest("zoo")
    assert shown(settings)["zoo/c.txt"] == ()
    ingest("zoo")
    assert shown(settings)["zoo/c.txt"] == ("mine",)


def test_they_outlive_the_catalog(settings: Settings, ingest: Ingest) -> None:
    """Made again one collection after the other: the copy in the first takes nothing from the second."""
    put(settings, ["zoo/a.txt"])
    (settings.uploads / "park").mkdir()
    (settings.uploads / "park/copy.txt").write_bytes((settings.uploads / "zoo/a.txt").read_bytes())
    ingest("zoo")
    ingest("park")
    give(settings, "a.txt", "mine")
    settings.catalog_path.unlink()
    ingest("park")
    assert shown(settings) == {"park/copy.txt": ()}
    ingest("zoo")
    assert shown(settings) == {"park/copy.txt": (), "zoo/a.txt": ("mine",)}


def test_a_backup_brings_them_back(settings: Settings, ingest: Ingest, tmp_path: Path) -> None:
    put(settings, ["zoo/a.txt"])
    ingest("zoo")
    give(settings, "a.txt", "before")
    back_up(settings, str(tmp_path / "backup.zip"), with_uploads=False, say=print, progress=lambda *_: None)
    give(settings, "a.txt", "after")
    restore(settings, str(tmp_path / "backup.zip"), replace=True, say=print, progress=lambda *_: None)
    assert shown(settings) == {"zoo/a.txt": ("before",)}


def test_a_backup_crosses_databases_and_does_not_replace_tags_unasked(url: str, tmp_path: Path) -> None:
    served = Settings.model_validate({"data_dir": tmp_path / "data", "database_url": url})
    files = Settings(data_dir=tmp_path / "files")

    async def keep(settings: Settings, tag: str) -> None:
        database = open_database(settings)
        await Tags(database).add([Paper("1")], tags_of([tag]))
        await database.close()

    asyncio.run(keep(served, "kept"))
    back_up(served, str(tmp_path / "backup.zip"), with_uploads=False, say=print, progress=lambda *_: None)
    restore(files, str(tmp_path / "backup.zip"), replace=False, say=print, progress=lambda *_: None)
    assert tagged(files).tags == {"1": ("kept",)}
    with pytest.raises(RagError, match="the tags of RAG_DATABASE_URL"):
        restore(served, str(tmp_path / "backup.zip"), replace=False, say=print, progress=lambda *_: None)


def test_a_scan_in_the_thread_of_an_event_loop_hands_tags_on_too(settings: Settings) -> None:
    """And where the file is only being made, there is nothing to hand on, and nothing is loaded for it."""
    catalog = open_catalog(settings)
    settings.conversations_path.parent.mkdir(parents=True, exist_ok=True)
    settings.conversations_path.touch()
    assert may_hold_tags(settings.conversations_path) is False
    settings.conversations_path.unlink()

    async def course() -> dict[str, tuple[str, ...]]:
        database = open_database(settings)
        await Tags(database).add([Paper(document_id("c/a.txt"))], tags_of(["lease"]))
        note_removals(settings, catalog, ["c/a.txt"])
        hand_on_tags(settings, catalog)
        found = await Tags(database).current()
        await database.close()
        return dict(found.tags)

    assert asyncio.run(course()) == {document_id("c/a.txt"): ("lease",)}
