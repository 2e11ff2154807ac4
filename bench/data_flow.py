"""What each ingestion step costs besides the model: time and memory of reading, cutting, storing and publishing.

    python bench/data_flow.py FOLDER [--runs N] [--profile]
    python bench/data_flow.py --chunks 20000

The model's vectors are replaced by made-up ones, so that what is left is the flow of data. Prints for each step the medians of wall and
processor seconds (of this process: documents are read in others) and the highest memory of this process, first from nothing and then
with nothing changed; ``--chunks`` makes texts of so many chunks. ``--profile`` prints the functions that took longest instead. Linux.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import pstats
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from retrieval_latency import DIMENSION, WORDS_IN_CHUNK, sentence, vocabulary

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings

CHUNKS_IN_DOCUMENT = 20
Figures = tuple[float, float, float]


class MadeUpVectors:
    """Stands for the model: a unit vector that depends on the text alone."""

    dtype = "made up"

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--chunks", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    steps.embeddings.load_embedder = lambda *_: MadeUpVectors()
    figures: dict[str, list[Figures]] = {}
    for _ in range(1 if arguments.profile else arguments.runs):
        with tempfile.TemporaryDirectory() as data:
            settings = Settings(data_dir=Path(data), settle_seconds=0)
            fill(settings.uploads / "corpus", arguments.folder, arguments.chunks)
            for name, figure in passed(settings, arguments.profile):
                figures.setdefault(name, []).append(figure)
            size = settings.catalog_path.stat().st_size
    print(f"{'':<34}{'seconds':>9}{'processor':>11}{'peak MB':>9}   catalog {size / 2**20:.1f} MB")
    for name, values in figures.items():
        wall, processor, memory = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:<34}{wall:>9.2f}{processor:>11.2f}{memory:>9.0f}")


def fill(folder: Path, source: Path | None, chunks: int) -> None:
    if source:
        shutil.copytree(source, folder)
        return
    random.seed(2)
    words = vocabulary()
    folder.mkdir(parents=True)
    for number in range(chunks // CHUNKS_IN_DOCUMENT):
        # Each section is as long as a chunk, so none shares one with the next.
        sections = (f"# Part {part}\n\n{sentence(words, WORDS_IN_CHUNK // 3)}.\n" for part in range(CHUNKS_IN_DOCUMENT))
        (folder / f"{number}.md").write_text("\n".join(sections))


def passed(settings: Settings, profiled: bool) -> Iterator[tuple[str, Figures]]:
    for state in ("from nothing", "nothing changed"):
        workspace = Workspace(settings, "corpus")
        for name, step in all_steps(workspace):
            yield f"{state}: {name}", measured(step, f"{state}: {name}" if profiled else "")


def all_steps(workspace: Workspace) -> list[tuple[str, Callable[[], object]]]:
    def extract() -> None:
        for batch in steps.extracted_text.plan_extraction(workspace):
            steps.extracted_text.extract_batch(workspace, batch)
        steps.extracted_text.commit_extraction(workspace)

    def embed() -> None:
        for batch in steps.embeddings.plan_embeddings(workspace):
            steps.embeddings.embed_batch(workspace, batch)
        steps.embeddings.commit_embeddings(workspace)

    return [
        ("source_documents", lambda: steps.source_documents.update_documents(workspace)),
        ("extracted_text", extract),
        ("chunks", lambda: steps.chunks.cut_chunks(workspace)),
        ("embeddings", embed),
        ("vector_index", lambda: steps.vector_index.update_index(workspace)),
    ]


def measured(step: Callable[[], object], shown_as: str) -> Figures:
    Path("/proc/self/clear_refs").write_text("5")  # resets the highest memory
    wall, processor = time.perf_counter(), time.process_time()
    if shown_as:
        with cProfile.Profile() as profile:
            step()
        print(f"== {shown_as}")
        pstats.Stats(profile).sort_stats("tottime").print_stats(14)
    else:
        step()
    return time.perf_counter() - wall, time.process_time() - processor, peak_megabytes()


def peak_megabytes() -> float:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
