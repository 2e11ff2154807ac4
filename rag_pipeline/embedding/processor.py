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

_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}
"""Linux's names of such instructions: on x86, on ARM."""


def thread_count() -> int:
    """Threads for one calculation: OMP_NUM_THREADS, as for every other numerical library, otherwise the cores this process may use."""
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_flags(cpuinfo: Path = _CPU_INFO) -> str:
    """Short name of what the processor can do: the same on machines of one kind, whatever they are called."""
    abilities = " ".join([platform.machine(), *sorted(_flags(cpuinfo) or platform.processor().split())])
    return hashlib.sha256(abilities.encode()).hexdigest()[:12]


def may_calculate_in_bfloat16(cpuinfo: Path = _CPU_INFO) -> bool:
    """Whether the processor has instructions for bfloat16, or does not say what it has (macOS)."""
    flags = _flags(cpuinfo)
    return not flags or bool(flags & _BFLOAT16)


def _flags(cpuinfo: Path) -> set[str]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS
        return set()
    # The first processor's: flags on x86, Features on ARM.
    return set(next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), "").split())


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
