"""Access tokens: what can be written into the setting, and what is let in by it."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.access import AccessError, digest_of, new_token, parse_tokens, require_tokens_beyond_this_machine
from rag_pipeline.cli import cli
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

SECRET = "a-long-enough-secret"


def test_a_plain_token_may_do_everything() -> None:
    found = parse_tokens(SECRET).recognise(SECRET)
    assert found is not None
    assert found.access.may("read")
    assert found.access.may("write")
    assert found.access.sees("anything")
    assert parse_tokens(SECRET).recognise(SECRET + "x") is None
    assert not parse_tokens(" ")


def test_scopes_and_collections() -> None:
    tokens = parse_tokens(f"anna:read:contracts+reports:{SECRET}, bob:write:sha256-{digest_of('other')}")
    anna, bob = tokens.recognise(SECRET), tokens.recognise("other")
    assert anna is not None
    assert bob is not None
    assert (anna.access.name, anna.access.may("write"), anna.access.sees("reports"), anna.access.sees("letters")) == (
        "anna", False, True, False,
    )  # fmt: skip
    assert (bob.access.may("read"), bob.access.may("write"), bob.access.sees("letters")) == (False, True, True)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("short", "shorter than 16"),
        (f"anna:admin:{SECRET}", "the scope 'admin'"),
        (f"a:read:c:d:{SECRET}", "too many parts"),
        ("anna:read:sha256-12", "64 hexadecimal digits"),
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
    assert (found.access.name, found.access.collections) == (name, tuple(collections))
    assert secret not in entry


def test_the_command_makes_an_entry_that_lets_its_token_in() -> None:
    shown = CliRunner().invoke(cli, ["token", "anna", "--scope", "read", "-c", "contracts"]).output.split()
    entry = shown[-1]
    secret = shown[shown.index("now):") + 1]
    found = parse_tokens(entry).recognise(secret)
    assert found is not None
    assert (found.access.name, found.access.may("write"), found.access.collections) == ("anna", False, ("contracts",))


def test_no_address_beyond_this_machine_without_tokens() -> None:
    with pytest.raises(RagError, match="rag token NAME"):
        require_tokens_beyond_this_machine(Settings(host="0.0.0.0"))
    require_tokens_beyond_this_machine(Settings(host="0.0.0.0", api_tokens=SECRET))
    require_tokens_beyond_this_machine(Settings(host="127.0.0.1"))
