"""Batches on workers, through all that can happen to them: what is published in the end is what one machine alone would have made.

One test, as its parts go on from each other: the same site, the same growing collection, a disaster each.
Larger: RAG_TEST_DISTRIBUTED_DOCUMENTS=2000 python -m pytest rag_pipeline_tests/distributed/test_distributed.py -n 0
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.cli.doctor import examine
from rag_pipeline.ingestion.pauses import carry_on, pause
from rag_pipeline.ingestion.progress.live import live_runs
from rag_pipeline.settings import Settings, variable_name
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.objects import open_store
from rag_pipeline.stores.vectors import open_index
from rag_pipeline.stores.vectors.edge import EdgeIndex, _live_chunks, _segments_now
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.distributed.conftest import BATCH_DOCUMENTS, Site
from rag_pipeline_tests.distributed.deployment import ROOT, Started, is_healthy, port_of
from rag_pipeline_tests.servers import wait_for_port
from rag_pipeline_tests.waiting import wait_until

DOCUMENTS = int(os.environ.get("RAG_TEST_DISTRIBUTED_DOCUMENTS", "300"))
MORE = DOCUMENTS * 4 // 10


def write(site: Site, first: int, last: int) -> None:
    bucket = open_store(site.settings, site.settings.uploads, "RAG_UPLOADS_DIR")  # type: ignore[arg-type]
    for number in range(first, last):
        text = f"Paragraph about subject{number}, written by author{number % 50}.\n" * (1 + number % 3)
        bucket.put(f"papers/{number % 7}/näme {number}.txt", io.BytesIO(text.encode()))


def ended(run: Started, *others: Started) -> str:
    """What it said until its end; where one hangs also where, and where the others are that it may be waiting for."""
    try:
        return run.said()
    except subprocess.TimeoutExpired:
        for one in (run, *others):
            one.send_signal(signal.SIGABRT)
        pytest.fail("It hangs:\n" + "\n".join(one.said() for one in (run, *others)))


def succeeds(run: Started) -> None:
    output = ended(run)
    assert run.returncode == 0, output


def points(settings: Settings) -> dict[str, Any]:
    """All points that answer: what they say, and both vectors."""
    with_places = open_index(settings)
    assert isinstance(with_places, EdgeIndex)
    folder, manifest = with_places._folder("papers"), with_places.manifest("papers")
    assert manifest
    found = {}
    for batch in _live_chunks(folder, _segments_now(folder, manifest)):
        for chunk in batch:
            found[chunk.chunk_id] = chunk
    return found


def a_worker_of_another_version_is_refused_and_its_batch_is_done_by_one_of_ours(site: Site, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rag_pipeline", tmp_path / "rag_pipeline")
    with (tmp_path / "rag_pipeline" / "ingestion" / "chunker.py").open("a") as module:
        module.write("\n# As an earlier release had it.\n")
    write(site, 0, DOCUMENTS)
    old = site.start_worker("old", tmp_path)
    run = site.start_run()
    wait_until(lambda: old.poll() is not None or run.poll() is not None)
    assert run.poll() is None, run.said()
    output = ended(old)
    assert old.returncode == 1
    assert "is not like the machine of the run. the product's code: " in output
    assert run.poll() is None
    first = site.start_worker("first")
    stop_in_the_middle_of_a_later_batch(site, first)
    wait_until(lambda: any(one.alive and one.step == "extracted_text" and one.total >= BATCH_DOCUMENTS for one in live_runs(site.settings)))
    second = site.start_worker("second", embeds=True)
    first.kill()
    succeeds(run)
    done = site.done_by()
    assert done[str(first.pid)]  # before the one that it was stopped at
    assert len(done[str(second.pid)]) > 1
    said = site.said()
    assert "A worker refused a batch" in said
    assert "has not been heard of for 10 s" in said
    assert open_index(site.settings).count("papers") == DOCUMENTS


def stop_in_the_middle_of_a_later_batch(site: Site, worker: Started) -> None:
    """SIGSTOP: its batch stays as it is. Tried until it hit one that was not over at that very moment."""
    number, begun = str(worker.pid), set[str]()

    def is_at_a_later_one() -> bool:
        task = site.workers_at_work().get(number)
        begun.update({task} if task else ())
        return bool(task) and len(begun) > 1

    while True:
        wait_until(is_at_a_later_one)
        worker.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        if number in site.workers_at_work():
            return
        worker.send_signal(signal.SIGCONT)


def a_pause_reaches_a_worker_in_the_middle_of_its_batch(site: Site) -> None:
    (second,) = [process for process in site.processes if process.poll() is None]
    write(site, DOCUMENTS, DOCUMENTS + MORE)
    run = site.start_run(RAG_EXTRACTION_BATCH_DOCUMENTS=str(MORE))
    wait_until(site.workers_at_work)
    second.send_signal(signal.SIGSTOP)
    pause(site.settings, ["papers"])
    time.sleep(1)  # the run looks at its pauses, and tells
    second.send_signal(signal.SIGCONT)
    succeeds(run)
    assert DOCUMENTS <= open_index(site.settings).count("papers") < DOCUMENTS + MORE
    carry_on(site.settings, ["papers"])


def redis_and_postgresql_go_away_and_one_of_them_has_forgotten_all(site: Site) -> None:
    runs = [site.start_run(), site.start_run()]  # at once: they take turns
    wait_until(site.workers_at_work)
    site.redis.stop()
    site.postgresql.stop()
    time.sleep(2)
    site.redis.start()
    site.postgresql.start()
    ended(*runs)
    ended(runs[1])
    assert "Redis does not answer" in site.said()
    assert {run.returncode for run in runs} <= {0, 1}  # what PostgreSQL kept a run from is done by the next
    if open_index(site.settings).count("papers") < DOCUMENTS + MORE:
        succeeds(site.start_run())
    assert open_index(site.settings).count("papers") == DOCUMENTS + MORE


def the_deployment_finds_a_file_by_itself(site: Site) -> None:
    """Code server, webserver, daemon and app by the commands of deploy/compose.yaml: the sensor starts runs, the worker does batches."""
    before = len(site.done_by())
    for name in ("code", "webserver", "daemon", "app-1"):
        site.start_service(name)
        if name == "code":
            wait_for_port(port_of(site.services["code"]), 120)  # to ask for its health costs what starting it does
            wait_until(lambda: is_healthy(site.services["code"], site.catalog), 120, 0.5)
    write(site, DOCUMENTS + MORE, DOCUMENTS + MORE + 20)
    wait_until(lambda: open_index(site.settings).count("papers") == DOCUMENTS + MORE + 20, 120, 0.5)
    wait_until(lambda: all(row.state == "indexed" for row in Catalog(site.settings.catalog_path).documents()), 120, 0.5)
    assert len(site.done_by()) == before
    for name in ("webserver", "daemon", "app-1"):
        assert is_healthy(site.services[name], site.catalog), name
    assert is_healthy(site.services["reader"], site.folder / "second")
    assert not is_healthy(site.services["reader"], site.folder / "old")
    distributed = {
        name: site.services["code"]["environment"][variable_name(name)] for name in ("celery_broker_url", "dagster_database_url")
    }
    looked_at = Settings(**distributed, staging_url=f"file://{site.folder}/nothing", data_dir=site.catalog)
    assert [(one.subject, one.state) for one in examine(looked_at) if one.subject in ("staging", "workers")] == [
        ("staging", "ok"),
        ("workers", "ok"),
    ]


def what_is_published_is_what_one_machine_makes(site: Site, tmp_path: Path) -> None:
    alone = site.settings.model_copy(update={"data_dir": tmp_path / "alone"})
    run_steps(alone, "papers")
    assert {row.state for row in Catalog(site.settings.catalog_path).documents()} == {"indexed"}
    made, expected = points(site.settings), points(alone)
    assert made.keys() == expected.keys()
    assert [key for key in made if made[key] != expected[key]] == []
    assert len(made) == DOCUMENTS + MORE + 20


@pytest.mark.timeout(600)
def test_whatever_happens_to_workers(site: Site, tmp_path: Path) -> None:
    a_worker_of_another_version_is_refused_and_its_batch_is_done_by_one_of_ours(site, tmp_path)
    a_pause_reaches_a_worker_in_the_middle_of_its_batch(site)
    redis_and_postgresql_go_away_and_one_of_them_has_forgotten_all(site)
    the_deployment_finds_a_file_by_itself(site)
    what_is_published_is_what_one_machine_makes(site, tmp_path)
