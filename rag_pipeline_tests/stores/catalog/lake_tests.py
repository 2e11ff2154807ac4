"""A DuckLake on a real PostgreSQL. ``test_ducklake.py`` runs this in a process whose DuckDB has the extensions."""

import asyncio
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.backup.making import back_up
from rag_pipeline.backup.restoring import restore
from rag_pipeline.cli.commands import cli
from rag_pipeline.ingestion.backlog import Backlog
from rag_pipeline.ingestion.look import look_around
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, database, lake, open_catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from rag_pipeline.stores.catalog.file import CatalogFile
from rag_pipeline.stores.catalog.schema import SCHEMA_VERSION
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.object_storage import running
from rag_pipeline_tests.servers import PostgreSQL

SERVER = os.environ["RAG_TEST_POSTGRESQL"]


def new_database(name: str) -> str:
    """Its address, with a password that PostgreSQL does not ask for."""
    connection = psycopg2.connect(f"{SERVER}/postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"ducklake:postgres:{SERVER.replace('rag@', 'rag:hush%27s%20%25%2Fword@')}/{name}"


@pytest.fixture
def lake_settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"catalog_url": Settings(catalog_url=new_database(request.node.name[:50].lower())).catalog_url})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake for tests that leave no rows that others count: to make one takes half a second."""
    return Settings(data_dir=tmp_path_factory.mktemp("shared"), catalog_url=new_database("shared"))


@pytest.fixture(autouse=True)
def _files_are_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``on_a_ducklake`` does."""
    monkeypatch.setattr(database, "CatalogFile", CatalogFile)


def keys(catalog: Catalog) -> set[str]:
    with catalog.reading() as connection:
        return {key for (key,) in connection.execute("SELECT extraction_key FROM extractions").fetchall()}


def add(catalog: Catalog, key: str) -> None:
    with catalog.writing() as connection:
        connection.execute("INSERT INTO extractions VALUES (?, 1, [], NULL, NULL, NULL)", [key])


def test_values_come_back_bit_for_bit(shared: Settings) -> None:
    catalog = open_catalog(shared)
    bits = [0, 1, 0x3DCCCCCD, 0x7F7FFFFF, 0x80000000, 0x7F800000, 0xFF800000, 0x00800000, *range(0x3F000000, 0x40000000, 0x123457)]
    vector = list(struct.unpack(f"{len(bits)}f", struct.pack(f"{len(bits)}I", *bits)))
    texts = ["", "NUL \0 in it", 'it\'s "x" \\n {a, b} [c]\r\n\t', "\U0001f600 ü \ufffe", "NULL", "x" * 1_000_000]
    paths = [bytes(range(256)), b"", b"\xff\xfe", b"a/b'c\\x00.txt"]
    with catalog.writing() as connection:
        connection.execute("INSERT INTO embeddings VALUES ('a', 'm', ?::FLOAT[]), ('b', 'm', [])", [vector])
        connection.execute("INSERT INTO sparse_vectors VALUES ('a', 'm', [0, 4294967295], ?::FLOAT[])", [vector[:2]])
        connection.execute(
            "INSERT INTO chunks VALUES ('none', 0, '', '', [], NULL, NULL, '', 0, '', NULL), ('all', 0, ?, '', ?, 1, 1, '', 1, '', [0, 1])",
            [texts[1], texts],
        )
        for path in paths:
            connection.execute("INSERT INTO missing_files VALUES (?, 'c', TIMESTAMP '2026-01-02 03:04:05.678901', TRUE)", [path])
    with catalog.reading() as connection:
        kept = dict(connection.execute("SELECT text_hash, vector FROM embeddings").fetchall())
        assert struct.pack(f"{len(bits)}f", *kept["a"]) == struct.pack(f"{len(bits)}I", *bits)
        assert kept["b"] == []
        assert connection.execute("SELECT indices FROM sparse_vectors").fetchall() == [([0, 4294967295],)]
        kept_texts = connection.execute("SELECT text, heading_path, page_first, headings FROM chunks ORDER BY page_first").fetchall()
        assert kept_texts == [(texts[1], texts, 1, [0, 1]), ("", [], None, None)]
        assert {file for (file,) in connection.execute("SELECT file FROM missing_files").fetchall()} == set(paths)
        for path in paths:
            assert connection.execute("SELECT count(*) FROM missing_files WHERE file = ?", [path]).fetchall() == [(1,)]


WRITER = """
import sys
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
catalog = open_catalog(Settings(data_dir=sys.argv[1], catalog_url=sys.argv[2]))
for number in range(5):
    with catalog.writing() as connection:
        ((highest,),) = connection.execute("SELECT coalesce(max(pages), 0) FROM extractions").fetchall()
        connection.execute("INSERT INTO extractions VALUES (?, ?, [], NULL, NULL, NULL)", [sys.argv[3], highest + 1])
"""


