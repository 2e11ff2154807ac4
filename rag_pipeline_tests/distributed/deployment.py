"""deploy/compose.yaml as the tests read it: its values filled in, its names of machines and folders those of this machine.

Belongs here: reading it, and starting a service by the command, or the configuration, that stands there. Not here: what is expected of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from rag_pipeline_tests.servers import free_port, wait_for_port

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


class Started(subprocess.Popen[str]):
    """A process that goes on whether or not anybody reads what it says, as one whose pipe is full does not."""

    def __init__(self, command: list[str], place: Path, environment: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  it is open for as long as the process
        super().__init__(command, cwd=place, env=environment, stdout=self._log, stderr=subprocess.STDOUT)

    def said(self, seconds: float = 180) -> str:
        """All of it, once it has ended. Raises ``subprocess.TimeoutExpired`` where it does not."""
        self.wait(seconds)
        self._log.seek(0)
        return self._log.read()


def start(service: Service, place: Path, code: Path = ROOT, **further: str) -> Started:
    """A service's command, in a folder of its own that stands for ``/data``, with no environment but its own."""
    place.mkdir(exist_ok=True)
    return Started(here(service["command"], place), place, environment(service, place, code) | further)


def is_healthy(service: Service, place: Path) -> bool:
    """By the check that stands there."""
    command = here(service["healthcheck"]["test"][1:], place)
    return subprocess.run(command, cwd=place, env=environment(service, place, ROOT), capture_output=True, timeout=60).returncode == 0


def port_of(code: Service) -> int:
    """Where Dagster's code server listens: what its check asks."""
    return int(code["healthcheck"]["test"][-1])


def here(command: list[str], place: Path) -> list[str]:
    return [part.replace("/data", str(place)).replace("$$", "$") for part in command]


def environment(service: Service, place: Path, code: Path) -> dict[str, str]:
    own = {name: str(value).replace("/data", str(place)) for name, value in service["environment"].items()}
    outside = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(place), "OMP_NUM_THREADS": "1"}
    return {**own, **outside, "PYTHONPATH": str(code), "PYTHONFAULTHANDLER": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}


@contextmanager
def proxy(folder: Path, apps: Sequence[int], dagster: int) -> Iterator[tuple[int, int]]:
    """The real nginx with its file as it is, but for addresses; the ports of its two doors.

    Args:
        folder: for its files.
        apps: ports of the app's processes.
        dagster: port of what Dagster's door leads to.
    """
    doors = free_port(), free_port()
    text = (COMPOSE.parent / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    for name, port in zip(re.findall(r"server (app-\d+:7860 resolve);", text), apps, strict=True):
        text = text.replace(name, f"127.0.0.1:{port}")
    text = text.replace("http://webserver:3000", f"http://127.0.0.1:{dagster}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{doors[0]}").replace("listen 8081", f"listen 127.0.0.1:{doors[1]}")
    text = text.replace("/etc/nginx/dagster.htpasswd", f"{folder}/passwords").replace("/run/", f"{folder}/")
    (folder / "passwords").write_text("anna:{PLAIN}zebra\n")
    (folder / "passwords").chmod(0o644)
    (folder / "nginx.conf").write_text(f"daemon off;\n{text}")
    for above in [folder, *folder.parents]:  # nginx's workers are nobody
        above.chmod(above.stat().st_mode | 0o755)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    nginx = subprocess.Popen([program, "-e", "stderr", "-c", f"{folder}/nginx.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in doors:
            wait_for_port(port)
        yield doors
    finally:
        nginx.terminate()
        nginx.wait(20)
