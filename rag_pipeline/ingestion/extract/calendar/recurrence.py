"""Rules of what repeats, in words (RFC 5545, 3.3.10).

Belongs here: the parts of a rule that people use. Not here: on which days it falls.
"""

from __future__ import annotations

import re

from rag_pipeline.ingestion.extract.calendar.dates import DAYS, MONTHS, day_words, moment_of

_UNITS = {
    "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour", "MINUTELY": "minute", "SECONDLY": "second",
}  # fmt: skip
_SAID = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "COUNT", "UNTIL", "WKST"}
_WEEKDAYS = {day[:2].upper(): day for day in DAYS}
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_FIRST = ("first", "second", "third", "fourth", "fifth")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def rule_words(rule: str) -> str:
    """``every 2 weeks on Monday and Wednesday until 30 June 2026``; a rule with other parts, or wrong ones, as it is written."""
    try:
        return _words({name: value for name, _, value in (part.partition("=") for part in rule.strip().upper().split(";") if part)})
    except (KeyError, ValueError):
        return rule


def _words(parts: dict[str, str]) -> str:
    """The rule in words.

    Raises:
        KeyError, ValueError: it has a part that is not put into words.
    """
    if parts.keys() - _SAID:
        raise KeyError(*(parts.keys() - _SAID))
    unit, interval = _UNITS[parts["FREQ"]], int(parts.get("INTERVAL", "1"))
    words = [f"every {unit}" if interval == 1 else f"every {interval} {unit}s"]
    if "BYMONTH" in parts:
        words.append(f"in {joined([MONTHS[_counted(number, 12) - 1] for number in parts['BYMONTH'].split(',')])}")
    of_year = unit == "year" and "BYMONTH" not in parts
    days = joined([_day(day, of_year=of_year) for day in parts["BYDAY"].split(",")]) if "BYDAY" in parts else ""
    dates = joined([_date(number) for number in parts["BYMONTHDAY"].split(",")]) if "BYMONTHDAY" in parts else ""
    if days or dates:
        words.append(f"on {' '.join(filter(None, (days, dates)))}")
    return " ".join(words) + _end(parts)


def _end(parts: dict[str, str]) -> str:
    if "COUNT" in parts:
        count = int(parts["COUNT"])
        return f", {count} time{'' if count == 1 else 's'}"
    if "UNTIL" not in parts:
        return ""
    until = moment_of(parts["UNTIL"])
    if until is None:
        raise ValueError(parts["UNTIL"])
    return f" until {day_words(until.day)}"


def _day(value: str, *, of_year: bool) -> str:
    found = _DAY.fullmatch(value.strip())
    if found is None:
        raise ValueError(value)
    place, day = found[1], _WEEKDAYS[found[2]]
    return f"the {_ordinal(int(place))} {day}{' of the year' if of_year else ''}" if place else day


def _date(value: str) -> str:
    number = int(value)
    if number < 0:
        return f"the {_ordinal(number)} day"
    return f"the {_numbered(_counted(value, 31))}"


def _counted(value: str, most: int) -> int:
    number = int(value)
    if not 1 <= number <= most:
        raise ValueError(value)
    return number


def _ordinal(number: int) -> str:
    if number == 0:
        raise ValueError(number)
    named = _FIRST[abs(number) - 1] if abs(number) <= len(_FIRST) else _numbered(abs(number))
    return named if number > 0 else "last" if number == -1 else f"{named} to last"


def _numbered(number: int) -> str:
    return f"{number}{'th' if 10 < number % 100 < 20 else _ENDINGS.get(number % 10, 'th')}"


def joined(words: list[str]) -> str:
    """``one, two and three``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
