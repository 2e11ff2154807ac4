"""Settings: read from the environment only here; a bad value is named with its variable and what is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from rag_pipeline.settings import Settings, SettingsError, load_settings, variable_name
from rag_pipeline.settings_in_force import settings_in_force, without_secrets


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RAG_TOP_K", "0", "greater than or equal to 1"),
        ("RAG_TOP_K", "many", "integer"),
        ("RAG_EMBEDDING_DTYPE", "int8", "'bfloat16'"),
        ("RAG_APP_PORT", "99999", "65535"),
        ("RAG_SETTLE_SECONDS", "-1", "greater than or equal to 0"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert variable in str(error.value)
    assert said in str(error.value)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_TOP_K", "0")
    monkeypatch.setenv("RAG_APP_PORT", "x")
    with pytest.raises(SettingsError, match=r"(?s)RAG_APP_PORT.*RAG_TOP_K"):
        load_settings()


def test_a_dotenv_file_is_read_and_the_environment_overrules_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("RAG_TOP_K=3\nRAG_APP_PORT=1234\nOPENAI_BASE_URL=http://127.0.0.1:9/v1\n")
    monkeypatch.setenv("RAG_TOP_K", "5")
    settings = load_settings()
    assert (settings.top_k, settings.app_port, settings.openai_base_url) == (5, 1234, "http://127.0.0.1:9/v1")


def test_keys_are_not_shown() -> None:
    settings = Settings(
        OPENAI_API_KEY="sk-hush",
        qdrant_api_key="q-hush",
        s3_access_key_id="i-hush",
        s3_secret_access_key="s-hush",
        embedding_api_key="e-hush",
        catalog_url="ducklake:postgres:postgresql://rag:c-hush@localhost/catalog",
    )  # type: ignore[call-arg]
    assert "hush" not in repr(settings)


def test_every_setting_is_in_the_readme_and_in_the_example() -> None:
    root = Path(__file__).parent.parent
    for place in ("README.md", ".env.example"):
        text = (root / place).read_text()
        missing = [variable_name(name) for name in Settings.model_fields if variable_name(name) not in text]
        assert missing == [], place


def test_the_command_line_shows_a_bad_setting_without_a_traceback(tmp_path: Path) -> None:
    environment = {"RAG_TOP_K": "0", "PATH": "/usr/bin:/bin"}
    result = subprocess.run([sys.executable, "-m", "rag_pipeline", "status"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert result.returncode == 1
    assert "RAG_TOP_K" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("url", "why"), [("md:hush", "begins with"), ("ducklake:postgres:postgresql://rag:hu/sh@localhost/x", "%2F")])
def test_an_address_of_the_catalog_that_cannot_be_used_is_refused_without_showing_it(
    url: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_CATALOG_URL", url)
    with pytest.raises(SettingsError, match=why) as refused:
        load_settings()
    assert "hu" not in str(refused.value).replace("such", "")


@pytest.mark.parametrize("host", [" ", "[]"])
def test_no_address_is_not_every_address(host: str) -> None:
    with pytest.raises(ValueError, match="name an address"):
        Settings(host=host)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:7860"), ("::1", "http://[::1]:7860"), ("[::1]", "http://[::1]:7860")]
)
def test_addresses_of_ipv6_stand_in_brackets(host: str, url: str) -> None:
    settings = Settings(host=host, dagster_host=host)
    assert (settings.app_url, settings.dagster_url) == (url, url.replace("7860", "3000"))
    assert settings.host == host.strip("[]")


def test_settings_are_told_with_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("RAG_TOP_K=3\nRAG_APP_PORT=1234\nOPENAI_API_KEY=sk-secret\nRAG_HOST=\n")
    monkeypatch.setenv("RAG_TOP_K", "5")
    found = {one.variable: one for one in settings_in_force(load_settings())}
    assert len(found) == len(Settings.model_fields)
    told = {name: (found[name].value, found[name].origin) for name in ("RAG_TOP_K", "RAG_APP_PORT", "OPENAI_API_KEY", "RAG_HOST")}
    assert told == {
        "RAG_TOP_K": ("5", "environment"),
        "RAG_APP_PORT": ("1234", ".env"),
        "OPENAI_API_KEY": ("••• (set)", ".env"),
        "RAG_HOST": ("127.0.0.1", "default"),
    }
    (given,) = [one for one in settings_in_force(Settings(chat_model="m")) if one.variable == "RAG_CHAT_MODEL"]
    assert (given.value, given.origin) == ("m", "start")


def test_what_is_secret_is_taken_out_of_a_text() -> None:
    settings = Settings(
        openai_api_key=SecretStr("sk-secret"),
        catalog_url=SecretStr("ducklake:postgres:postgresql://rag:p%2Fss%40word@host/db"),
        api_tokens=SecretStr("anna:read:long-token-of-anna, another-long-token"),
    )
    said = "sk-secret p%2Fss%40word p/ss@word long-token-of-anna another-long-token redis://u:x@h:1/2 http://h/v1?key=abc, and that is all"
    assert without_secrets(said, settings) == "••• ••• ••• ••• ••• redis://•••@h:1/2 http://h/v1?•••, and that is all"
    assert without_secrets("nothing to hide?", settings) == "nothing to hide?"
