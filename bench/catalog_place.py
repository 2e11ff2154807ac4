"""What it costs to keep the catalog in a DuckLake (set RAG_CATALOG_URL, an empty database) and not in a file (unset).

    python bench/catalog_place.py [--documents 1000] [--changes 30]

Small documents, and made-up vectors in place of the model's. Prints wall seconds: the first ingest, then medians of looks that find
nothing, of looks that find one document changed, and of the runs that bring such a one to the answers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from data_flow import MadeUpVectors, all_steps

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.look import look_around
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.vectors import open_index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=30)
    arguments = parser.parse_args()
    steps.embeddings.load_embedder = lambda *_: MadeUpVectors()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data_dir=Path(data), settle_seconds=0)
        print(f"DuckDB {duckdb.__version__}, {'DuckLake' if settings.catalog_url else 'file'}")
        folder = settings.uploads / "corpus"
        folder.mkdir(parents=True)
        for number in range(arguments.documents):
            write(folder, number, 0)
        print(f"{'first ingest':<22}{seconds(lambda: run(settings)):>8.2f}")
        look(settings)
        told("nothing changed: look", [seconds(lambda: look(settings)) for _ in range(10)])
        told("nothing changed: run", [seconds(lambda: run(settings)) for _ in range(5)])
        looks, runs = [], []
        for change in range(arguments.changes):
            write(folder, change % arguments.documents, change + 1)
            looks.append(seconds(lambda: look(settings)))
            runs.append(seconds(lambda: run(settings)))
        told("one changed: look", looks)
        told("one changed: run", runs)
        told("  the last third", runs[-(arguments.changes // 3) :])


def write(folder: Path, number: int, edition: int) -> None:
    (folder / f"{number}.txt").write_text(
        f"Document {number} in its edition {edition} says how many zebras there are: {number * 7 + edition}."
    )


def run(settings: Settings) -> None:
    for _, step in all_steps(Workspace(settings, "corpus")):
        step()


def look(settings: Settings) -> None:
    look_around(settings, open_catalog(settings), open_index(settings), ["corpus"])


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def told(name: str, values: list[float]) -> None:
    print(f"{name:<22}{statistics.median(values):>8.3f}   highest {max(values):.3f}")


if __name__ == "__main__":
    main()
