"""The limits of a process that reads documents: memory, time, network. Held by the kernel where it can.

Belongs here: setting limits on the process that calls. Not here: what a limit that was hit means for a document (``pool``).
Programs started by the process inherit the limits on memory and network.

Linux holds all of them. macOS holds the time limit and watches the memory; there only Python's own connections are refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

OUT_OF_MEMORY_EXIT_CODE = 86
"""How a process ends itself when it used more memory than it may."""
OUT_OF_TIME_SIGNAL = signal.SIGALRM
"""What ends a process whose time is over: sent by the kernel, so it works while native code runs."""

_HEADROOM = 1.25
"""Memory may be reserved somewhat beyond what may be used: allocators and thread stacks reserve more than they touch."""
_WATCHED_EVERY_SECONDS = 0.05
_INTERNET = (socket.AF_INET, socket.AF_INET6)


def limit_time(seconds: float) -> None:
    """End this process when it takes longer than this from now on; 0 takes the limit away."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class MemoryLimit:
    """Ends this process, or fails its allocation (MemoryError), when its work needs more memory than this.

    The kernel's limit fails a single large allocation at once; the watching thread catches what grows bit by bit, also inside native
    code that does not check its allocations.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changing = threading.Lock()
        self._at_work = False
        with contextlib.suppress(ValueError, OSError):  # a stricter limit is set already, or the system knows none
            resource.setrlimit(resource.RLIMIT_DATA, (int(most_bytes * _HEADROOM),) * 2)
        threading.Thread(target=self._watch, daemon=True).start()

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """A piece of work. A process that uses too much ends within it, never after: its pool could not tell whose fault it was."""
        self._at_work = True
        try:
            yield
        finally:
            with self._changing:
                self._end_if_over()
                self._at_work = False

    def _watch(self) -> None:
        while True:
            time.sleep(_WATCHED_EVERY_SECONDS)
            with self._changing:
                self._end_if_over()

    def _end_if_over(self) -> None:
        if self._at_work and _used_bytes() > self._most_bytes:
            os._exit(OUT_OF_MEMORY_EXIT_CODE)


def _used_bytes() -> int:
    """Memory of this process that no file backs."""
    if platform.system() == "Linux":
        _, resident, shared, *_ = Path("/proc/self/statm").read_bytes().split()
        return (int(resident) - int(shared)) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: the peak, in bytes


def cut_network() -> bool:
    """Refuse every connection of this process and of the programs it starts, for good.

    Returns:
        Whether the kernel holds it. Otherwise only Python's own sockets are refused.
    """
    sys.addaudithook(_refuse_connection)
    return sys.platform == "linux" and _filter_system_calls()


def _refuse_connection(event: str, arguments: tuple[object, ...]) -> None:
    internet = event in ("socket.connect", "socket.sendto", "socket.bind") and getattr(arguments[0], "family", None) in _INTERNET
    if internet or event == "socket.getaddrinfo":
        raise PermissionError(errno.EACCES, "no connection is opened while documents are read")


class _Instruction(ctypes.Structure):
    """``struct sock_filter`` of linux/filter.h."""

    _fields_ = (("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8), ("if_false", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    """``struct sock_fprog`` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # from linux/bpf_common.h, with absolute loads and constant operands
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data of linux/seccomp.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EACCES
_OTHER_NUMBERING = 0x40000000  # x86-64 has a second set of system call numbers ("x32")
_PR_SET_NO_NEW_PRIVS, _SECCOMP_SET_MODE_FILTER, _ALL_THREADS = 38, 1, 1
_SYSTEM_CALLS = {  # machine: its name in linux/audit.h, and the numbers of seccomp, socket, io_uring_setup
    "x86_64": (0xC000003E, 317, 41, 425),
    "aarch64": (0xC00000B7, 277, 198, 425),
}


def _filter_system_calls() -> bool:
    """Only local (AF_UNIX) sockets can be made: others fail with "permission denied" (see seccomp(2))."""
    if platform.machine() not in _SYSTEM_CALLS:
        return False
    architecture, seccomp, socket_call, io_uring_setup = _SYSTEM_CALLS[platform.machine()]
    steps = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, 7, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 5, 0, _OTHER_NUMBERING),
        (_IF_EQUAL, 4, 0, io_uring_setup),  # it can open sockets by itself
        (_IF_EQUAL, 0, 2, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 0, 1, int(socket.AF_UNIX)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    )
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(library.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)
