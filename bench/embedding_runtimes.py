"""The runtimes of the embedding model against each other: seconds and memory until ready, texts a second, exactness.

    python bench/embedding_runtimes.py [--rounds N]

Each runtime is loaded in a process of its own; they take turns, round by round, so that what else the machine does falls on all of them.
Prints medians, processor time beside wall time, the processor's flags that matter, and the number of texts below which loading decides.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from rag_pipeline.embedding.embedder import prepare_light_runtime
from rag_pipeline.embedding.light_runtime import open_light
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.embedding.probes import BEYOND_WINDOW, CHUNKS, PROBES, WITHIN_WINDOW
from rag_pipeline.embedding.processor import thread_count
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.embedding.vectors import lowest_cosine
from rag_pipeline.settings import load_settings

RUNTIMES = ("float32", "bfloat16", "light")
SHORT, LONG = list(PROBES) * 16, [f"{one} {one}" for one in CHUNKS] * 4
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx_vnni", "avx512_vnni", "asimd", "bf16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=RUNTIMES, help="only load this one and print what was measured, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RAG_DATA_DIR": folder}
        started = time.perf_counter()
        settings = load_settings().model_copy(update={"data_dir": Path(folder)})
        prepare_light_runtime(locate_model(settings), settings)
        print(f"export and comparison, once, in a process of its own: {time.perf_counter() - started:.1f} s")
        command = [sys.executable, __file__, "--one"]
        rounds = [
            {one: json.loads(subprocess.run([*command, one], env=environment, stdout=-1, check=True).stdout) for one in RUNTIMES}
            for _ in range(arguments.rounds)
        ]
    show({one: {name: median(measured[one][name] for measured in rounds) for name in rounds[0][one]} for one in RUNTIMES})


def measured(runtime: str) -> dict[str, float]:
    settings = load_settings()
    model = locate_model(settings)
    started, processor = time.perf_counter(), time.process_time()
    light = open_light(model, settings) if runtime == "light" else None
    loaded = light or SentenceTransformerEmbedder(model, "cpu", settings.embedding_batch_size)
    if isinstance(loaded, SentenceTransformerEmbedder):
        loaded.use(runtime)
    loaded.embed_query("What is this about?")
    values = {"ready": time.perf_counter() - started, "ready_cpu": time.process_time() - processor, "ready_mb": megabytes()}
    values["question_ms"] = 1000 * min(timed(lambda: loaded.embed_query("When was the bridge over the river opened?")) for _ in range(20))
    values["short"] = len(SHORT) / min(timed(lambda: loaded.embed_documents(SHORT)) for _ in range(3))
    values["long"] = len(LONG) / min(timed(lambda: loaded.embed_documents(LONG)) for _ in range(3))
    values["bulk_mb"] = megabytes()
    exact = SentenceTransformerEmbedder(model, "cpu", settings.embedding_batch_size).embed_documents((*WITHIN_WINDOW, *BEYOND_WINDOW))
    return {**values, "cosine": lowest_cosine(loaded.embed_documents((*WITHIN_WINDOW, *BEYOND_WINDOW)), exact)}


def timed(call: object) -> float:
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - started


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)


def show(runtimes: dict[str, dict[str, float]]) -> None:
    path = Path("/proc/cpuinfo")
    known = path.read_text().split() if path.exists() else []
    print(f"processor: {', '.join(flag for flag in FLAGS if flag in known) or 'unknown'}; {thread_count()} threads; numpy {np.__version__}")
    print("| runtime | ready s (processor s) | ready MB | question ms | short texts/s | long texts/s | MB after | least cosine |")
    print("|---|---|---|---|---|---|---|---|")
    for name, one in runtimes.items():
        print(
            f"| {name} | {one['ready']:.2f} ({one['ready_cpu']:.2f}) | {one['ready_mb']:.0f} | {one['question_ms']:.1f} | "
            f"{one['short']:.0f} | {one['long']:.1f} | {one['bulk_mb']:.0f} | {one['cosine']:.6f} |"
        )
    light = runtimes["light"]
    for name in ("float32", "bfloat16"):
        other = runtimes[name]
        print(f"light / {name}: short {light['short'] / other['short']:.2f}, long {light['long'] / other['long']:.2f}", end="")
        gained = 1 / light["long"] - 1 / other["long"]
        print(f"; pays off from {(other['ready'] - light['ready']) / gained:.0f} long texts on" if gained > 0 else "; never pays off")


if __name__ == "__main__":
    main()
