"""``rag up``: Dagster and the app as one program. Starts them, shows their logs together, stops all when one is stopped.

What is slow to import is imported by the children only: this process stays for as long as they do, and would hold 70 MB for nothing.

Belongs here: processes, ports, signals. Not here: what the processes do.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from filelock import FileLock, Timeout

from rag_pipeline.access import accepted_tokens
from rag_pipeline.defs.instance import STOP_FILE, database_variable, prepare_instance
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.privacy import switch_off_telemetry
from rag_pipeline.settings import BucketFolder, Settings
from rag_pipeline.stores.files import write_atomically

STOP_SECONDS = 15.0
READY_SECONDS = 180.0
LONGEST_LISTING_SECONDS = 900
"""Of a watched bucket; Dagster gives up on a tick after 60 s, unless it is told otherwise."""
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl(2)
_NOISE = re.compile(
    r"Checking for new runs for sensor|Sensor \S+ skipped|Instance is configured with|Priority sorting and checking|"
    r"LocationStateChangeEvent|SupersessionWarning|return callback\("
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(slots=True)
class Service:
    """A child process and the address that answers once it is ready.

    The next one starts at once, or when this one listens at its socket.
    """

    name: str
    command: Sequence[str]
    ready_url: str | None = None
    ready_socket: str | None = None
    process: subprocess.Popen[str] | None = field(default=None)


def run_up(settings: Settings) -> int:
    """Run everything until Ctrl-C, SIGTERM, or the end of one part; the exit status.

    Raises:
        RagError: a port is taken, or another ``rag up`` uses the same data folder.
    """
    accepted_tokens(settings)
    _require_free_port(settings.dagster_host, settings.dagster_port, "RAG_DAGSTER_PORT")
    _require_free_port(settings.host, settings.app_port, "RAG_APP_PORT")
    home = prepare_instance(settings)
    lock = FileLock(settings.data / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RagError(f"`rag up` is already running on {settings.data}. Stop it, or set RAG_DATA_DIR to another folder.") from None
    with lock:
        watched_folder(settings).prepare()
        return _Supervisor(settings, _services(settings, str(home)), _environment(settings)).run()


def _require_free_port(host: str, port: int, variable: str) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise RagError(
            f"Port {port} on {host} cannot be used: {error.strerror}. Stop the program that has it, or choose another:"
            f" {variable}={port + 1} make up"
        ) from None


def _environment(settings: Settings) -> dict[str, str]:
    environment = dict(os.environ)
    switch_off_telemetry(environment)
    environment["RAG_DATA_DIR"] = str(settings.data)
    environment["DAGSTER_HOME"] = str(settings.dagster_home)
    environment["PYTHONUNBUFFERED"] = "1"
    environment.update(database_variable(settings))
    environment.setdefault("GRPC_VERBOSITY", "ERROR")  # Dagster's code server tells of every program that it starts
    if settings.uploads_dir:
        environment["RAG_UPLOADS_DIR"] = str(settings.uploads)
    if isinstance(settings.uploads, BucketFolder):  # a thousand keys take a tenth of a second and more
        environment.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", str(LONGEST_LISTING_SECONDS))
    return environment


def _services(settings: Settings, home: str) -> list[Service]:
    """One code server for webserver and daemon: with a workspace file alone each would start its own (2 × 120 MB)."""
    socket_path = f"{home}/code.sock"
    if len(socket_path) > 100:  # AF_UNIX paths end at 108 bytes
        socket_path = f"/tmp/rag-{os.getpid()}.sock"  # noqa: S108
    workspace = f"{home}/workspace.yaml"
    location = f"load_from:\n  - grpc_server:\n      socket: {socket_path}\n      location_name: rag_pipeline.definitions\n"
    write_atomically(settings.dagster_home / "workspace.yaml", location.encode())
    python, host = sys.executable, settings.dagster_host
    code = [python, "-m", "rag_pipeline.defs.code_server", "--socket", socket_path, "--log-level", "warning"]
    web = [python, "-m", "dagster_webserver", "-w", workspace, "-h", host, "-p", str(settings.dagster_port), "--log-level", "warning"]
    return [
        Service("app", [python, "-m", "ui"], f"{settings.app_url}/api/v1/health"),
        Service("code", code, ready_socket=socket_path),
        Service("dagster", web, f"{settings.dagster_url}/server_info"),
        Service("daemon", [python, "-m", "dagster._daemon", "run", "-w", workspace, "--log-level", "warning"]),
    ]


class _Supervisor:
    def __init__(self, settings: Settings, services: Sequence[Service], environment: dict[str, str]) -> None:
        self._settings = settings
        self._services = services
        self._environment = environment
        self._stop = threading.Event()
        self._printing = threading.Lock()

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start_all()
            announcer = threading.Thread(target=self._announce, daemon=True)
            announcer.start()
            return self._watch()
        finally:
            self._stop_all()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _start(self, service: Service) -> None:
        service.process = subprocess.Popen(
            service.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop the parts in order
            preexec_fn=_die_with_parent(),
        )
        threading.Thread(target=self._show_log, args=(service,), daemon=True).start()

    def _start_all(self) -> None:
        for service in self._services:
            self._start(service)
            self._wait_for(service)

    def _wait_for(self, service: Service) -> None:
        """Whoever opens Dagster's records first makes their tables; webserver and daemon would report a starting code server as broken."""
        deadline = time.monotonic() + READY_SECONDS
        while service.ready_socket and not _listens(service.ready_socket) and time.monotonic() < deadline:
            if self._stop.wait(0.05) or self._ended():
                return

    def _ended(self) -> str | None:
        """What to say of a part that ended although it should not have."""
        for service in self._services:
            status = service.process.poll() if service.process else None
            if status is not None:
                return f"{service.name} ended with status {status}; stopping the rest."
        return None

    def _show_log(self, service: Service) -> None:
        output = service.process.stdout if service.process else None
        for line in output or ():
            if not _NOISE.search(line):
                shown = line if sys.stdout.isatty() else _COLOURS.sub("", line)
                self._print(f"{service.name:>7} | {shown.rstrip()}")

    def _announce(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for service in self._services:
            while service.ready_url and not self._stop.is_set() and not _answers(service.ready_url):
                if time.monotonic() > deadline:
                    self._print(
                        f"{service.name} has not answered at {service.ready_url} for {READY_SECONDS:.0f} s; its log above says why."
                    )
                    return
                time.sleep(0.3)
        if not self._stop.is_set():
            self._print(self._welcome())

    def _welcome(self) -> str:
        settings = self._settings
        lines = [
            f"Ask questions   {settings.app_url}",
            f"Dagster         {settings.dagster_url}",
            f"Drop files in   {settings.uploads}",
            "Stop            Ctrl-C",
        ]
        return "\n" + "\n".join(f"  {line}" for line in lines) + "\n"

    def _watch(self) -> int:
        while not self._stop.wait(0.5):
            if ended := self._ended():
                self._print(ended)
                return 1
        return 0

    def _stop_all(self) -> None:
        with suppress(OSError):  # a full disk: the tick's process is told to stop all the same
            (self._settings.dagster_home / STOP_FILE).touch()  # ends the sensor's tick, which waits for something to happen
        running = [service.process for service in reversed(self._services) if service.process]
        for process in running:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(process, signal.SIGKILL)  # whatever is left of its group

    def _print(self, text: str) -> None:
        with self._printing:
            print(text, flush=True)  # noqa: T201


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux a child is told to stop even when we are killed with -9."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return lambda: library.prctl(_DEATH_SIGNAL, signal.SIGTERM) and None
