import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars
import psutil
import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import reading
from rag_pipeline.ingestion.extract.element_rows import element_frame
from rag_pipeline.ingestion.extract.process import pool, worker
from rag_pipeline.ingestion.extract.process.pool import ExtractionRequest, ExtractionResult, close_pools, extract_all
from rag_pipeline.ingestion.extract.process.worker import ReadingLimits
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract import readers


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left() -> Iterator[None]:
    yield
    close_pools()


def request(path: Path, content: bytes, written: bytes | None = None) -> ExtractionRequest:
    path.write_bytes(content if written is None else written)
    return ExtractionRequest(path.name, str(path), "text/plain", hashlib.sha256(content).hexdigest())


def by_key(requests: list[ExtractionRequest], **settings: float) -> dict[str, ExtractionResult]:
    options = Settings(extraction_workers=2, **settings)  # type: ignore[arg-type]
    return {result.key: result for result in extract_all(requests, options)}


def texts(result: ExtractionResult) -> list[str]:
    return element_frame(result.elements)["text"].to_list()


def test_every_request_has_one_result(tmp_path: Path) -> None:
    requests = [request(tmp_path / f"{number}.txt", f"words {number}".encode()) for number in range(50)]
    results = by_key(requests)
    assert set(results) == {request.key for request in requests}
    assert texts(results["7.txt"]) == ["words 7"]
    assert results["7.txt"].state == "extracted"
    assert results["7.txt"].seconds > 0


def test_requests_are_drawn_only_as_workers_keep_up(tmp_path: Path) -> None:
    drawn = 0

    def requests() -> Iterator[ExtractionRequest]:
        nonlocal drawn
        for number in range(1000):
            drawn += 1
            yield request(tmp_path / f"{number}.txt", b"words")

    results = extract_all(requests(), Settings(extraction_workers=2))
    next(results)
    assert drawn < 50
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "media_type", "content", "written", "code", "transient", "state"),
    [
        ("changed.txt", "text/plain", b"expected", b"other", "changed_while_read", True, "failed"),
        ("vanished.txt", "text/plain", b"expected", None, "vanished", True, "failed"),
        ("a.psd", "image/vnd.adobe.photoshop", b"words", b"words", "unsupported_type", False, "unsupported"),
        ("empty.txt", "text/plain", b"", b"", "empty", False, "empty"),
        ("large.txt", "text/plain", b"x" * 2000, b"x" * 2000, "too_large", False, "failed"),
        ("caf\udce9.txt", "text/plain", b"words", b"words", None, False, "extracted"),
    ],
)
def test_what_goes_wrong_becomes_a_result(
    tmp_path: Path, name: str, media_type: str, content: bytes, written: bytes | None, code: str | None, transient: bool, state: str
) -> None:
    path = tmp_path / name
    if written is not None:
        path.write_bytes(written)
    asked = ExtractionRequest("k", str(path), media_type, hashlib.sha256(content).hexdigest())
    result = by_key([asked], max_file_bytes=1000)["k"]
    assert (result.error_code, result.transient, result.state, not result.elements) == (code, transient, state, code is not None)
    assert (result.error is None) == (code is None)


def test_a_file_without_permission_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(tmp_path / "a.txt", b"words")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    result = worker.read_document(asked, ReadingLimits(1000))
    assert (result.error_code, result.transient) == ("unreadable", True)
    assert "permissions" in str(result.error)


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "read_document", readers.misbehave)


@pytest.mark.usefixtures("misbehaving")
def test_a_document_over_its_limits_costs_only_itself(tmp_path: Path) -> None:
    bad = ["hang.txt", "crash.txt", "greedy.txt", "huge.txt"]
    names = [*bad, *(f"{number}.txt" for number in range(20))]
    results = by_key(
        [request(tmp_path / name, b"words") for name in names], extraction_timeout_seconds=6, extraction_memory_bytes=300_000_000
    )
    outcomes = {name: (results[name].error_code, results[name].transient, results[name].state) for name in bad}
    assert outcomes == {
        "hang.txt": ("timeout", False, "failed"),
        "crash.txt": ("worker_died", True, "failed"),
        "greedy.txt": ("out_of_memory", False, "failed"),
        "huge.txt": ("out_of_memory", False, "failed"),
    }
    assert "took longer than 6 s" in str(results["hang.txt"].error)
    assert "SIGKILL" in str(results["crash.txt"].error)
    assert "more than 300 MB" in str(results["greedy.txt"].error)
    assert results["huge.txt"].error == results["greedy.txt"].error
    assert all(texts(results[f"{number}.txt"]) for number in range(20))


@pytest.mark.usefixtures("misbehaving")
def test_memory_that_a_document_left_behind_is_not_charged_to_the_next(tmp_path: Path) -> None:
    for _ in range(3):
        names = ["keeper.txt", *(f"{number}.txt" for number in range(4))]
        results = by_key([request(tmp_path / name, b"words") for name in names], extraction_memory_bytes=300_000_000)
        assert results["keeper.txt"].error_code == "out_of_memory"
        assert all(texts(results[f"{number}.txt"]) for number in range(4))
        time.sleep(0.2)  # a worker that ended now would have had nothing to do


