"""Stand-ins for ``read_document``, importable by worker processes: what a document may do to the process that reads it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from rag_pipeline.ingestion.extract import worker
from rag_pipeline.ingestion.extract.worker import ExtractionRequest, ExtractionResult


def misbehave(request: ExtractionRequest, largest_bytes: int) -> ExtractionResult:
    """Hang or crash if the file's name says so, otherwise read it."""
    name = Path(request.path).name
    if name.startswith("hang"):
        time.sleep(600)
    if name.startswith("crash"):
        os.kill(os.getpid(), signal.SIGKILL)
    return worker.read_document(request, largest_bytes)
