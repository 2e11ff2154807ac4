"""What a model needs once on a machine, made in a process that ends: its light runtime, then which runtime is the fastest in bulk.

    python -m rag_pipeline.embedding.preparation DATA MODEL DEVICE DTYPE

Belongs here: that process, and waiting for either. Not here: the export (``light_export.py``), the measurement (``runtime_choice.py``).

PyTorch's 500 MB and the six seconds of its import do not stay with who waits, who meanwhile reads documents on another core.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from rag_pipeline.embedding.light_export import make_light, say_reason, why_not
from rag_pipeline.embedding.model_files import ModelFiles, locate_model
from rag_pipeline.embedding.runtime_choice import dtypes_to_try, keep_choice, measured
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder, runs_on_processor
from rag_pipeline.settings import Settings, load_settings

log = logging.getLogger(__name__)

_SHOWN_CHARACTERS = 500
_LIGHT, _CHOICE = "light", "choice "
"""What the process says, a line each: that the light runtime is there; the runtime for bulk, nothing where that is not its to say."""
_IMPOSSIBLE, _NOT_NOW = 3, 4
"""Exit status when the model cannot have a light runtime, for a reason that is kept; and when it could not be made this time."""
_RUNNING: set[subprocess.Popen[str]] = set()


class Preparation:
    """One such process, begun at once. Safe to share by threads; a program that ends takes it along."""

    def __init__(self, model: ModelFiles, settings: Settings) -> None:
        self._model, self._settings = model, settings
        self._light, self._chosen = threading.Event(), threading.Event()
        self._choice = ""
        threading.Thread(target=self._follow, name="preparation", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._light.is_set() and self._chosen.is_set()

    def await_light(self) -> None:
        """Until the light runtime is there, or it is clear that there will be none."""
        self._light.wait()

    def await_choice(self) -> str:
        """The fastest runtime in bulk; empty where it could not be told."""
        self._chosen.wait()
        return self._choice

    def _follow(self) -> None:
        try:
            with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
                status = self._run(said.fileno())
                said.seek(0)
                complaint = said.read().strip()[-_SHOWN_CHARACTERS:]
            _report(status, self._model, self._settings, complaint)
        finally:
            self._light.set()
            self._chosen.set()

    def _run(self, errors: int) -> int:
        of_settings = str(self._settings.data), str(self._model.path), self._settings.embedding_device, self._settings.embedding_dtype
        # Threads of OpenMP that spin while they wait for each other take a hundred times as long on a machine that is busy otherwise.
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        command = [sys.executable, "-m", "rag_pipeline.embedding.preparation", *of_settings]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            _RUNNING.add(process)
            try:
                for line in process.stdout or ():
                    self._hear(line.rstrip("\n"))
            finally:
                _RUNNING.discard(process)
        return process.returncode

    def _hear(self, line: str) -> None:
        if line == _LIGHT:
            self._light.set()
        elif line.startswith(_CHOICE):
            self._choice = line.removeprefix(_CHOICE)
            self._chosen.set()


def _report(status: int, model: ModelFiles, settings: Settings, complaint: str) -> None:
    if status == _IMPOSSIBLE:  # that process has kept the reason
        say_reason(model, why_not(model, settings))
    elif status not in (0, -signal.SIGTERM):  # killed, perhaps for its memory; a full disk; a model that is being replaced
        log.warning("The process that makes the light runtime of %s ended with status %d this time. %s", model.name, status, complaint)


@atexit.register
def stop_preparing() -> None:
    """End the processes that this one began, and would not outlive it. The next one tries again."""
    for process in tuple(_RUNNING):
        process.terminate()


def main() -> None:
    """Prepare a model in a data folder."""
    data, path, device, dtype = sys.argv[1:]
    given = {"data_dir": Path(data), "embedding_model": path, "embedding_device": device, "embedding_dtype": dtype}
    given["embedding_dimensions"] = 0  # all numbers: they are cut where they are used
    settings = load_settings().model_copy(update=given)
    model = locate_model(settings)
    loaded = SentenceTransformerEmbedder(model, "cpu", settings.embedding_batch_size)
    chooses = runs_on_processor(device)
    if not chooses:
        _say(_CHOICE)
    light = make_light(model, settings, loaded)
    if not light:
        sys.exit(_IMPOSSIBLE if why_not(model, settings) else _NOT_NOW)
    _say(_LIGHT)
    if chooses:
        measurement = measured(loaded, dtypes_to_try(settings, on_cpu=True), light)
        keep_choice(model, settings, measurement)
        _say(_CHOICE + measurement.fastest)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
