"""Whether the promised time left is true: notes are ingested, and each promise is held against the end that came.

    python bench/progress.py [--notes N] [--again]

Prints, for the promises after the first tenth of the time: how many were made, the share within a factor of 1.5 of the truth, and the
quartiles of promise / truth; and from which share of the time there was one. A promise is read once a second, as ``rag status --watch``
does. ``--every``: each promise. ``--again``: a second collection of as many notes after the first, when rates are known from the start.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retrieval_latency import WORDS_IN_CHUNK, sentence, vocabulary

from rag_pipeline.ingestion.progress.overview import ProgressReader
from rag_pipeline.settings import Settings

FACTOR = 1.5
SECTIONS = 4
Promise = tuple[float, float | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=300)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--every", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data_dir=Path(data), settle_seconds=0)
        for collection in ("first", *(["second"] if arguments.again else [])):
            fill(settings.uploads / collection, arguments.notes, collection)
            show(collection, *followed(settings, collection), arguments.every)


def fill(folder: Path, notes: int, seed: str) -> None:
    random.seed(seed)
    words = vocabulary()
    folder.mkdir(parents=True)
    for number in range(notes):
        sections = (f"# Part {part}\n\n{sentence(words, WORDS_IN_CHUNK // 3)}.\n" for part in range(SECTIONS))
        (folder / f"{number}.md").write_text("\n".join(sections))


def followed(settings: Settings, collection: str) -> tuple[list[Promise], float]:
    """What was promised at which second of the ingest, and how long it took."""
    reader, promises = ProgressReader(settings), list[Promise]()
    environment = {**os.environ, "RAG_DATA_DIR": str(settings.data), "RAG_SETTLE_SECONDS": "0"}
    started = time.monotonic()
    command = [sys.executable, "-m", "rag_pipeline", "ingest", collection]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ingest:
        while ingest.poll() is None:
            found = [one for one in reader.current().collections if one.collection == collection]
            if found and not found[0].is_complete:
                promises.append((time.monotonic() - started, found[0].seconds_left))
                took = promises[-1][0]
            time.sleep(1)
    return promises, took


def show(collection: str, promises: list[Promise], took: float, every: bool) -> None:
    for now, promised in promises if every else ():
        print(f"  {now:6.0f} s: {took - now:6.0f} s were left, promised {'nothing' if promised is None else f'{promised:.0f} s'}")
    made = [(now, promised) for now, promised in promises if promised is not None]
    judged = [promised / (took - now) for now, promised in made if took / 10 < now < took]
    within = [ratio for ratio in judged if 1 / FACTOR <= ratio <= FACTOR]
    print(f"{collection}: {took:.0f} s, promised from {made[0][0] / took:.0%} of the time on")
    print(f"  {len(within)} of {len(judged)} promises within {FACTOR} × ({len(within) / len(judged):.0%})")
    print(f"  quartiles of promise / truth: {', '.join(f'{ratio:.2f}' for ratio in statistics.quantiles(judged, n=4))}")


if __name__ == "__main__":
    main()
