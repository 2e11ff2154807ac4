"""Batches on workers: what each costs besides its work, what a second worker brings, and what their size does.

    python bench/workers.py

Redis, PostgreSQL and the workers are those of the tests, all on this machine, a thread of numerics each. Needs the packages that the tests
need. Times are those of the step alone, from its first batch handed over to the last one back, as Dagster's records have them.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rag_pipeline.settings import PACKAGED_MODEL
from rag_pipeline.stores.objects import open_store
from rag_pipeline_tests.distributed.conftest import Site, a_site

FILES, PASSAGES = 30, 480


def write(site: Site, name: str, files: int, passages: int) -> None:
    bucket = open_store(site.settings, site.settings.uploads, "RAG_UPLOADS_DIR")
    for number in range(files):
        paragraphs = [  # of 227 tokens each: one passage, and two of them are too long for one
            f"Paragraph {part} of paper {name} {number}: " + f"word{part}x{number} and more " * 36 for part in range(passages // files)
        ]
        bucket.put(f"papers/{name}-{number}.txt", io.BytesIO("\n\n".join(paragraphs).encode()))


def seconds(site: Site, step: str, **settings: str) -> tuple[float, int]:
    """Seconds of a step in one run, and its batches."""
    began = time.time()
    run = site.start_run(**settings)
    output = run.said(300)
    assert run.returncode == 0, output
    with site.instance() as instance:
        newest = instance.get_run_records(limit=1)[0].dagster_run.run_id
        found = [entry for entry in instance.all_logs(newest) if f"{step}[" in str(entry.step_key or "")]
    times = [entry.timestamp for entry in found]
    assert min(times) > began
    return max(times) - min(times), len({entry.step_key for entry in found})


def overhead() -> None:
    """Of one-line files: nothing but the way there and back, on workers and in the run's own process."""
    with a_site() as site:
        worker = site.start_worker("first", embeds=True)
        for where, settings in (("on a worker", {}), ("in the run's process", {"RAG_CELERY_BROKER_URL": "", "RAG_STAGING_URL": ""})):
            found = {}
            for size in (1, FILES):
                write(site, f"{where}-{size}", FILES, FILES)
                found[size] = seconds(site, "extract_batch", RAG_EXTRACTION_BATCH_DOCUMENTS=str(size), **settings)
            (many, batches), (one, _) = found[1], found[FILES]
            print(
                f"{where}: {batches} batches {many:.1f} s, 1 batch {one:.1f} s: {(many - one) / (batches - 1) * 1000:.0f} ms a batch",
                flush=True,
            )
        worker.terminate()


def second_worker() -> None:
    """The packaged model, a processor each."""
    with a_site(RAG_EMBEDDING_MODEL=PACKAGED_MODEL, RAG_EMBEDDING_BATCH_CHUNKS="40") as site:
        workers = []
        for count in (1, 2):
            workers.append(site.start_worker(f"worker{count}", embeds=True))
            write(site, f"warm{count}", 2, 80)
            seconds(site, "embed_batch", RAG_EMBEDDING_BATCH_CHUNKS="20")  # models are loaded
            for size in (40,) if count == 1 else (10, 40, 120, 480):
                write(site, f"{count}-{size}", 8, PASSAGES)
                taken, batches = seconds(site, "embed_batch", RAG_EMBEDDING_BATCH_CHUNKS=str(size))
                print(f"{count} workers, {PASSAGES} passages, {batches} batches of {size}: {taken:.1f} s", flush=True)


if __name__ == "__main__":
    overhead()
    second_worker()
