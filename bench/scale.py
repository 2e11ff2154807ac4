"""What each kind of work costs from 100 to 100,000 chunks: the real files, catalog, Dagster and engine, by the command line alone.

    python bench/scale.py [--sizes 100 1000 10000 100000] [--runs 3]

Texts are made, and so is the model (`bench/made_up_model.py`): it embeds thousands of chunks a second, and what is left is the product.
Documents have ten chunks each. Each size is kept by itself in `build/bench/results`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import corpora
import environments
from compare import SETTLE_SECONDS, last_json
from measuring import CommandFailedError, Measured, bytes_on_disk, percentile, timed

CHUNKS_IN_DOCUMENT = 10
WORDS_IN_CHUNK = 190
QUESTIONS = 100
SIZES = (100, 1_000, 10_000, 100_000)
DELETED_SHARE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="in chunks")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    model = environments.WORK / "made-up-bert"
    if not (model / "modules.json").is_file():
        subprocess.run([sys.executable, str(Path(__file__).with_name("made_up_model.py")), str(model)], check=True)
    for chunks in arguments.sizes:
        print(f"{chunks} chunks", file=sys.stderr)
        environments.save(f"scale-{chunks}", measured_at(chunks, model, arguments.runs))


def measured_at(chunks: int, model: Path, runs: int) -> dict[str, Any]:
    base = environments.WORK / "scale"
    shutil.rmtree(base, ignore_errors=True)
    files = write_documents(base / "uploads" / "corpus", chunks // CHUNKS_IN_DOCUMENT)
    steps: dict[str, list[dict[str, float]]] = {}
    ingest(base, model, steps, "first ingest")
    found = {
        "disk": {"index": bytes_on_disk(base / "index"), "catalog": bytes_on_disk(base / "catalog.duckdb")},
        "search": searched(base, model),
        "recall": recalled(base, model),
    }
    for run in range(runs):
        ingest(base, model, steps, "nothing changed")
        files[run].write_text(document(10**6 + run), encoding="utf-8")
        ingest(base, model, steps, "one changed")
        files.pop().unlink()
        ingest(base, model, steps, "one deleted")
    lost = max(1, int(len(files) * DELETED_SHARE))
    for file in files[-lost:]:
        file.unlink()
    ingest(base, model, steps, "a tenth deleted", "--confirm-deletions")
    for file in files[:-lost]:
        file.touch()
    ingest(base, model, steps, "all touched")
    shutil.rmtree(base)
    return {"documents": chunks // CHUNKS_IN_DOCUMENT, "steps": steps, **found}


def write_documents(folder: Path, count: int) -> list[Path]:
    """``count`` files, at most 500 in one folder."""
    files = [folder / f"{number // 500:03d}" / f"document-{number:06d}.md" for number in range(count)]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document(number), encoding="utf-8")
    return files


def document(number: int) -> str:
    """Each section is about as long as a chunk, so that none shares one with the next, and has a topic, without which all vectors of a
    weak model are nearly the same."""
    numbers = random.Random(f"document {number}")
    name = corpora.marker(number)
    return "\n".join(f"# {name} part {part}\n\n{section(numbers)}\n" for part in range(1, CHUNKS_IN_DOCUMENT + 1))


def section(numbers: random.Random) -> str:
    return corpora.prose(numbers, WORDS_IN_CHUNK, corpora.topic(numbers))


def environment(base: Path, model: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAG_", "PYTHONPATH"))}
    settings = {"RAG_DATA_DIR": str(base), "RAG_EMBEDDING_MODEL": str(model), "RAG_EMBEDDING_DTYPE": "float32"}
    return {**kept, **settings, "PYTHONPATH": str(environments.ROOT)}


def ingest(base: Path, model: Path, steps: dict[str, list[dict[str, float]]], name: str, *options: str) -> None:
    time.sleep(SETTLE_SECONDS)
    done = timed([sys.executable, "-m", "rag_pipeline", "ingest", *options], environment(base, model))
    print(f"  {name:<16}{done.seconds:7.1f} s {done.processor:7.1f} s {done.peak_mb:6.0f} MB", file=sys.stderr)
    steps.setdefault(name, []).append({"seconds": done.seconds, "processor": done.processor, "peak_mb": done.peak_mb})


def asked(base: Path, model: Path, command: str) -> Measured:
    numbers = random.Random(5)
    questions = [f"What is known about {' '.join(corpora.topic(numbers)[:8])}?" for _ in range(QUESTIONS)]
    return timed([sys.executable, str(Path(__file__).with_name("product.py")), command, *questions], environment(base, model))


def searched(base: Path, model: Path) -> dict[str, float]:
    done = asked(base, model, "search")
    times = [1000 * answer["search_seconds"] for answer in last_json(done.output)]
    print(f"  search p50 {percentile(times, 50):.1f} ms, p95 {percentile(times, 95):.1f} ms, {done.peak_mb:.0f} MB", file=sys.stderr)
    return {"p50_ms": percentile(times, 50), "p95_ms": percentile(times, 95), "peak_mb": done.peak_mb}


def recalled(base: Path, model: Path) -> dict[str, Any]:
    """What could not be measured says why: the rest of the size is worth keeping."""
    try:
        return dict(last_json(asked(base, model, "recall").output))
    except CommandFailedError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    main()
