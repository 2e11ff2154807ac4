"""Dates, times and durations of calendars in words (RFC 5545, 3.3.4 to 3.3.6; RFC 6350, 4.3).

Belongs here: one moment, and from when to when. Not here: what repeats (``recurrence``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOMENT = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[T ]([0-9]{2}):?([0-9]{2})(?::?[0-9]{2}(?:\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_PARTIAL = re.compile(r"(?:([0-9]{4})|--(?!-))(?:-?(0[1-9]|1[0-2])(?:-?(0[1-9]|[12][0-9]|3[01]))?)?")
"""A birthday whose year, month or day nobody has written down."""
_DURATION = re.compile(
    r"([+-])?P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?", re.IGNORECASE
)
_UNITS = ("week", "day", "hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a time of a day; ``zone`` is what stands behind it, empty where it is the time of wherever one is."""

    day: date
    clock: time | None = None
    zone: str = ""

    def after(self, duration: timedelta) -> Moment | None:
        """The moment so much later; None beyond the years that there are."""
        try:
            moved = datetime.combine(self.day, self.clock or time()) + duration
        except OverflowError:
            return None
        return Moment(moved.date(), moved.time() if self.clock else None, self.zone)


def moment_of(value: str, zone: str = "") -> Moment | None:
    """What a value of type DATE or DATE-TIME says; None where it is none, or no such day exists."""
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
        clock = time(int(found[4]), int(found[5])) if found[4] else None
    except ValueError:
        return None
    offset = (found[6] or "").upper()
    told = "UTC" if offset == "Z" else f"UTC{offset}" if offset else f"({zone})" if zone else ""
    return Moment(day, clock, told if clock else "")


def duration_of(value: str) -> timedelta | None:
    """What a value of type DURATION says; None where it is none."""
    found = _DURATION.fullmatch(value.strip())
    if found is None or not any(found.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def duration_words(value: str) -> str:
    """A duration as people say it, or as it is written."""
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        return value
    counted = [(int(number), unit) for number, unit in zip(found.groups()[1:], _UNITS, strict=True) if number and int(number)]
    return " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in counted) or value


def moment_words(moment: Moment, *, weekday: bool = True, zone: bool = True) -> str:
    """``Saturday, 6 December 2025, 17:00 (Europe/Stockholm)``."""
    words = f"{DAYS[moment.day.weekday()]}, {day_words(moment.day)}" if weekday else day_words(moment.day)
    if moment.clock:
        words = f"{words}, {moment.clock:%H:%M}"
    return f"{words} {moment.zone}" if zone and moment.zone else words


def day_words(day: date) -> str:
    """``6 December 2025``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def period_words(start: Moment, end: Moment | None) -> str:
    """From when to when. A day at the end is the first one after it (RFC 5545, 3.6.1)."""
    if end is None or end == start:
        return moment_words(start)
    backwards = (end.day, end.clock or time()) < (start.day, start.clock or time())
    if start.zone != end.zone or backwards:  # who flies west may well arrive before he left
        return f"{moment_words(start)} to {moment_words(end)}"
    if start.clock is None and end.clock is None:
        return _days_words(start.day, end.day - timedelta(days=1))
    if start.day == end.day and end.clock:
        return f"{moment_words(start, zone=False)} to {end.clock:%H:%M} {end.zone}".rstrip()
    return f"{moment_words(start, zone=False)} to {moment_words(end)}"


def _days_words(first: date, last: date) -> str:
    if first == last:
        return moment_words(Moment(first))
    if first.year != last.year:
        return f"{day_words(first)} to {day_words(last)}"
    if first.month != last.month:
        return f"{first.day} {MONTHS[first.month - 1]} to {day_words(last)}"
    return f"{first.day} to {day_words(last)}"


def birthday_words(value: str, omitted_year: str = "") -> str:
    """A date of a contact, as much of it as is known; as it is written where it says something else."""
    moment, partial = moment_of(value), _PARTIAL.fullmatch(value.strip())
    if moment is not None and str(moment.day.year) == omitted_year:
        return f"{moment.day.day} {MONTHS[moment.day.month - 1]}"
    if moment is not None:
        return day_words(moment.day)
    if partial is None or all(partial.groups()):  # a whole date that was none above is no such day
        return value
    year, month, day = partial.groups()
    words = [str(int(day)) if day else "", MONTHS[int(month) - 1] if month else "", year or ""]
    return " ".join(filter(None, words)) or value
