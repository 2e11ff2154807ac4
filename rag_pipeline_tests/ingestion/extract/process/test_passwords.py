"""The list of passwords."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from rag_pipeline.ingestion.extract.process.passwords import MOST_ADDED, PasswordNotKeptError, add_password, listed_passwords
from rag_pipeline.settings import Settings

LINES = st.lists(st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()), max_size=6, unique=True)


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "not there yet")


@given(LINES, st.booleans())
def test_what_is_added_is_listed_behind_what_was(tmp_path_factory: pytest.TempPathFactory, lines: list[str], ends: bool) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    settings.passwords_path.write_text("by hand" + "\n" * ends, encoding="utf-8")
    for line in lines:
        add_password(settings, line)
    assert listed_passwords(settings) == tuple(dict.fromkeys(["by hand", *lines]))


def test_the_file_is_for_its_user_alone_and_whoever_made_it_decides_that(place: Settings) -> None:
    add_password(place, "open sesame")
    assert place.passwords_path.stat().st_mode & 0o777 == 0o600
    place.passwords_path.chmod(0o640)
    add_password(place, "another")
    add_password(place, "another")
    assert place.passwords_path.read_text() == "open sesame\nanother\n"
    assert place.passwords_path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("password", ["", "two\nlines", "\x85", "\u2028", "a\x00b", "\ud800"])
def test_what_no_line_can_be_is_refused(place: Settings, password: str) -> None:
    with pytest.raises(PasswordNotKeptError, match="one line"):
        add_password(place, password)
    assert not place.passwords_path.exists()


def test_a_list_that_has_grown_too_long_says_so(place: Settings) -> None:
    place.passwords_path.parent.mkdir()
    place.passwords_path.write_text("".join(f"{number}\n" for number in range(MOST_ADDED)))
    add_password(place, "7")
    with pytest.raises(PasswordNotKeptError, match="Take out"):
        add_password(place, "one more")


def test_where_machines_have_lists_of_their_own_it_is_said(place: Settings) -> None:
    elsewhere = place.model_copy(update={"celery_broker_url": SecretStr("redis://127.0.0.1:6379/0")})
    with pytest.raises(PasswordNotKeptError, match="on all of them"):
        add_password(elsewhere, "open sesame")


def test_a_file_that_cannot_be_written_is_named(place: Settings) -> None:
    place.passwords_path.parent.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(PasswordNotKeptError, match=r"passwords\.txt \(File too large\)\. Add it there by hand"):
            add_password(place, "open sesame")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
