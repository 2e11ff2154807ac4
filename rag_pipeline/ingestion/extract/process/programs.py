"""Programs that read what no Python library reads: how they are found, started and ended.

Belongs here: running one program for one document. Not here: which program reads which format.
They inherit the worker's limits (memory, no network) and do not outlive it, or the document's turn.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rag_pipeline.errors import DocumentError

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
_LONGEST_DETAIL = 300
_C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends, even by ``kill -9``. Linux only; elsewhere nothing."""
    if _C_LIBRARY is not None:
        _C_LIBRARY.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def find_program(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((path for name in names if (path := shutil.which(name))), None)


def missing_program(wanted_for: str, program: str, package: str) -> DocumentError:
    """The error of a document that only a program which is not installed could read (``missing_program``, state ``unsupported``)."""
    message = f"{wanted_for} needs {program}, which is not installed. Install it (on Debian and Ubuntu: apt install {package})."
    return DocumentError("missing_program", message, state="unsupported")


def run_program(
    command: Sequence[str], content: bytes = b"", environment: Mapping[str, str] | None = None, again_code: int | None = None
) -> bytes:
    """Run a program to its end.

    Args:
        command: the program and its arguments. It should not start other programs that stay.
        content: what it reads from its standard input.
        environment: variables besides those of this process.
        again_code: the exit code by which the program asks to be started once more.

    Returns:
        What it wrote to its standard output.

    Raises:
        DocumentError: it ended with an error (``unreadable_content``), in its own words.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    try:
        output, errors = process.communicate(content)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode and process.returncode == again_code:
        return run_program(command, content, environment)
    if process.returncode:
        detail = " ".join(errors.decode("utf-8", "replace").split())[-_LONGEST_DETAIL:]
        message = f"{PurePath(command[0]).name} could not read the file ({detail or f'exit code {process.returncode}'})."
        raise DocumentError("unreadable_content", message)
    return output
