"""deploy/compose.yaml as the tests read it: its values filled in, its names of machines and folders those of this machine.

Belongs here: reading it, and starting a service by the command that stands there. Not here: what is expected of it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
COMPOSE = ROOT / "deploy" / "compose.yaml"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::\?([^}]*))?\}")
Service = dict[str, Any]


def services(text: str) -> dict[str, Service]:
    """Name → service, anchors and merges resolved."""
    found: dict[str, Service] = yaml.safe_load(text)["services"]
    return found


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """As ``docker compose`` does it."""
    return VARIABLE.sub(lambda found: values[found[1]], text)


def start(service: Service, place: Path, code: Path = ROOT, **further: str) -> subprocess.Popen[str]:
    """A service's command, in a folder of its own that stands for ``/data``, with no environment but its own."""
    place.mkdir(exist_ok=True)
    return subprocess.Popen(
        here(service["command"], place),
        cwd=place,
        env=environment(service, place, code) | further,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_healthy(service: Service, place: Path) -> bool:
    """By the check that stands there."""
    command = here(service["healthcheck"]["test"][1:], place)
    return subprocess.run(command, cwd=place, env=environment(service, place, ROOT), capture_output=True, timeout=60).returncode == 0


def here(command: list[str], place: Path) -> list[str]:
    return [part.replace("/data", str(place)).replace("$$", "$") for part in command]


def environment(service: Service, place: Path, code: Path) -> dict[str, str]:
    own = {name: str(value).replace("/data", str(place)) for name, value in service["environment"].items()}
    outside = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(place), "OMP_NUM_THREADS": "1"}
    return {**own, **outside, "PYTHONPATH": str(code), "PYTHONFAULTHANDLER": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}
