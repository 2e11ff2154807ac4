"""Access tokens: what can be written into the setting, and what is let in by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.access import AccessError, accepted_tokens, digest_of, new_token, parse_tokens
from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

ROOT = Path(__file__).parent.parent
SECRET = "a-long-enough-secret"


def test_a_plain_token_may_do_everything() -> None:
    found = parse_tokens(SECRET).recognise(SECRET)
    assert found is not None
    assert found.may("read")
    assert found.may("write")
    assert found.sees("anything")
    assert parse_tokens(SECRET).recognise(SECRET + "x") is None


def test_scopes_and_collections() -> None:
    tokens = parse_tokens(f"anna:read:contracts+reports:{SECRET}, bob:write:sha256-{digest_of('other')}")
    anna, bob = tokens.recognise(SECRET), tokens.recognise("other")
    assert anna is not None
    assert bob is not None
    assert (anna.name, anna.may("write"), anna.sees("reports"), anna.sees("letters")) == (
        "anna", False, True, False,
    )  # fmt: skip
    assert (bob.may("read"), bob.may("write"), bob.sees("letters")) == (False, True, True)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("short", "shorter than 16"),
        (f"anna:admin:{SECRET}", "the scope 'admin'"),
        (f"a:read:c:d:{SECRET}", "too many parts"),
        ("anna:read:sha256-12", "64 hexadecimal digits"),
        (f":read:{SECRET}-2", "entry 2 has no name"),
        (f"anna::{SECRET}-2", "the scope ''"),
        (f"anna:read::{SECRET}-2", "an empty collection"),
        (f"anna:read:contracts+:{SECRET}-2", "an empty collection"),
        ("#the-tokens-of-the-team", "entry 2 begins with #"),
        (SECRET, "token 1 and token 2 are the same token"),
        (f"anna:read:sha256-{digest_of(SECRET)}", "token 1 and anna are the same token"),
        (f"anna:read:SHA256-{digest_of(SECRET).upper()}", "token 1 and anna are the same token"),
    ],
)
def test_what_cannot_be_used_is_named_without_the_secret(entry: str, words: str) -> None:
    with pytest.raises(AccessError, match=words) as raised:
        parse_tokens(f"{SECRET} {entry}")
    assert SECRET not in str(raised.value)


@given(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=10), max_size=3))
def test_any_name_and_collection_survives(name: str, collections: list[str]) -> None:
    name = name.encode("utf-8", "replace").decode()
    collections = [one.encode("utf-8", "replace").decode() for one in collections]
    secret, entry = new_token(name, ["read"], collections)
    found = parse_tokens(entry).recognise(secret)
    assert found is not None
    assert (found.name, found.collections) == (name, tuple(collections))
    assert secret not in entry


def test_the_command_makes_an_entry_that_lets_its_token_in() -> None:
    shown = CliRunner().invoke(cli, ["token", "anna", "--scope", "read", "-c", "contracts"]).output.split()
    entry = shown[-1]
    secret = shown[shown.index("now):") + 1]
    found = parse_tokens(entry).recognise(secret)
    assert found is not None
    assert (found.name, found.may("write"), found.collections) == ("anna", False, ("contracts",))


@pytest.mark.parametrize("arguments", [["anna", "-c", ""], ["anna", "-c", "contracts", "-c", ""], [""]])
def test_the_command_makes_no_token_for_a_collection_or_a_person_without_a_name(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, ["token", *arguments])
    assert result.exit_code == 1
    assert "name" in result.output
    assert "sha256" not in result.output


def test_no_address_beyond_this_machine_without_tokens() -> None:
    with pytest.raises(RagError, match="rag token NAME"):
        accepted_tokens(Settings(host="0.0.0.0"))
    assert accepted_tokens(Settings(host="0.0.0.0", api_tokens=SECRET))
    assert not accepted_tokens(Settings(host="127.0.0.1"))


@pytest.mark.parametrize("value", [" ", ",", " , \t", "# none yet"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_setting_without_a_token_in_it_lets_nobody_in(value: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_API_TOKENS", value)
    with pytest.raises(AccessError, match="RAG_API_TOKENS"):
        accepted_tokens(Settings(host=host))


def test_an_empty_setting_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_API_TOKENS", "")
    assert not accepted_tokens(Settings())
    with pytest.raises(RagError, match="no access token is set"):
        accepted_tokens(Settings(host="::"))


@pytest.mark.parametrize("program", [["-m", "ui"], ["-m", "rag_pipeline", "up"]])
def test_nothing_starts_with_a_setting_without_a_token(program: list[str], tmp_path: Path) -> None:
    environment = {"RAG_API_TOKENS": " , ", "RAG_DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, *program], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "RAG_API_TOKENS is set, but holds no token" in result.stderr


def test_by_what_name_older_versions_kept_conversations() -> None:
    text = f"{SECRET}-1 anna:read:{SECRET}-2 {SECRET}-3 anna:{SECRET}-4 token%205:{SECRET}-5 {SECRET}-6"
    expected = {"token 1": "1", "anna": "2", "token 3": "3", "token 5": "5", "token 6": "6"}
    assert parse_tokens(text).former_owners == {name: digest_of(f"{SECRET}-{number}") for name, number in expected.items()}
    assert parse_tokens(f"{SECRET}-1 token%201:{SECRET}-2").former_owners == {}
