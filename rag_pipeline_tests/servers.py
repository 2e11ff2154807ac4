"""Real servers of the system, each on a free port of this machine and in a folder of its own, gone when the block ends.

Belongs here: starting and stopping them. Not here: what is kept in them; whether they are installed (``programs``).
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Self

from rag_pipeline_tests.programs import postgresql_programs


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nobody listens at port {port}.")


class Server:
    """A server that can be taken away and brought back under the same address."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class PostgreSQL(Server):
    def __init__(self) -> None:
        super().__init__()
        self.address = f"postgresql://rag@127.0.0.1:{self.port}"
        self._user = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._run("initdb", "-D", f"{self.folder}/data", "--username=rag", "--auth=trust", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "start", "-w", "-l", f"{self.folder}/log", "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "stop", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        programs = postgresql_programs()
        assert programs
        command = [str(programs / program), *arguments]
        subprocess.run(command, check=True, user=self._user, cwd=self.folder, stdout=subprocess.DEVNULL, timeout=120)


class Redis(Server):
    """It keeps nothing on disk: one that comes back has forgotten all."""

    def __init__(self, password: str = "") -> None:
        super().__init__()
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            self.folder,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def process_id(self) -> int:
        assert self._process
        return self._process.pid
