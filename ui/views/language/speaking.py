"""What is said in the language of whoever is spoken to.

Belongs here: that language, for as long as a request or an event takes, and messages in it. Not here: choosing it (``choice.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from babel.numbers import format_decimal
from markupsafe import Markup

from ui.views.language.catalogues import ENGLISH, Language

_language: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def language() -> Language:
    """The one that is spoken now."""
    return _language.get()


@contextmanager
def speaking(spoken: Language) -> Iterator[None]:
    """Speak it within, in this task, and in threads and tasks that begin there."""
    before = _language.set(spoken)
    try:
        yield
    finally:
        _language.reset(before)


def gettext(text: str, /, **values: object) -> str:
    """A message, with values in the places of their names: ``gettext("{number} selected", number=3)``. Whole numbers get their marks."""
    found = language().messages.get(text, text)
    return _filled(found if isinstance(found, str) else found[0], values)


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """A message that counts, in the form that the number takes; it stands in it as ``{number}``."""
    spoken = language()
    forms = spoken.messages.get(one)
    known = isinstance(forms, tuple) and forms[min(spoken.form(number), len(forms) - 1)]
    return _filled(known or (one if number == 1 else many), {"number": number, **values})


def marked_up(text: str, /, **values: object) -> Markup:
    """A message that holds markup, which translators keep as it is; values are escaped, but for those that are markup themselves."""
    shown = {name: _in_marks(value) for name, value in values.items()}
    return Markup(gettext(text)).format(**shown)  # noqa: S704  ours: a test holds each translation's tags to the original's


def message(text: str, /) -> str:
    """The text itself: names a message where it is not shown yet, so that it is found; :func:`gettext` says it later."""
    return text


def _filled(text: str, values: dict[str, object]) -> str:
    return text.format(**{name: _in_marks(value) for name, value in values.items()}) if values else text


def _in_marks(value: object) -> object:
    return format_decimal(value, locale=language().locale) if isinstance(value, int) and not isinstance(value, bool) else value
