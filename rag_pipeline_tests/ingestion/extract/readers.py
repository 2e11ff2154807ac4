"""Families of formats that misbehave, importable by worker processes: what a document may do to the process that reads it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rag_pipeline.ingestion.extract.process import worker
from rag_pipeline.ingestion.extract.process.worker import ExtractionRequest, ExtractionResult, ReadingLimits
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_KEPT: list[bytes] = []
CONNECT = "import socket; socket.create_connection(('127.0.0.1', {port}), timeout=2)"


def misbehave(request: ExtractionRequest, limits: ReadingLimits) -> ExtractionResult:
    """``read_document`` with a family that does what the file's name says."""
    worker.elements_of = _elements
    return worker.read_document(request, limits)


def _elements(source: Source, media_type: str) -> Iterator[Element]:
    kind = source.name.split(".")[0].rstrip("0123456789")
    if kind == "hang":
        sum(range(10**12))  # holds the interpreter's lock for minutes: no thread of Python could end this
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "greedy":
        hoard = []
        while True:
            hoard.append(bytearray(1_000_000))
            time.sleep(0.0005)
    if kind == "keeper":  # above the limit when it is done, before anybody has looked
        _KEPT.append(b"x" * 330_000_000)
    if kind == "huge":
        bytearray(10_000_000_000)
    if kind == "slow":  # each part within the limit, all of them far beyond it
        for _ in range(8):
            source.more_time()
            time.sleep(0.5)
    if kind == "connect":
        yield Element("NarrativeText", outcome_of_connecting(int(source.stream.read())))
        source.stream.seek(0)
    if kind == "scratch":
        file = tempfile.NamedTemporaryFile(delete=False)  # noqa: SIM115 - left behind on purpose
        yield Element("NarrativeText", file.name)
    if kind == "many":
        for number in range(60_000):
            yield Element("NarrativeText", f"element {number}")
    yield from elements_of(source, media_type)


def outcome_of_connecting(port: int) -> str:
    """What becomes of a connection by this process, and of one by a program that it starts."""
    outcomes = []
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2)
    except OSError as error:
        outcomes.append(f"python {error.errno}")
    program = subprocess.run([sys.executable, "-c", CONNECT.format(port=port)], capture_output=True, text=True)
    outcomes.append(f"program {program.stderr.strip().splitlines()[-1] if program.stderr else 'connected'}")
    return "\n".join(outcomes)


def scratch_folders(staging: Path) -> list[Path]:
    """What is left of temporary files."""
    return list((staging / "scratch").iterdir())
