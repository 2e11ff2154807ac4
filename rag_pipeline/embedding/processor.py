"""What calculations depend on besides the model: the processor's abilities, its threads, the versions of the libraries.

Belongs here: telling machines apart by what makes them faster or slower. Not here: measuring.
"""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_GPU_FILES = ("/dev/nvidiactl", "/dev/kfd")
"""What the drivers of NVIDIA and AMD put there: tells whether a GPU came or went without importing torch, which takes seconds."""


def thread_count() -> int:
    """Threads for one calculation: OMP_NUM_THREADS, as for every other numerical library, otherwise the cores this process may use."""
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Short name of what the processor can do: the same on machines of one kind, whatever they are called."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS
        lines = []
    # The first processor's: flags on x86, Features on ARM.
    flags = next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    abilities = " ".join([platform.machine(), *sorted(flags.split())])
    return hashlib.sha256(abilities.encode()).hexdigest()[:12]


def environment() -> str:
    """All that decides which runtime is the fastest here, in one line."""
    versions = [f"{name} {_version(name)}" for name in ("torch", "sentence-transformers", "onnxruntime")]
    gpu = "gpu" if any(Path(file).exists() for file in _GPU_FILES) else "no gpu"
    return ", ".join([*versions, f"processor {processor_flags()}", f"{thread_count()} threads", gpu])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
