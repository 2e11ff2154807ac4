"""What the benchmarks run on and with: folders, the peers' environments, the machine.

Everything made here lies in `build/bench`, which git ignores: results in JSON, corpora, one virtual environment for each peer.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "bench"
RESULTS = WORK / "results"
PEERS = Path(__file__).parent / "peers"
TORCH_INDEX = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
"""Of x86 processors: what decides how fast a small model runs, and at which dtype."""
LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
"""By these a processor can be made to do without what it has, as if it were an older one; onnxruntime heeds none of them."""
SILENCE = {
    "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "TOKENIZERS_PARALLELISM": "false",
}


class PeerMissingError(Exception):
    """A peer could not be installed; the message says why."""


def peer_names() -> list[str]:
    return sorted(folder.name for folder in PEERS.iterdir() if (folder / "run.py").is_file())


def peer_python(name: str) -> Path:
    """The Python of a peer's environment, which is made on first use and made again when its requirements change.

    Raises:
        PeerMissingError: it cannot be installed.
    """
    requirements, folder = PEERS / name / "requirements.txt", WORK / "peers" / name
    wanted = hashlib.sha256(requirements.read_bytes() + torch_pin().encode()).hexdigest()
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {name} ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        # torch first and by itself: from another index it must not decide where the rest comes from.
        pip(folder, "--index-url", TORCH_INDEX, "--retries", "1", "--no-deps", torch_pin())
        pip(folder, "--requirement", str(requirements), "--constraint", str(torch_constraint()))
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def pip(folder: Path, *arguments: str) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PeerMissingError("; ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))[:300] or "pip failed")


def torch_pin() -> str:
    return next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))


def torch_constraint() -> Path:
    file = WORK / "torch.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(torch_pin() + "\n")
    return file


def peer_versions(name: str) -> str:
    """The pinned versions of the libraries a peer is named after."""
    pins = (PEERS / name / "requirements.txt").read_text().splitlines()
    return ", ".join(pin.replace("==", " ") for pin in pins if pin.startswith((name, "qdrant")))


def machine() -> dict[str, Any]:
    """The processor, its flags that matter, cores, memory in GB, and the versions of what does the work."""
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", about)
    known = re.search(r"flags\s*:\s*(.+)", about)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": model.group(1).strip() if model else platform.processor() or platform.machine(),
        "flags": {flag: flag in (known.group(1).split() if known else ()) for flag in FLAGS},
        "held_to": {name: os.environ[name] for name in LIMITS if name in os.environ},
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {name: version(name) for name in ("torch", "sentence-transformers", "qdrant-edge-py", "duckdb", "dagster")},
        "python": platform.python_version(),
        "commit": commit(),
    }


def commit() -> str:
    """The state of the code that was measured; with a plus sign where files were changed since."""
    described = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return described.stdout.strip()


def save(name: str, result: dict[str, Any]) -> None:
    """Keep the result of a part, with the machine and the load it had: parts are run one by one."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine(), "load_at_end": os.getloadavg()[0], **result}
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
    print(f"kept {RESULTS / f'{name}.json'}", file=sys.stderr)


def load(name: str) -> dict[str, Any] | None:
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