def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_replaced(tmp_path: Path) -> None:
    asked = [request(tmp_path / f"{number}.txt", b"words") for number in range(8)]
    by_key(asked)
    workers = [child for child in psutil.Process().children(recursive=True) if b"forkserver" in " ".join(child.cmdline()).encode()]
    for victim in workers[1:2]:
        victim.kill()
        victim.wait()
    outcomes = by_key(asked)
    assert {result.error_code for result in outcomes.values()} <= {None, "worker_died"}
    assert len(asked) == len(outcomes)
    time.sleep(1)  # the death is noticed at the next look after the workers: within 0.1 s, and the files above may take less
    assert {result.error_code for result in by_key(asked).values()} == {None}


@pytest.mark.usefixtures("misbehaving")
def test_each_part_may_take_the_time_limit(tmp_path: Path) -> None:
    results = by_key([request(tmp_path / "slow.txt", b"words")], extraction_timeout_seconds=3)
    assert results["slow.txt"].state == "extracted"
    assert results["slow.txt"].seconds > 3.5


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel can refuse connections of a whole process tree")
@pytest.mark.usefixtures("misbehaving")
def test_neither_a_reader_nor_its_programs_reach_the_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        results = by_key([request(tmp_path / "connect.txt", str(port).encode())])
        with pytest.raises(TimeoutError):
            server.accept()
    (told,) = texts(results["connect.txt"])[:1]
    assert told.splitlines() == [
        f"python {errno.EACCES}",
        "program PermissionError: [Errno 13] Permission denied",
    ]


@pytest.mark.usefixtures("misbehaving")
def test_temporary_files_stay_in_the_staging_folder_and_go(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", extraction_workers=1)
    (result,) = extract_all([request(tmp_path / "scratch.txt", b"words")], settings)
    assert Path(texts(result)[0]).is_relative_to(settings.staging_path)
    assert readers.scratch_folders(settings.staging_path) == []


def test_abandoned_temporary_files_are_removed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", extraction_workers=1)
    old, new = settings.staging_path / "scratch" / "old", settings.staging_path / "scratch" / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "file").write_text("words")
    os.utime(old, (0, 0))
    list(extract_all([], settings))
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.usefixtures("misbehaving")
def test_a_large_document_comes_in_files(tmp_path: Path) -> None:
    asked = replace(request(tmp_path / "many.txt", b"words"), spool=str(tmp_path / "batch.many"))
    (result,) = extract_all([asked], Settings(data_dir=tmp_path / "data", extraction_workers=1))
    parts = sorted(tmp_path.glob("batch.many.*.elements.parquet"))
    rows = polars.concat([polars.read_parquet(part) for part in parts])
    waiting = element_frame(result.elements)
    assert len(parts) > 1
    assert len(rows) == result.spooled
    rows = polars.concat([rows, waiting])
    assert rows["position"].to_list() == list(range(len(rows)))
    assert rows["text"].to_list() == [*(f"element {n}" for n in range(60_000)), "words"]


class Panic(BaseException):
    """What a library written in Rust raises where it breaks: no ``Exception``, and of a class that no other process knows."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (RecursionError(), "too_deep"),
        (ZeroDivisionError("by  zero\n"), "unreadable_content"),
        (DocumentError("damaged", "words"), "damaged"),
        (Panic("index out of bounds"), "unreadable_content"),
    ],
)
def test_any_error_belongs_to_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: str) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(reading, "reader_of", lambda *_: fail)
    result = worker.read_document(request(tmp_path / "a.txt", b"words"), ReadingLimits(1000))
    assert (result.error_code, result.transient, result.state) == (code, False, "failed")


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change_and_read(source: Source) -> Iterator[Element]:
        (tmp_path / "a.txt").write_bytes(b"changed")
        yield Element("NarrativeText", "words")

    monkeypatch.setattr(reading, "reader_of", lambda *_: change_and_read)
    assert worker.read_document(request(tmp_path / "a.txt", b"words"), ReadingLimits(1000)).error_code == "changed_while_read"


_PARENT = """
import sys
from rag_pipeline.ingestion.extract.process import pool
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract import readers

if __name__ == "__main__":
    pool.read_document = readers.misbehave
    requests = [pool.ExtractionRequest(path, path, "text/plain", "") for path in sys.argv[1:]]
    for result in pool.extract_all(requests, Settings(extraction_workers=2)):
        print(result.key, flush=True)
"""


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(_PARENT)
    files = [tmp_path / "quick.txt", tmp_path / "hang.txt"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, str(tmp_path / "parent.py"), *map(str, files)]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()  # the first result: the workers run, and one of them hangs
    workers = psutil.Process(parent.pid).children(recursive=True)
    assert len(workers) >= 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_importing_the_package_is_cheap_and_heavy_libraries_come_later() -> None:
    program = (
        "import sys; import rag_pipeline.ingestion.extract as package;"
        "heavy = ('unstructured', 'pypdfium2', 'lxml', 'docx', 'torch', 'numpy', 'polars', 'PIL', 'bs4');"
        "print([name for name in heavy if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    output = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_workers_are_kept_between_batches(tmp_path: Path) -> None:
    asked = [request(tmp_path / "a.txt", b"words")]
    by_key(asked)
    workers = {child.pid for child in psutil.Process().children(recursive=True)}
    by_key(asked)
    assert workers == {child.pid for child in psutil.Process().children(recursive=True)}
