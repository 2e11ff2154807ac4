"""The catalog file: made when missing, waited for when locked, refused in plain words when it cannot be used."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from rag_pipeline.stores.catalog import Catalog, CatalogBusyError, CatalogError


def test_a_catalog_that_does_not_exist_reads_as_no_documents(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    assert catalog.documents() == []
    assert catalog.find("x") is None
    assert not catalog.path.exists()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    with pytest.raises(RuntimeError), catalog.writing() as connection:
        connection.execute("INSERT INTO extractions VALUES ('key', 1, [])")
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


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE catalog (schema_version INTEGER); INSERT INTO catalog VALUES (999)")
    for use in (Catalog(path).reading, Catalog(path).writing):
        with pytest.raises(CatalogError, match="version 999"), use():
            pass


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
                        connection.execute("INSERT INTO extractions VALUES (?, 1, [])", [str(number)])
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