def test_two_processes_that_write_at_once_both_succeed_and_see_each_other(lake_settings: Settings) -> None:
    """Each adds one to the highest number there is: were they not to take turns, a number would be there twice."""
    assert lake_settings.catalog_url
    arguments = [sys.executable, "-c", WRITER, str(lake_settings.data), lake_settings.catalog_url.get_secret_value()]
    writers = [subprocess.Popen([*arguments, name], stderr=subprocess.PIPE, text=True) for name in ("a", "b")]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == ["", ""]
    with open_catalog(lake_settings).reading() as connection:
        assert connection.execute("SELECT pages FROM extractions ORDER BY 1").fetchall() == [(number,) for number in range(1, 11)]


KILLED = """
import sys, time
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
with open_catalog(Settings(data_dir=sys.argv[1], catalog_url=sys.argv[2])).writing() as connection:
    connection.execute("INSERT INTO extractions SELECT 'half' || i, 1, [], NULL, NULL, NULL FROM range(10000) r(i)")
    print("written", flush=True)
    time.sleep(600)
"""


def test_a_writer_that_is_killed_leaves_its_turn_and_nothing_else(shared: Settings) -> None:
    assert shared.catalog_url
    command = [sys.executable, "-c", KILLED, str(shared.data), shared.catalog_url.get_secret_value()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout and writer.stdout.readline() == b"written\n"
        writer.kill()
    catalog = open_catalog(shared, 10)
    add(catalog, "next")
    assert "next" in keys(catalog) and not any(key.startswith("half") for key in keys(catalog))


def test_a_writer_waits_for_its_turn_and_says_when_it_does_not_come(shared: Settings) -> None:
    catalog = open_catalog(shared)
    with catalog.writing() as connection:
        connection.execute("INSERT INTO extractions VALUES ('first', 1, [], NULL, NULL, NULL)")
        with pytest.raises(CatalogBusyError, match="another program"), open_catalog(shared, 0.05).writing():
            pass
        assert "first" not in keys(catalog)  # who reads does not wait, and sees what is committed
    assert "first" in keys(catalog)


def test_what_somebody_wrote_out_of_turn_is_not_overwritten(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = open_catalog(shared)
    add(catalog, "before")
    with pytest.raises(CatalogBusyError, match="Nothing was committed"), catalog.writing() as connection:
        connection.execute("INSERT INTO extractions VALUES ('mine', 1, [], NULL, NULL, NULL)")
        monkeypatch.setattr(lake.Lake, "_wait_for_turn", lambda *_: None)
        add(catalog, "theirs")
    add(catalog, "after")
    assert keys(catalog) >= {"after", "before", "theirs"}
    assert "mine" not in keys(catalog)


def test_postgresql_goes_and_comes_back(settings: Settings) -> None:
    with PostgreSQL() as server:
        address = f"ducklake:postgres:{server.address.replace('rag@', 'rag:hush%27s%20%25%2Fword@')}/postgres"
        catalog = open_catalog(settings.model_copy(update={"catalog_url": Settings(catalog_url=address).catalog_url}))
        add(catalog, "before")
        with pytest.raises(CatalogError, match="Check PostgreSQL") as failed, catalog.writing() as connection:
            connection.execute("INSERT INTO extractions VALUES ('half', 1, [], NULL, NULL, NULL)")
            server.stop()
        uses: list[Callable[[], object]] = [catalog.documents, catalog.change_mark, lambda: add(catalog, "x")]
        said = [str(failed.value)]
        for use in uses:
            with pytest.raises(CatalogError, match="Check PostgreSQL") as failed:
                use()
            assert failed.value.__cause__ is None
            said.append(str(failed.value))
        assert "hush" not in "".join(said)
        server.start()
        add(catalog, "after")
        assert keys(catalog) == {"after", "before"}


@pytest.mark.parametrize(
    "address", ["postgresql://rag:hush%27s%20%25%2Fword@127.0.0.1:1/x", "host=127.0.0.1 port=1 password='hush\\'s %/word' dbname=x"]
)
def test_no_password_is_told(settings: Settings, address: str) -> None:
    given = Settings(catalog_url=f"ducklake:postgres:{address}").catalog_url
    wrong = settings.model_copy(update={"catalog_url": given})
    with pytest.raises(CatalogError, match="refused") as failed:
        open_catalog(wrong).documents()
    assert "word" not in str(failed.value).replace("password", "")
    assert "%/word" not in repr(wrong) and "%2Fword" not in repr(wrong)


def test_rows_that_are_kept_elsewhere_are_not_begun_anew(shared: Settings, tmp_path: Path) -> None:
    add(open_catalog(shared), "key")
    with pytest.raises(CatalogError, match="RAG_CATALOG_DATA_PATH"):
        open_catalog(shared.model_copy(update={"catalog_data_path": tmp_path / "other"})).documents()


def test_an_older_catalog_is_upgraded_with_its_rows(lake_settings: Settings) -> None:
    with lake.Lake(lake_settings).writing(1) as connection:
        connection.execute((Path(__file__).parent / "catalog_version_1.sql").read_text())
        connection.execute(
            "INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, content_hash, state, extraction_key,"
            " chunks, added_at) VALUES ('d', 'c', 'a.txt', 'c/a.txt'::BLOB, '1:2:3:4', 1, 'h', 'indexed', 'x', 3, TIMESTAMP '2026-01-01')"
        )
    (row,) = open_catalog(lake_settings).documents()
    assert (row.document, row.vectors) == ("a.txt", 3)
    with open_catalog(lake_settings).reading() as connection:
        assert connection.execute("SELECT schema_version FROM catalog").fetchall() == [(SCHEMA_VERSION,)]


def test_small_files_are_merged_and_nothing_is_lost(lake_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "_MANY_FILES", 12)
    catalog, files = open_catalog(lake_settings), lake_settings.data / "catalog.rows"
    for number in range(12):
        add(catalog, str(number))
    with catalog.writing() as connection:
        connection.execute("DELETE FROM extractions WHERE extraction_key = '3'")
    mark = catalog.change_mark()
    assert catalog.change_mark() == mark
    with catalog.reading() as reader:
        catalog.tidy()
        assert reader.execute("SELECT count(*) FROM extractions").fetchall() == [(11,)]
    assert len(keys(catalog)) == 11
    assert catalog.change_mark() != mark
    with catalog.reading() as connection:
        listed = connection.execute("SELECT file_count FROM ducklake_table_info('catalog') WHERE table_name = 'extractions'").fetchall()
    assert listed == [(1,)]
    assert len(list(files.glob("**/*.parquet"))) > 12  # what others may still read is kept for a day


async def answer_of(settings: Settings, question: str) -> str:
    answerer = build_answerer(settings)
    *_, last = [event async for event in answerer.stream(question, (), Scope())]
    await answerer.close()
    assert isinstance(last, Answered)
    return last.answer


def restored(settings: Settings, data: Path, backup: str, **more: object) -> Settings:
    data.mkdir()
    made = settings.model_copy(update={"data_dir": data, "uploads_dir": settings.uploads, **more})
    restore(made, backup, replace=False, say=print, progress=lambda *_: None)
    return made


def test_ingested_asked_kept_deleted_and_told(lake_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lake_settings.uploads / "zebra.txt").write_text("The zebra Ottilie eats nine kilograms of hay a day.")
    (lake_settings.uploads / "okapi.txt").write_text("The keeper Amadou feeds the okapi at noon.")
    run_steps(lake_settings)
    catalog = open_catalog(lake_settings)
    rows = catalog.documents()
    assert {row.document: row.state for row in rows} == {"zebra.txt": "indexed", "okapi.txt": "indexed"}
    assert "nine kilograms" in asyncio.run(answer_of(lake_settings, "How much does the zebra Ottilie eat?"))

    mark = catalog.change_mark()
    assert look_around(lake_settings, catalog, open_index(lake_settings), []).backlog.get("default", Backlog()) == Backlog()
    run_steps(lake_settings)
    assert catalog.change_mark() == mark  # nothing to do is nothing written

    back_up(lake_settings, backup := str(tmp_path / "backup"), with_uploads=False, say=print, progress=lambda *_: None)
    (lake_settings.uploads / "okapi.txt").unlink()
    run_steps(lake_settings)
    assert [row.document for row in catalog.documents()] == ["zebra.txt"]
    into_file = restored(lake_settings, tmp_path / "file", backup, catalog_url=None)
    into_lake = restored(lake_settings, tmp_path / "lake", backup, catalog_url=Settings(catalog_url=new_database("restored")).catalog_url)
    assert open_catalog(into_file).documents() == open_catalog(into_lake).documents() == rows
    assert (into_file.catalog_path.exists(), into_lake.catalog_path.exists()) == (True, False)

    assert lake_settings.catalog_url
    monkeypatch.setenv("RAG_DATA_DIR", str(lake_settings.data))
    monkeypatch.setenv("RAG_CATALOG_URL", lake_settings.catalog_url.get_secret_value())
    told = CliRunner().invoke(cli, ["status"])
    assert (told.exit_code, "zebra.txt" in told.output) == (0, True), told.output


def test_rows_lie_in_a_bucket(lake_settings: Settings) -> None:
    bucket = running().bucket("lake")
    in_bucket = running().settings(lake_settings, lake_settings.uploads, catalog_data_path=str(bucket.folder))
    catalog = open_catalog(in_bucket)
    add(catalog, "key")
    assert keys(catalog) == {"key"}
    assert [found.key for found in bucket.list() if "extractions" in found.key]
    assert not (lake_settings.data / "catalog.rows").exists()
