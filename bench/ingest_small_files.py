"""Ingest of many small files, against the bare model on the same chunks in the same run.

Usage: python bench/ingest_small_files.py FOLDER [--runs N]

Prints medians: from nothing, nothing changed, one file changed; each with peak memory; and the time of the bare model (loaded, at the
dtype that the product chose), which is the floor. The budgets are those of the project: 1.5 × the model + 15 s; 4 s; 1.5 × the
unchanged run + loading the model.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import sys, time, duckdb
started = time.perf_counter()
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.settings import load_settings
settings = load_settings()
embedder = load_embedder(locate_model(settings), settings)
embedder.embed_query("warm")
loaded = time.perf_counter()
with duckdb.connect(str(settings.catalog_path), read_only=True) as connection:
    rows = connection.execute("SELECT DISTINCT CASE WHEN context = '' THEN text ELSE context || chr(10) || text END FROM chunks").fetchall()
texts = [text for (text,) in rows]
begun = time.perf_counter()
embedder.embed_documents(texts)
print(len(texts), time.perf_counter() - begun, loaded - started, embedder.dtype)
"""


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a command with all its children, the largest single process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - started, usage.ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    ingest = [sys.executable, "-m", "rag_pipeline", "ingest"]
    figures: dict[str, list[tuple[float, float]]] = {"from nothing": [], "nothing changed": [], "one file changed": []}
    bare: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RAG_DATA_DIR": folder}
        for _ in range(arguments.runs):
            shutil.rmtree(folder)
            shutil.copytree(arguments.folder, f"{folder}/uploads/corpus")
            time.sleep(2)  # the settle time is not what is measured
            figures["from nothing"].append(timed(ingest, environment))
            figures["nothing changed"].append(timed(ingest, environment))
            changed = next(file for file in Path(folder, "uploads").rglob("*") if file.is_file())
            changed.write_text(changed.read_text() + "\nOne more sentence.\n")
            time.sleep(2)
            figures["one file changed"].append(timed(ingest, environment))
            output = subprocess.run(
                [sys.executable, "-c", BARE], env=environment, capture_output=True, text=True, check=True
            ).stdout.split()
            bare.append((float(output[1]), float(output[2])))
    model, load = (statistics.median(values) for values in zip(*bare, strict=True))
    unchanged = statistics.median(seconds for seconds, _ in figures["nothing changed"])
    budgets = {"from nothing": 1.5 * model + 15, "nothing changed": 4.0, "one file changed": 1.5 * unchanged + load}
    print(f"bare model: {output[0]} chunks in {model:.1f} s ({output[3]}), loading it {load:.1f} s; median of {arguments.runs}")
    print(f"{'':<18}{'seconds':>9}{'budget':>9}{'ratio':>7}{'peak MB':>9}")
    for name, values in figures.items():
        seconds, memory = statistics.median(v for v, _ in values), max(m for _, m in values)
        print(f"{name:<18}{seconds:>9.1f}{budgets[name]:>9.1f}{seconds / budgets[name]:>7.2f}{memory:>9.0f}")
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
