"""``rag up`` as a whole: real processes, a file really dropped, a question over HTTP, an end without orphans."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from rag_pipeline.cli.up import Service, _Supervisor
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.made_model import put_into

RAG = [sys.executable, "-m", "rag_pipeline"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(true: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(0.5)  # a question costs what the ingestion that it waits for could use
    raise AssertionError(f"waited {seconds} s for {what}")


class Up:
    """A running ``rag up`` on a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.log = folder / "data", folder / "up.log"
        self.app_port, self.dagster_port = free_port(), free_port()
        settings = {
            "RAG_DATA_DIR": str(self.data),
            "RAG_APP_PORT": str(self.app_port),
            "RAG_DAGSTER_PORT": str(self.dagster_port),
            "RAG_SETTLE_SECONDS": "1",
        }
        self.environment = {**os.environ, **settings}
        self.process = subprocess.Popen([*RAG, "up"], env=self.environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        self.children: list[psutil.Process] = []

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "Drop files in" in self.log.read_text()

    def call(self, route: str, body: bytes | None = None) -> dict[str, Any]:
        """GET; POST where there is a body."""
        address = f"http://127.0.0.1:{self.app_port}/api/v1/{route}"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return dict(json.load(response))

    def ask(self, question: str) -> dict[str, Any]:
        return self.call("ask", json.dumps({"question": question}).encode())

    def cited(self, question: str) -> set[str]:
        return {hit["document"] for hit in self.ask(question)["citations"]}

    def end(self, number: signal.Signals) -> list[psutil.Process]:
        """Stop it; the processes that outlived it."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        self.process.wait(60)
        return psutil.wait_procs(family, timeout=20)[1]


def is_running(one: Up) -> bool:
    return one.process.poll() is None


@pytest.fixture(scope="module")
def started() -> Iterator[list[Up]]:
    """Those that tests share."""
    made: list[Up] = []
    yield made
    for running in filter(is_running, made):
        running.end(signal.SIGTERM)


@pytest.fixture
def up(started: list[Up], tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Up:
    """The one that runs, whose model is ready; a new one where a test has ended it."""
    if not started or not is_running(started[-1]):
        folder = tmp_path_factory.mktemp("up")
        put_into(folder / "data", packaged_model)
        started.append(Up(folder))
    wait_for(started[-1].ready, 180, "rag up to say that it is ready")
    return started[-1]


@pytest.mark.timeout(600)
def test_a_dropped_file_is_answered_edited_and_forgotten(up: Up) -> None:
    uploads = up.data / "uploads"
    assert up.ask("What is the colour of the lighthouse?")["refused"]

    (uploads / "lighthouse.txt").write_text("The lighthouse of Varberg is painted bright green.\n")
    wait_for(lambda: up.cited("What is the colour of the lighthouse of Varberg?") == {"lighthouse.txt"}, 90, "an answer from the file")
    assert "green" in up.ask("What is the colour of the lighthouse of Varberg?")["answer"]

    (uploads / "lighthouse.txt").write_text("The lighthouse of Varberg is painted deep purple.\n")
    (uploads / "ferry.txt").write_text("The ferry to Skagen leaves at nine in the morning.\n")
    wait_for(lambda: "purple" in up.ask("What is the colour of the lighthouse of Varberg?")["answer"], 90, "the new colour")
    wait_for(lambda: up.cited("When does the ferry to Skagen leave?") == {"ferry.txt"}, 90, "an answer from the other file")

    (uploads / "lighthouse.txt").unlink()
    wait_for(lambda: up.cited("What is the colour of the lighthouse of Varberg?") <= {"ferry.txt"}, 90, "the file to be forgotten")

    (uploads / "ferry.txt").unlink()  # the last one: an unplugged disk would look the same
    wait_for(lambda: up.call("collections")["collections"][0]["deletions_held"] == 1, 90, "the deletion to be held")
    assert up.cited("When does the ferry to Skagen leave?") == {"ferry.txt"}
    assert up.call("collections/default/confirm-deletions", b"") == {"confirmed": 1}
    wait_for(lambda: up.ask("When does the ferry to Skagen leave?")["refused"], 90, "the confirmed deletion")


@pytest.mark.timeout(600)
def test_many_files_at_once_are_a_few_runs(up: Up) -> None:
    """Slices of 1, 3, 9 … seconds, and never a run for each file."""
    folder = up.data / "uploads" / "herbs"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number}.txt").write_text(f"Herb number {number} grows in bed {number % 7}.\n")
    wait_for(lambda: up.cited("Where does herb number 512 grow?") == {"512.txt"}, 180, "an answer from the thousand files")
    runs = up.call("ingestion/runs?limit=100")["runs"]
    assert 1 <= sum(run["collection"] == "herbs" for run in runs) <= 6
    assert {run["status"] for run in runs} <= {"NOT_STARTED", "QUEUED", "STARTING", "STARTED", "SUCCESS"}
    rebuilt = up.call("ingestion", json.dumps({"collection": "default", "full_refresh": True}).encode())
    assert up.call(f"ingestion/{rebuilt['run_id']}")["collection"] == "default"


@pytest.mark.timeout(600)
def test_a_run_that_is_terminated_in_the_browser_frees_its_collection(up: Up) -> None:
    def graphql(query: str) -> dict[str, Any]:
        address = f"http://127.0.0.1:{up.dagster_port}/graphql"
        request = urllib.request.Request(address, json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return dict(json.load(response)["data"])

    def runs(*statuses: str) -> set[str]:
        wanted = f'filter:{{statuses:[{",".join(statuses)}], tags:[{{key:"dagster/partition", value:"tea"}}]}}'
        results = graphql(f"{{runsOrError({wanted}) {{... on Runs {{results {{runId}}}}}}}}")["runsOrError"]["results"]
        return {run["runId"] for run in results}

    tea = Workspace(Settings(data_dir=up.data), "tea")
    with tea.lock("source_documents"):  # the run's first step waits here
        (up.data / "uploads" / "tea").mkdir()
        (up.data / "uploads" / "tea" / "assam.txt").write_text("Assam is steeped for four minutes.\n")
        (run,) = wait_for(lambda: runs("STARTED"), 120, "the run")
        outcome = graphql(f'mutation {{terminateRun(runId:"{run}") {{__typename}}}}')
        assert outcome["terminateRun"]["__typename"] == "TerminateRunSuccess"
        wait_for(lambda: run in runs("CANCELED"), 90, "the run to be cancelled")
    wait_for(lambda: up.cited("How long is assam steeped?") == {"assam.txt"}, 180, "the next run of the collection")


def test_a_taken_port_is_named_with_the_way_out(up: Up) -> None:
    result = subprocess.run([*RAG, "up"], env=up.environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert f"Port {up.dagster_port}" in result.stderr
    assert "RAG_DAGSTER_PORT=" in result.stderr


def test_a_second_rag_up_on_the_same_data_is_refused(up: Up) -> None:
    ports = {"RAG_APP_PORT": str(free_port()), "RAG_DAGSTER_PORT": str(free_port())}
    result = subprocess.run([*RAG, "up"], env={**up.environment, **ports}, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "already running" in result.stderr


def test_the_log_has_no_warning_of_our_making(up: Up) -> None:
    lines = up.log.read_text().splitlines()
    suspicious = [number for number, line in enumerate(lines) if "Warning" in line or "Traceback" in line]
    assert not suspicious, "\n".join(lines[max(0, suspicious[0] - 5) : suspicious[0] + 60])


def _a_run_that_nobody_is_at(folder: Path) -> str:
    """As a `rag up` leaves it that was killed; its number."""
    with open_instance(Settings(data_dir=folder / "data")) as instance:
        return instance.create_run_for_job(dg.job(name="ended")(lambda: None)).run_id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_one_signal_ends_all_and_leaves_no_orphan(request: pytest.FixtureRequest, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C one that has worked; the other signals one that was just set up, and is still making its model."""
    if number == signal.SIGTERM:
        left = _a_run_that_nobody_is_at(tmp_path)
    running = request.getfixturevalue("up") if number == signal.SIGINT else Up(tmp_path)
    wait_for(running.ready, 180, "rag up to say that it is ready")
    if number == signal.SIGTERM:
        with open_instance(Settings(data_dir=running.data)) as instance:
            assert instance.get_run_by_id(left).status == dg.DagsterRunStatus.FAILURE
    assert running.end(number) == []
    if number != signal.SIGKILL:
        assert running.process.returncode == 0


def test_the_program_above_the_parts_imports_nothing_heavy() -> None:
    """It stays for as long as they do."""
    code = "import sys, rag_pipeline.cli.up; print({'dagster', 'duckdb', 'gradio', 'numpy', 'polars', 'torch'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_parts_are_stopped_where_nothing_can_be_written(tmp_path: Path) -> None:
    """There is no folder for the file that ends the sensor's tick; a disk that is full or read-only refuses it as well."""
    part = Service("part", [sys.executable, "-c", "import time; time.sleep(100)"])
    part.process = subprocess.Popen(part.command, start_new_session=True, text=True)
    try:
        _Supervisor(Settings(data_dir=tmp_path / "none"), [part], {})._stop_all()
        assert part.process.poll() == -signal.SIGTERM
    finally:
        part.process.kill()
        part.process.wait()
