"""Cookies of people who logged in are good at every process that has the key."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import SecretStr

from rag_pipeline.access import Access
from rag_pipeline.settings import Settings
from ui.web.sessions import Sessions

ANNA = Access("anna", frozenset({"read"}), (), "digest-of-anna")


def test_those_that_start_at_the_same_moment_have_one_key(tmp_path: Path) -> None:
    together = Barrier(16)

    def cookie(sessions: Sessions) -> str:
        together.wait()
        return sessions.issue(ANNA)

    processes = [Sessions(tmp_path / "app" / "session.key") for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        cookies = list(threads.map(cookie, processes))
    assert {process.digest(one) for process in processes for one in cookies} == {"digest-of-anna"}
    assert stat.S_IMODE((tmp_path / "app" / "session.key").stat().st_mode) == 0o600


def test_machines_with_folders_of_their_own_share_a_key_by_setting(tmp_path: Path) -> None:
    key = SecretStr("k" * 32)
    here, there = Sessions(tmp_path / "here", key), Sessions(tmp_path / "there", key)
    assert there.digest(here.issue(ANNA)) == "digest-of-anna"
    assert Sessions(tmp_path / "here", SecretStr("l" * 32)).digest(here.issue(ANNA)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 32 characters.*openssl rand"):
        Settings(session_key=SecretStr("k" * 31))
