"""A command measured from outside: wall seconds, processor seconds, the memory of its largest process.

Linux counts what a process holds when it starts another one as that one's memory, too. So whoever measures must be small: the programs
that use this import no library of numbers.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class CommandFailedError(Exception):
    """A command ended in an error, or took longer than it may; the message holds its last lines."""


@dataclass(frozen=True)
class Measured:
    """``processor`` counts all cores and all children that ended; ``peak_mb`` is the largest single process of them."""

    seconds: float
    processor: float
    peak_mb: float
    output: str = field(repr=False, default="")


def timed(command: Sequence[str], environment: Mapping[str, str], limit: float = 3600) -> Measured:
    """Run a command to its end.

    Raises:
        CommandFailedError: it failed, or was stopped after ``limit`` seconds.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    late = threading.Timer(limit, process.kill)
    late.start()
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    stopped = late.finished.is_set()
    late.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = " / ".join(line.strip() for line in output.strip().splitlines()[-2:])
        raise CommandFailedError(f"stopped after {limit:.0f} s" if stopped else f"failed: {last[-300:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10), output)


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def percentile(values: Sequence[float], share: int) -> float:
    """The value that ``share`` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-share * len(ordered) // 100) - 1)]


def bytes_on_disk(folder: Path) -> int:
    """What a folder or file takes, holes not counted."""
    files = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files)
