"""The product beside its peers, on the same files, with the same model, in the same run.

    python bench/compare.py notes [--count 1448] [--runs 3] [--peers cocoindex ...]
    python bench/compare.py reports [--count 8]
    python bench/compare.py folder --folder ~/reports

Steps: first ingest, nothing changed, one changed, one deleted, each as a whole process, all contenders in turn before the next step;
then questions inside one process. The result is kept in `build/bench/results`; `bench/report.py` writes the page. A peer that cannot be
installed or fails says so in its row. Two small notes are put beside the files: one is changed, the other one deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import corpora
import environments
from measuring import CommandFailedError, Measured, timed

CHANGED, DELETED = 900_001, 900_002
"""Numbers of the two small notes: see :func:`corpora.note`."""
QUESTIONS = 100
SETTLE_SECONDS = 1.2
"""Longer than the product waits for a file to be quiet; that is not what is measured."""
COLLECTION = "corpus"


@dataclass
class Contender:
    """One of those compared. ``figures`` is what is kept of it."""

    name: str
    base: Path
    python: str
    figures: dict[str, Any] = field(default_factory=lambda: {"error": None, "steps": {}, "embed_ms": [], "search_ms": []})

    @property
    def folder(self) -> Path:
        return self.base / "uploads" / COLLECTION

    @property
    def is_product(self) -> bool:
        return self.name == "rag"

    def ingest_command(self) -> list[str]:
        if self.is_product:
            return [self.python, "-m", "rag_pipeline", "ingest"]
        return [self.python, str(environments.PEERS / self.name / "run.py"), "ingest", str(self.folder), str(self.base / "state")]

    def search_command(self, questions: Sequence[str]) -> list[str]:
        if self.is_product:
            return [self.python, str(Path(__file__).with_name("product.py")), "search", *questions]
        return [self.python, str(environments.PEERS / self.name / "run.py"), "search", str(self.base / "state"), *questions]

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RAG_", "PYTHONPATH"))}
        if self.is_product:
            return {**inherited, "RAG_DATA_DIR": str(self.base), "PYTHONPATH": str(environments.ROOT)}
        model = str(corpora.packaged_model())
        return {**inherited, **environments.SILENCE, "BENCH_MODEL": model, "PYTHONPATH": str(environments.PEERS / "common")}

    def searched(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        return list(last_json(timed(self.search_command(questions), self.environment(), limit=1200).output))


def main() -> None:
    arguments = parsed()
    name = f"folder-{arguments.folder.name}" if arguments.folder else f"{arguments.corpus}-{arguments.count}"
    base = environments.WORK / "compared" / name
    source = arguments.folder or made(arguments.corpus, arguments.count)
    contenders = list(all_contenders(base, arguments.peers))
    floors: list[dict[str, Any]] = []
    for run in range(arguments.runs):
        print(f"{name}: run {run + 1} of {arguments.runs}", file=sys.stderr)
        one_run(contenders, source, arguments.limit)
        floors.append(floor(contenders[0]))
        environments.save(name, result(arguments, source, contenders, floors))
    shutil.rmtree(base)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=("notes", "reports", "folder"))
    parser.add_argument("--count", type=int, default=0, help="documents; 0: 1,448 notes, 8 reports")
    parser.add_argument("--folder", type=Path, help="files of your own, instead of made ones")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=environments.peer_names())
    parser.add_argument("--limit", type=float, default=3600, help="seconds that one ingest may take")
    arguments = parser.parse_args()
    if (arguments.corpus == "folder") != bool(arguments.folder):
        parser.error("`folder` and --folder PATH belong together")
    arguments.count = arguments.count or {"notes": 1448, "reports": 8, "folder": 0}[arguments.corpus]
    return arguments


def made(corpus: str, count: int) -> Path:
    """The folder of a corpus, made anew: it costs seconds, and an old one may be of other code."""
    folder = environments.WORK / "corpora" / f"{corpus}-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    {"notes": corpora.write_notes, "reports": corpora.write_reports}[corpus](folder, count)
    return folder


def all_contenders(base: Path, peers: Sequence[str]) -> Iterator[Contender]:
    """The product first. A peer that cannot be installed is there with its reason."""
    yield Contender("rag", base / "rag", sys.executable)
    for name in peers:
        contender = Contender(name, base / name, "")
        contender.figures["versions"] = environments.peer_versions(name)
        try:
            contender.python = str(environments.peer_python(name))
        except environments.PeerMissingError as error:
            contender.figures["error"] = f"not installed: {error}"
        yield contender


def one_run(contenders: Sequence[Contender], source: Path, limit: float) -> None:
    for contender in contenders:
        begin(contender, source)
    each(contenders, lambda one: step(one, "first ingest", limit))
    each(contenders, lambda one: step(one, "nothing changed", limit))
    each(contenders, change)
    each(contenders, lambda one: step(one, "one changed", limit))
    each(contenders, lambda one: (one.folder / note_name(DELETED)).unlink())
    each(contenders, lambda one: step(one, "one deleted", limit))
    each(contenders, ask)
    each([one for one in contenders if one.is_product], lambda one: answers_meanwhile(one, source, limit))


def begin(contender: Contender, source: Path) -> None:
    shutil.rmtree(contender.base, ignore_errors=True)
    shutil.copytree(source, contender.folder)
    for number in (CHANGED, DELETED):
        (contender.folder / note_name(number)).write_text(corpora.note(number), encoding="utf-8")


def each(contenders: Sequence[Contender], work: Callable[[Contender], object]) -> None:
    """One after the other. A peer that failed is left out from then on; if the product fails, nothing is worth going on for."""
    for contender in contenders:
        if contender.figures["error"]:
            continue
        try:
            work(contender)
        except CommandFailedError as error:
            if contender.is_product:
                raise
            contender.figures["error"] = str(error)
            print(f"{contender.name}: {error}", file=sys.stderr)


def step(contender: Contender, name: str, limit: float) -> None:
    time.sleep(SETTLE_SECONDS)
    done = timed(contender.ingest_command(), contender.environment(), limit)
    print(f"  {name:<16}{contender.name:<14}{done.seconds:7.1f} s {done.processor:7.1f} s {done.peak_mb:6.0f} MB", file=sys.stderr)
    kept = {"seconds": done.seconds, "processor": done.processor, "peak_mb": done.peak_mb}
    contender.figures["steps"].setdefault(name, []).append(kept)
    if not contender.is_product:
        contender.figures.update({key: last_json(done.output)[key] for key in ("documents", "chunks")})


def answers_meanwhile(product: Contender, source: Path, limit: float) -> None:
    """Another first ingest of the product, during which a second process asks, as the app would, and notes when how much can be answered.

    Not the one that is timed: the second process takes its share of the same cores, and no peer has one beside it. Peers answer when
    their ingest ends: their store is open in one process only, and they write before they are done with all of it.
    """
    begin(product, source)
    time.sleep(SETTLE_SECONDS)
    command = [product.python, str(Path(__file__).with_name("product.py")), "watch", "What does the record say?"]
    with subprocess.Popen(command, env=product.environment(), stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout
        try:
            ready = watcher.stdout.readline()
            started = time.time()
            timed(product.ingest_command(), product.environment(), limit)
            time.sleep(1)
        finally:
            watcher.terminate()
        looks = [json.loads(line) for line in watcher.stdout]
    if not ready or not looks:
        raise CommandFailedError(f"no answers were seen from outside: {' '.join(command)}")
    product.figures.update(documents=looks[-1]["documents"], chunks=looks[-1]["chunks"])
    first = next(look["at"] for look in looks if look["answers"])
    complete = next(look["at"] for look in looks if look["documents"] == looks[-1]["documents"])
    product.figures.setdefault("first_answer", []).append(first - started)
    product.figures.setdefault("all_answer", []).append(complete - started)


def note_name(number: int) -> str:
    return f"bench-{number}.txt"


def change(contender: Contender) -> None:
    """All of its text, so that who searches by meaning alone can find the new one."""
    (contender.folder / note_name(CHANGED)).write_text(corpora.note(CHANGED + 10), encoding="utf-8")


def ask(contender: Contender) -> None:
    """Is what was changed found, what was deleted not, and how long do questions take?"""
    numbers = random.Random(5)
    questions = [f"What is known about {corpora.prose(numbers, 8)[:-1].lower()}?" for _ in range(QUESTIONS)]
    changed, deleted = corpora.note(CHANGED + 10)[:300], corpora.note(DELETED)[:300]
    found_changed, found_deleted, *rest = contender.searched([changed, deleted, *questions])
    contender.figures["changed_answers"] = note_name(CHANGED) in found_changed["documents"]
    contender.figures["deleted_answers"] = note_name(DELETED) in found_deleted["documents"]
    contender.figures["embed_ms"] += [1000 * answer["embed_seconds"] for answer in rest]
    contender.figures["search_ms"] += [1000 * answer["search_seconds"] for answer in rest]


def floor(product: Contender) -> dict[str, Any]:
    done: Measured = timed([product.python, str(Path(__file__).with_name("product.py")), "floor"], product.environment())
    return {**last_json(done.output), "process_seconds": done.seconds, "peak_mb": done.peak_mb}


def last_json(output: str) -> Any:
    """Libraries write what they like before it."""
    return json.loads(output.strip().splitlines()[-1])


def result(
    arguments: argparse.Namespace, source: Path, contenders: Sequence[Contender], floors: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    files = [file for file in source.rglob("*") if file.is_file()]
    about = {"kind": arguments.corpus, "files": len(files), "bytes": sum(file.stat().st_size for file in files)}
    figures = {contender.name: contender.figures for contender in contenders}
    return {"corpus": about, "runs": len(floors), "contenders": figures, "floor": list(floors)}


if __name__ == "__main__":
    main()
