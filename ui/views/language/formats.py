"""Numbers, dates, sizes and times as a language writes them.

Belongs here: that. Not here: sentences. English has no country here, so its dates are those of ISO 8601, which nobody misreads.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from babel import Locale
from babel.dates import format_skeleton, get_datetime_format
from babel.lists import format_list
from babel.numbers import format_decimal

from ui.views.language.catalogues import ENGLISH
from ui.views.language.speaking import gettext, language, ngettext


def number(value: float, digits: int = 0) -> str:
    """With its marks: ``1,048``, ``1.048``; with so many digits behind the mark."""
    return str(format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", locale=language().locale))


def percent(share: float, digits: int = 1) -> str:
    """``12.5%``: a share of 1."""
    return gettext("{number}%", number=number(100 * share, digits))


def moment(when: datetime, *, seconds: bool = False) -> str:
    """A time in UTC, to the minute: ``2026-11-29 17:48``, ``29.11.2026, 17:48``."""
    if language() == ENGLISH:
        return f"{when:%Y-%m-%d %H:%M:%S}" if seconds else f"{when:%Y-%m-%d %H:%M}"
    return _together(day(when), when, "Hms" if seconds else "Hm")


def moment_utc(when: datetime) -> str:
    """The same, and that it is in UTC."""
    return f"{moment(when)} UTC"


def day(when: date) -> str:
    """``2026-11-29``, ``29.11.2026``."""
    return f"{when:%Y-%m-%d}" if language() == ENGLISH else str(format_skeleton("yMMdd", when, locale=language().locale))


def day_and_time(when: datetime) -> str:
    """Without its year, where there is little room: ``11-29 17:48``, ``29.11., 17:48``."""
    if language() == ENGLISH:
        return f"{when:%m-%d %H:%M}"
    return _together(str(format_skeleton("MMdd", when, locale=language().locale)), when, "Hm")


def _together(shown_day: str, when: datetime, hours: str) -> str:
    """A day, and a time by its skeleton, in the order of the language."""
    time, pattern = format_skeleton(hours, when, locale=language().locale), get_datetime_format("medium", locale=language().locale)
    return str(pattern).replace("'", "").replace("{1}", shown_day).replace("{0}", str(time))


def language_name(english: str) -> str:
    """The name of a language that is named in English."""
    known = Locale("en").languages
    code = next((code for code, name in known.items() if name == english), "")
    return str(language().locale.languages.get(code, english))


def size(size_bytes: int) -> str:
    """``512 B``, ``3.4 kB``, ``12 MB`` (thousands, as file managers count)."""
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{number(value, 0 if unit == 'B' or value >= 10 else 1)} {unit}"


def duration(seconds: float) -> str:
    """``12 s``, ``4 min``, ``2 h 10 min``, ``3 days``: no more exact than an estimate is."""
    if seconds < 55:
        return gettext("{seconds} s", seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("{minutes} min", minutes=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return gettext("{hours} h {minutes} min", hours=hours, minutes=rest) if rest else gettext("{hours} h", hours=hours)
    return ngettext("{number} day", "{number} days", round(hours / 24))


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if language() == ENGLISH:
        return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return str(format_list(names, locale=language().locale)) if names else ""
