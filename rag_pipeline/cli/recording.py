"""What was done, written into Dagster's records by a process that loads Dagster while the work is done.

Belongs here: that process, from begin to end. Not here: what it writes (``defs/record.py``).

Loading Dagster and opening its records took three of the four seconds after a small change, and nobody waits for either.
"""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.steps.lanes import Reports
from rag_pipeline.settings import Settings

if TYPE_CHECKING:
    from rag_pipeline.evaluation.quality import Measured

log = logging.getLogger(__name__)


class Recorder:
    """At most one such process, begun when it is known that there will be something to write; gone at the end of the block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process:
            self._process.kill()  # does nothing to one that has ended
            self._process.communicate()

    def begin(self) -> None:
        """Have Dagster loaded and its records opened from now on, beside whatever else is done."""
        if self._process:
            return
        # To look for garbage in what is imported takes a sixth of the time, and the process does not last until it had any.
        command = [sys.executable, "-c", "import gc; gc.disable(); from rag_pipeline.defs.record import main; main()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has ended already: what it said of that is read in the end
            self._process.stdin.write(pickle.dumps(self._settings))
            self._process.stdin.flush()

    def record(self, done: Mapping[str, Reports], measured: Mapping[str, Measured]) -> str:
        """Write down what was done, and what was measured then, by collection; why that failed, empty where it did not."""
        self.begin()
        assert self._process
        _, said = self._process.communicate(pickle.dumps((dict(done), dict(measured))))
        if not self._process.returncode:
            return ""
        trace = said.decode(errors="replace").strip()
        log.error("Dagster's records were not written\n%s", trace)
        reason = trace.splitlines()[-1] if trace else f"the process ended with status {self._process.returncode}"
        return f"Dagster's records of this could not be written ({reason}); the documents answer all the same"
