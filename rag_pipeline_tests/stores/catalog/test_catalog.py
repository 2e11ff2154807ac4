"""The catalog file: made when missing, waited for when locked, refused in plain words when it cannot be used."""

import subprocess
import sys
import threading
import time
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from rag_pipeline.stores.catalog import Catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from rag_pipeline.stores.catalog.schema import SCHEMA_VERSION


def test_a_catalog_that_does_not_exist_reads_as_no_documents(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    assert catalog.documents() == []
    assert catalog.find("x") is None
    assert not (tmp_path / "catalog.duckdb").exists()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    with pytest.raises(RuntimeError), catalog.writing() as connection:
        connection.execute("INSERT INTO extractions VALUES ('key', 1, [], NULL, NULL, NULL)")
        raise RuntimeError
    with catalog.reading() as connection:
        assert connection.execute("SELECT count(*) FROM extractions").fetchone() == (0,)


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    path.write_bytes(b"this is no database" * 1000)
    for use in (Catalog(path).reading, Catalog(path).writing):
        with pytest.raises(CatalogError, match="rag ingest"), use():
            pass
    assert path.read_bytes().startswith(b"this is no database")


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_named_with_the_way_out(tmp_path: Path, kept: float) -> None:
    """Such a file can be opened; it is the first statement that finds the end."""
    catalog = Catalog(tmp_path / "catalog.duckdb")
    with catalog.writing() as connection:
        connection.execute("INSERT INTO extractions SELECT sha256(i::VARCHAR), i, [], NULL, NULL, NULL FROM range(50000) r(i)")
    path = tmp_path / "catalog.duckdb"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    for use in (catalog.reading, catalog.writing):
        with pytest.raises(CatalogError, match="rag ingest"), use() as connection:
            connection.execute("SELECT max(extraction_key) FROM extractions").fetchone()


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from rag_pipeline.stores.catalog import Catalog
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))
with Catalog(path).writing() as connection:
    connection.execute("INSERT INTO extractions SELECT sha256(i::VARCHAR), i, [], NULL, NULL, NULL FROM range(20000, 22000) r(i)")
"""


def test_what_was_committed_stays_where_its_log_finds_no_room_in_the_file(tmp_path: Path) -> None:
    """The file is at the limit that a process of its own has for files; the log beside it is not."""
    catalog = Catalog(tmp_path / "catalog.duckdb")
    with catalog.writing() as connection:
        connection.execute("INSERT INTO extractions SELECT sha256(i::VARCHAR), i, [], NULL, NULL, NULL FROM range(20000) r(i)")
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path / "catalog.duckdb")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert "could not be put into" in done.stderr
    assert (tmp_path / "catalog.duckdb.wal").stat().st_size
    for _ in range(2):  # by the log; then, without one, by the file
        with catalog.reading() as connection:
            assert connection.execute("SELECT count(*) FROM extractions").fetchone() == (22000,)
        with catalog.writing() as connection:
            connection.execute("DELETE FROM extractions WHERE FALSE")
    assert not (tmp_path / "catalog.duckdb.wal").exists()


def test_a_copy_under_another_name_is_read_by_any_duckdb(tmp_path: Path) -> None:
    """What its views name is in it, whatever it was called while it was written."""
    catalog = Catalog(tmp_path / "catalog.duckdb")
    with catalog.writing():
        pass
    catalog.copy_to(tmp_path / "copy.duckdb")
    with duckdb.connect(str(tmp_path / "copy.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM document_text").fetchone() == (0,)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE catalog (schema_version INTEGER); INSERT INTO catalog VALUES (999)")
    for use in (Catalog(path).reading, Catalog(path).writing):
        with pytest.raises(CatalogError, match="version 999"), use():
            pass


@pytest.mark.parametrize("use", ["reading", "writing"])
def test_a_catalog_of_the_first_version_is_upgraded_with_its_rows(tmp_path: Path, use: str) -> None:
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute((Path(__file__).parent / "catalog_version_1.sql").read_text())
        connection.execute(
            "INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, content_hash, state, extraction_key,"
            " added_at) VALUES ('d', 'c', 'a.txt', 'c/a.txt'::BLOB, '1:2:3:4', 1, 'h', 'indexed', 'x', TIMESTAMP '2026-01-01')"
        )
        connection.execute("INSERT INTO extractions VALUES ('x', 1, [])")
        connection.execute("INSERT INTO elements VALUES ('x', 0, 'Text', 'Zebras.', 1, [], '[]', NULL)")
    with getattr(Catalog(path), use)() as connection:
        assert connection.execute("SELECT schema_version FROM catalog").fetchall() == [(SCHEMA_VERSION,)]
        assert connection.execute("SELECT text FROM document_text").fetchall() == [("Zebras.",)]
        assert connection.execute("SELECT unused_since FROM extractions").fetchall() == [(None,)]
    (row,) = Catalog(path).documents()
    assert (row.document, row.state, row.file, row.deletion_held_since) == ("a.txt", "indexed", "c/a.txt", None)


def test_an_upgrade_that_breaks_off_leaves_the_old_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute((Path(__file__).parent / "catalog_version_1.sql").read_text())
    broken = [(2, "UPDATE catalog SET schema_version = 2; CREATE TABLE half (x INTEGER); SELECT no_such_function()")]
    monkeypatch.setattr("rag_pipeline.stores.catalog.schema._migrations", lambda: broken)
    with pytest.raises(duckdb.Error), Catalog(path).writing():
        pass
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT schema_version FROM catalog").fetchall() == [(1,)]
        assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchone() == (0,)


def test_the_first_schema_is_never_edited() -> None:
    """What is changed in it would be missing from every catalog that exists."""
    packaged = files("rag_pipeline.stores.catalog").joinpath("sql/0001_documents.sql").read_text()
    assert packaged == (Path(__file__).parent / "catalog_version_1.sql").read_text()


def test_a_writer_in_another_process_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    with Catalog(path).writing():
        pass
    code = f"import duckdb, time; c = duckdb.connect({str(path)!r}); print('open', flush=True); time.sleep(1); c.close()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        with pytest.raises(CatalogBusyError):
            Catalog(path, lock_wait_seconds=0.05).documents()
        assert Catalog(path).documents() == []


def test_readers_and_writers_of_one_process_take_turns(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    errors: list[Exception] = []

    def work(writes: bool) -> None:
        try:
            for number in range(10):
                with catalog.writing() if writes else catalog.reading() as connection:
                    if writes:
                        connection.execute("INSERT INTO extractions VALUES (?, 1, [], NULL, NULL, NULL)", [str(number)])
                    connection.execute("SELECT count(*) FROM extractions").fetchone()
                time.sleep(0.001)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with catalog.reading() as connection:
        assert connection.execute("SELECT count(*) FROM extractions").fetchone() == (20,)
