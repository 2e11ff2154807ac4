"""What `rag up` costs when there is nothing to do: processor time and memory of each of its processes, from Linux's /proc.

    python bench/at_rest.py [--seconds 300] [--questions 5]

A folder of its own with the example documents, ports of its own. Starts `rag up`, waits until the documents answer, asks, lets it settle,
measures. The share is of one core; other programs on the machine make it larger (shared caches), never smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline.ingestion.folder.example_documents import QUESTIONS, add_examples

PARTS = {"-m ui": "app", "defs.code_server": "code server", "dagster_webserver": "webserver", "dagster._daemon": "daemon", "up": "rag up"}
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Running:
    """`rag up` on a scratch folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.uploads = self.data / "uploads"
        self.uploads.mkdir(parents=True)
        self.port, self.dagster_port = free_port(), free_port()
        ports = {"RAG_APP_PORT": str(self.port), "RAG_DAGSTER_PORT": str(self.dagster_port)}
        environment = {**os.environ, **ports, "RAG_DATA_DIR": str(self.data), "RAG_UPLOADS_DIR": ""}
        self.log = folder / "up.log"
        self.began = time.monotonic()
        command = [sys.executable, "-m", "rag_pipeline", "up"]
        self.process = subprocess.Popen(command, env=environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def call(self, route: str, body: dict[str, object] | None = None) -> dict[str, object]:
        content = json.dumps(body).encode() if body is not None else None
        address = f"http://127.0.0.1:{self.port}/api/v1/{route}"
        request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return dict(json.load(reply))

    def wait_until_ready(self) -> float:
        """Seconds from the start until both pages answered."""
        while "Drop files in" not in self.log.read_text():
            if self.process.poll() is not None:
                sys.exit(self.log.read_text())
            time.sleep(0.05)
        return time.monotonic() - self.began

    def wait_until_indexed(self) -> None:
        while True:
            documents = self.call("documents")["documents"]
            if documents and all(one["state"] == "indexed" for one in documents):
                return
            time.sleep(1)


@contextmanager
def running() -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(prefix="rag-bench-"))
    made = Running(folder)
    try:
        yield made
    finally:
        made.process.terminate()
        made.process.wait(60)
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(root: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat_fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def stat_fields(process: int) -> list[str]:
    """The fields of /proc/N/stat from the state on; none when it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def seconds_used(process: int) -> float:
    """Processor time, with that of its children that have ended."""
    fields = stat_fields(process)
    return sum(map(int, fields[11:15])) / TICKS_A_SECOND if fields else 0.0


def memory(process: int) -> tuple[float, float]:
    """Resident and proportional set size in MB."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes["Rss"], sizes["Pss"]


def part_of(process: int) -> str:
    try:
        command = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "ended"
    return next((part for sign, part in PARTS.items() if sign in command), "others")


def processor() -> str:
    flags = Path("/proc/cpuinfo").read_text()
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {flag} " in flags.replace("\n", " \n")]
    name = next((line.split(": ")[1] for line in flags.splitlines() if line.startswith("model name")), platform.processor())
    return f"{name}, {os.cpu_count()} cores, {' '.join(known)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--settle", type=float, default=60, help="seconds between the last question and the measurement")
    parser.add_argument("--questions", type=int, default=5)
    options = parser.parse_args()
    with running() as up:
        print(f"{processor()}; load {os.getloadavg()[0]:.1f}")
        started = up.wait_until_ready()
        cost = sum(map(seconds_used, family(up.process.pid)))
        print(f"rag up to both pages: {started:.1f} s, {cost:.1f} s of processor time")
        add_examples(DiskFolder(up.uploads))
        up.wait_until_indexed()
        for number in range(options.questions):
            up.call("ask", {"question": QUESTIONS[number % len(QUESTIONS)]})
        time.sleep(options.settle)
        before = {process: seconds_used(process) for process in family(up.process.pid)}
        time.sleep(options.seconds)
        table: dict[str, list[float]] = {}
        for process in family(up.process.pid):
            share = 100 * (seconds_used(process) - before.get(process, 0.0)) / options.seconds
            row = table.setdefault(part_of(process), [0.0, 0.0, 0.0])
            row[:] = [total + value for total, value in zip(row, (share, *memory(process)), strict=True)]
        table["all"] = [sum(column) for column in zip(*table.values(), strict=True)]
        print(f"{'':<12} {'% of a core':>12} {'RSS MB':>8} {'PSS MB':>8}")
        for part, (share, resident, proportional) in table.items():
            print(f"{part:<12} {share:12.2f} {resident:8.0f} {proportional:8.0f}")


if __name__ == "__main__":
    main()
