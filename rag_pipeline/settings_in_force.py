"""The settings as they are in force: each value as it may be shown, and where it comes from.

Belongs here: that, and taking what is secret out of a text. Not here: the settings (``settings.py``), who may see them (``ui/web``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from rag_pipeline.settings import Settings, variable_name

Origin = Literal["default", "environment", ".env", "start"]
"""``start``: it was set when the program was started, and is not any more, or it was given by the program that started this one."""

HIDDEN = "•••"
_SHORTEST_SECRET = 4
"""Characters. What is shorter protects nothing, and taking it out of a text would leave no text."""
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^\s'\"]*@")
_BEHIND_ADDRESS = re.compile(r"(://[^\s'\"?#]*)[?#][^\s'\",;)]*")
_PASSWORD = re.compile(r"://[^\s:/@]*:([^\s]*)@")


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting. ``value`` may be shown: of a secret only that there is one; empty where it is unset."""

    variable: str
    value: str
    origin: Origin
    description: str
    is_secret: bool


def settings_in_force(settings: Settings) -> list[SettingInForce]:
    """All settings in the order of the README, with where each comes from."""
    sources: dict[Origin, EnvSettingsSource] = {"environment": EnvSettingsSource(Settings), ".env": DotEnvSettingsSource(Settings)}
    found = []
    for name, field in Settings.model_fields.items():
        named = (origin for origin, source in sources.items() if source.get_field_value(field, name)[0] is not None)
        origin: Origin = next(named, "start") if name in settings.model_fields_set else "default"
        value = getattr(settings, name)
        is_secret = "SecretStr" in str(field.annotation)
        found.append(SettingInForce(variable_name(name), _shown(value, settings), origin, field.description or "", is_secret))
    return found


def _shown(value: object, settings: Settings) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return f"{HIDDEN} (set)"
    return str(value).lower() if isinstance(value, bool) else without_secrets(str(value), settings)


def without_secrets(text: str, settings: Settings) -> str:
    """A text in which neither a secret of the settings stands, nor who logs in at an address, nor what follows a question mark in one."""
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _BEHIND_ADDRESS.sub(rf"\1?{HIDDEN}", _USER_IN_ADDRESS.sub(f"{HIDDEN}@", text))


def _secrets(settings: Settings) -> set[str]:
    return {part for whole in _values(settings) for part in _parts(whole) if len(part) >= _SHORTEST_SECRET}


def _values(settings: Settings) -> Iterator[str]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()


def _parts(secret: str) -> Iterator[str]:
    """All of it; the tokens of a list of them; the password of an address, as it is written and as it is meant."""
    yield secret
    for password in _PASSWORD.findall(secret):
        yield password
        yield unquote(password)
    if "://" not in secret:
        yield from (entry.rpartition(":")[2] for entry in re.split(r"[\s,]+", secret))
