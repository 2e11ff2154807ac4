"""A site of several machines on this one: Redis, PostgreSQL, a machine with the catalog, and workers with folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
import redis

from rag_pipeline.defs.runs import open_instance
from rag_pipeline.settings import Settings
from rag_pipeline_tests.defs.test_runs import AS_THE_DAEMON_DOES
from rag_pipeline_tests.programs import POSTGRESQL, REDIS, require
from rag_pipeline_tests.servers import PostgreSQL, Redis

ROOT = Path(__file__).parent.parent.parent
ALL_AT_ONCE = AS_THE_DAEMON_DOES.replace("default", "papers")
"""A run without slices, as *Materialize all* in the Dagster UI starts it."""


def wait_until(is_so: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.02)


@dataclass
class Site:
    """``folder``: below it lie the catalog machine's data and that of each worker."""

    folder: Path
    redis: Redis
    postgresql: PostgreSQL
    common: Mapping[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Of the machine with the catalog."""
        return Settings(data_dir=self.folder / "catalog", settle_seconds=0, embedding_model=self.common["RAG_EMBEDDING_MODEL"])

    def start_worker(self, name: str, *queues: str, code: Path = ROOT) -> subprocess.Popen[str]:
        place = self.folder / name
        place.mkdir(exist_ok=True)
        return self._start(place, ["-m", "rag_pipeline", "worker", *queues], code)

    def living_workers(self) -> list[subprocess.Popen[str]]:
        return [process for process in self.processes if "worker" in process.args and process.poll() is None]  # type: ignore[operator]

    def start_run(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return self._start(self.folder / "catalog", list(arguments) or ["-c", ALL_AT_ONCE], ROOT, **settings)

    def _start(self, place: Path, arguments: Sequence[str], code: Path, **settings: str) -> subprocess.Popen[str]:
        environment = {**os.environ, **self.common, **settings, "RAG_DATA_DIR": str(place), "PYTHONPATH": str(code)}
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.processes.append(process)
        return process

    def workers_at_work(self) -> dict[str, str]:
        """Process number of the worker → the name of its task, of those that a worker says it is at."""
        client = redis.Redis(port=self.redis.port)
        told = [json.loads(found) for key in client.keys("celery-task-meta-*") if (found := client.get(key))]
        return {one["result"]["worker"].rpartition("-")[2]: one["task_id"] for one in told if one["status"] == "WORKING"}

    def instance(self) -> dg.DagsterInstance:
        return open_instance(self.settings.model_copy(update={"dagster_database_url": self.postgresql_url}))

    @property
    def postgresql_url(self) -> object:
        return Settings(dagster_database_url=self.common["RAG_DAGSTER_DATABASE_URL"]).dagster_database_url  # type: ignore[call-arg]

    def done_by(self) -> dict[str, list[str]]:
        """Process number of a worker → the steps that it began, in all runs."""
        found: dict[str, list[str]] = {}
        with self.instance() as instance:
            for run in instance.get_runs():
                for entry in instance.all_logs(run.run_id):
                    event = entry.dagster_event
                    if event and event.message and event.message.startswith("Done by the worker "):
                        found.setdefault(event.message.rpartition("-")[2], []).append(str(event.step_key))
        return found

    def warnings(self) -> str:
        with self.instance() as instance:
            return "\n".join(entry.user_message for run in instance.get_runs() for entry in instance.all_logs(run.run_id))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    require(REDIS, POSTGRESQL)
    folder = Path(tempfile.mkdtemp())
    (folder / "catalog" / "uploads").mkdir(parents=True)
    model = subprocess.Popen([sys.executable, str(ROOT / "bench" / "made_up_model.py"), str(folder / "model")], cwd=ROOT)
    with ExitStack() as started:
        started.callback(shutil.rmtree, folder, True)
        cache, database = started.enter_context(Redis()), started.enter_context(PostgreSQL())
        common = {
            "OMP_NUM_THREADS": "1",
            "PYTHONFAULTHANDLER": "1",
            "RAG_CELERY_BROKER_URL": cache.address,
            "RAG_DAGSTER_DATABASE_URL": database.make_database("dagster"),
            "RAG_STAGING_URL": f"file://{folder}/staging",
            "RAG_UPLOADS_DIR": str(folder / "catalog" / "uploads"),
            "RAG_SETTLE_SECONDS": "0",
            "RAG_EMBEDDING_MODEL": str(folder / "model"),
            "RAG_EMBEDDING_DTYPE": "float32",
            "RAG_EXTRACTION_WORKERS": "1",
            "RAG_EXTRACTION_BATCH_DOCUMENTS": "100",
            "RAG_EMBEDDING_BATCH_CHUNKS": "200",
        }
        assert model.wait(120) == 0
        made = Site(folder, cache, database, common)
        yield made
        for process in made.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.communicate()
