"""Waiting for something that another thread or process does."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], object], seconds: float = 60.0, pause_seconds: float = 0.02) -> None:
    """Look again and again; what is looked at is to cost little beside the pause."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause_seconds)
