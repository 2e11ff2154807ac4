"""A site of several machines on this one: the servers, the machine with the catalog, and workers with folders of their own.

What is started is started as deploy/compose.yaml says it.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
import redis
from pydantic import SecretStr
from safetensors.numpy import save_file

from rag_pipeline.access import new_token
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.settings import Settings
from rag_pipeline_tests import object_storage
from rag_pipeline_tests.defs.test_runs import AS_THE_DAEMON_DOES
from rag_pipeline_tests.distributed.deployment import COMPOSE, ROOT, VARIABLE, Service, Started, environment, filled_in, services, start
from rag_pipeline_tests.programs import POSTGRESQL, REDIS, require
from rag_pipeline_tests.servers import PostgreSQL, Redis, free_port

ALL_AT_ONCE = AS_THE_DAEMON_DOES.replace("default", "papers")
"""A run without slices, as *Materialize all* in the Dagster UI starts it."""
SECRETS = {"REDIS_PASSWORD": "redis", "RAG_API_TOKENS": new_token("anna", ["read"])[1]}
BATCH_DOCUMENTS = 30
LEAN = {
    "RAG_SETTLE_SECONDS": "0",
    "RAG_UPLOADS_LIST_SECONDS": "1",
    "RAG_EMBEDDING_DTYPE": "float32",
    "RAG_EXTRACTION_WORKERS": "1",
    "RAG_EXTRACTION_BATCH_DOCUMENTS": str(BATCH_DOCUMENTS),
    "RAG_EMBEDDING_BATCH_CHUNKS": "60",
}


def make_model(folder: Path) -> None:
    """It costs next to nothing: a vector for each word piece, and their mean."""
    pieces = np.random.default_rng(0).normal(size=(30522, 32)).astype(np.float32)
    folder.mkdir()
    save_file({"embedding.weight": pieces}, folder / "model.safetensors")
    shutil.copy(locate_model(Settings()).path / "tokenizer.json", folder)
    kind = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256}))


@dataclass
class Site:
    """``folder``: below it lie the catalog machine's data and that of each worker."""

    folder: Path
    redis: Redis
    postgresql: PostgreSQL
    services: Mapping[str, Service]
    processes: list[Started] = field(default_factory=list)

    @cached_property
    def told(self) -> redis.Redis:
        """What workers tell of their batches; asked so often that a connection each time would cost more than the answers."""
        return redis.Redis(port=self.redis.port, password="redis")

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog"

    @property
    def settings(self) -> Settings:
        """Of the machine with the catalog."""
        named = {name.removeprefix("RAG_").lower(): value for name, value in self.services["reader"]["environment"].items()}
        chosen = ("settle_seconds", "uploads_dir", "embedding_model", "embedding_dtype", "extraction_workers")
        return Settings(data_dir=self.catalog, **{name: value for name, value in named.items() if name in chosen or name.startswith("s3_")})

    def start_worker(self, name: str, code: Path = ROOT, *, embeds: bool = False) -> Started:
        """One that reads; ``embeds``: does all that there is."""
        service = self.services["reader"]
        if embeds:
            service = {**service, "command": [*service["command"], *self.services["embedder"]["command"][2:]]}
        return self._kept(start(service, self.folder / name, code))

    def start_run(self, **settings: str) -> Started:
        return self._kept(start({**self.services["code"], "command": [sys.executable, "-c", ALL_AT_ONCE]}, self.catalog, **settings))

    def start_service(self, name: str) -> Started:
        return self._kept(start(self.services[name], self.catalog))

    def _kept(self, process: Started) -> Started:
        self.processes.append(process)
        return process

    def workers_at_work(self) -> dict[str, str]:
        """Process number of a worker that says that it is at a batch → the name of its task."""
        keys = self.told.keys("celery-task-meta-*")
        told = [json.loads(found) for found in (self.told.mget(keys) if keys else []) if found]
        return {one["result"]["worker"].rpartition("-")[2]: one["task_id"] for one in told if one["status"] == "WORKING"}

    def instance(self) -> dg.DagsterInstance:
        url = SecretStr(self.services["code"]["environment"]["RAG_DAGSTER_DATABASE_URL"])
        return open_instance(self.settings.model_copy(update={"dagster_database_url": url}))

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

    def said(self) -> str:
        """All lines in the logs of all runs."""
        with self.instance() as instance:
            return "\n".join(entry.user_message for run in instance.get_runs() for entry in instance.all_logs(run.run_id))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    require(REDIS, POSTGRESQL)
    with a_site() as made:
        yield made


@contextmanager
def a_site(**settings: str) -> Iterator[Site]:
    """One whose services have these settings besides."""
    folder = Path(tempfile.mkdtemp())
    (folder / "catalog").mkdir()
    make_model(folder / "model")
    with ExitStack() as started:
        started.callback(shutil.rmtree, folder, True)
        cache, database = started.enter_context(Redis("redis")), started.enter_context(PostgreSQL())
        ports = {name: free_port() for name in ("code", "webserver", "app")}
        made = Site(folder, cache, database, _adapted(folder, cache, database, ports, settings))
        _prepare(made)
        yield made
        for process in made.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)


def _adapted(folder: Path, cache: Redis, database: PostgreSQL, ports: Mapping[str, int], settings: Mapping[str, str]) -> dict[str, Service]:
    """The services of the file, with this machine's addresses and lean settings. The index is the embedded one: there is no Qdrant here."""
    text = COMPOSE.read_text(encoding="utf-8")
    text = filled_in(text, dict.fromkeys((name for name, _ in VARIABLE.findall(text)), "a-secret") | SECRETS)
    text = text.replace("@redis:6379", f"@127.0.0.1:{cache.port}").replace("@postgresql:5432", f"@127.0.0.1:{database.port}")
    text = text.replace("http://storage:9000", object_storage.running().url)
    text = text.replace("/app/deploy/workspace.yaml", f"{folder}/workspace.yaml")
    text = text.replace("/app/deploy", str(COMPOSE.parent)).replace("4000", str(ports["code"])).replace("3000", str(ports["webserver"]))
    text = text.replace("7860", str(ports["app"])).replace("0.0.0.0", "127.0.0.1")
    workspace = (COMPOSE.parent / "workspace.yaml").read_text().replace("host: code", "host: 127.0.0.1").replace("4000", str(ports["code"]))
    (folder / "workspace.yaml").write_text(workspace)
    lean = {**LEAN, "RAG_EMBEDDING_MODEL": str(folder / "model")}
    lean |= {"RAG_APP_PORT": str(ports["app"]), "RAG_DAGSTER_PORT": str(ports["webserver"])}
    found = services(text)
    for service in found.values():
        own = {name: value for name, value in service.get("environment", {}).items() if "QDRANT" not in name}
        service["environment"] = {**own, **lean, **settings}
    return found


def _prepare(site: Site) -> None:
    """What the file's containers do once, at their first start."""
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(site.postgresql.port), "POSTGRES_USER": "rag", "PGDATABASE": "postgres"}
    prepared = environment({"environment": {**site.services["postgresql"]["environment"], **where}}, site.catalog, ROOT)
    subprocess.run([COMPOSE.parent / "postgresql" / "databases.sh"], env=prepared, check=True, stdout=subprocess.DEVNULL, timeout=60)
    for _ in range(2):  # the second time it is there
        assert start(site.services["bucket"], site.catalog).wait(60) == 0
