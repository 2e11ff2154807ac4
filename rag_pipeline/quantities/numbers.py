"""Numbers and dates as texts write them, and whether two of them are the same.

Belongs here: formats (34,229; 34.229; 34 229; $34.2 billion; 3.2 %; 31 March 2027). Not here: which numbers must be the same,
words (``measure_words.py``). Numbers that are written as words are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from rag_pipeline.quantities.measure_words import currencies, months, scales, spelling, units

_GAPS = " \u00a0\u2009\u202f"
_NUMBER = re.compile(rf"(?<!\d)(?<!\d[.,])(?:\d{{1,3}}(?:[{_GAPS}]\d{{3}}(?!\d))+(?:[.,]\d+)?|\d+(?:[.,'’]\d+)*)")
_AFTER = re.compile(r"(?:st|nd|rd|th|er|re|ère|e|ème|º|ª|\.º)?\b|", re.IGNORECASE)
_WORD = re.compile(rf"[-‑{_GAPS}]?([%‰]|°[{_GAPS}]?[CFK]?\b|[^\W\d_][^\W\d_./²³]*(?:/[^\W\d_]+|[²³]|[23]\b)?)")
_SIGN_BEFORE = re.compile(rf"(?:\b([A-Z]{{3}})|([$€£¥₹₽₩₪₺₴฿]))[{_GAPS}(]*$")
_SIGN_AFTER = re.compile(rf"\.?[{_GAPS}]?(?:([$€£¥₹₽₩₪₺₴฿])|([A-Z]{{3}})\b)")
_ISO = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)(?!\d)")
_WITH_POINTS = re.compile(r"(?<![\d./])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?![\d/])")
_DAY, _YEAR = r"(\d{1,2})(?:st|nd|rd|th|er|º|\.)?", r"(\d{4})(?!\d)"
_FIRST_YEAR, _LAST_YEAR = 1000, 2999
_MOST_DAYS, _MOST_MONTHS = 31, 12
PERCENT = "concentr-percent"
_LEAST_ROUNDED_DIGITS = 2
"""4.8 is no "5", but 34,229 is "34 thousand"; in percent it is."""
_THOUSANDS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that a number may stand for, and the step to the next one of its form: 34.2 billion has one of 0.1 billion.

    ``scaled``: a word such as "million" says so.
    """

    value: float
    step: float
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """``text[start:end]``, its ``readings`` (``1,234`` may be 1234 or 1.234; none for ``3.11.7``), and its unit if it is a known one."""

    start: int
    end: int
    written: str
    readings: tuple[Reading, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Date:
    """``text[start:end]``: what it says of day and year; ``days`` are the (day, month) that it may mean, as ``3/4/2027`` may two."""

    start: int
    end: int
    days: frozenset[tuple[int | None, int]]
    year: int | None


def numbers_in(text: str) -> list[Number]:
    """All numbers, those within dates and names (``10-K``) too, but not the 2 of ``m2``."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text):
        if not found or match.start() >= found[-1].end:
            found.append(_number(text, match))
    return found


def dates_in(text: str) -> list[Date]:
    """Dates with at least a month, and a day or a year, in digits or with the month's name in English, German, French or Spanish."""
    found = [*_dates_in_digits(text), *_dates_in_words(text)]
    found.sort(key=lambda date: (date.start, -date.end))
    return [date for n, date in enumerate(found) if not any(other.end > date.start for other in found[:n])]


def stated_scales(text: str) -> frozenset[int]:
    """The powers of ten that a table says of all its numbers: "(in millions)"."""
    known = scales()
    words = (found[0] for found in re.finditer(rf"(?<!\d)(?<!\d[{_GAPS}])\b[^\W\d_]{{3,}}", text))
    return frozenset(power for word in words for power in known.get(spelling(word), known.get(spelling(word).rstrip("s"), ())))


def stated_factor(text: str) -> float:
    """What the numbers of a table are to be multiplied by, by what it says of all of them: a million where they are "(in millions)"; the
    smaller one where a word may mean two, 1 where there is none."""
    return 10.0 ** min(stated_scales(text), default=0)


def same_value(said: Number, held: Number, stated: frozenset[int]) -> bool:
    """Whether a number of an answer is one of a passage, in another format or rounded. ``stated``: :func:`stated_scales` of the passage.

    A passage that states no scale may have lost it with the head of its table: then "34.2 billion" is 34,229 too.
    """
    if not said.readings or not held.readings:
        return said.written == held.written
    percent = said.unit == held.unit == PERCENT
    return any(_same(one, other, percent) for one in said.readings for other in _at_scales(one, held, stated))


def is_other_unit(said: Number, held: Number) -> bool:
    """Whether both have a known unit, and not the same."""
    return bool(said.unit and held.unit) and said.unit != held.unit


def same_date(said: Date, held: Date, years: frozenset[int]) -> bool:
    """Whether a date of an answer is one of a passage, of which ``years`` are the numbers: a year may stand in the head of a column."""
    days = any(month == other and day in (None, of_held) for day, month in said.days for of_held, other in held.days)
    year = said.year is None or (said.year == held.year if held.year is not None else said.year in years)
    return days and year


def _at_scales(said: Reading, held: Number, stated: frozenset[int]) -> Iterator[Reading]:
    lost = frozenset(range(_THOUSANDS, 13, _THOUSANDS)) if said.scaled and not stated else frozenset[int]()
    for reading in held.readings:
        yield reading
        if not reading.scaled:
            yield from (Reading(reading.value * 10**power, reading.step * 10**power, scaled=True) for power in stated | lost)


def _same(said: Reading, held: Reading, percent: bool) -> bool:
    if abs(said.value - held.value) <= 1e-9 * abs(held.value):
        return True
    significant = len(f"{said.value / said.step:.0f}")
    rounded = said.step > held.step and (percent or significant >= _LEAST_ROUNDED_DIGITS)
    return rounded and abs(said.value - held.value) <= said.step / 2 * (1 + 1e-9)


def years_in(numbers: Iterable[Number]) -> frozenset[int]:
    """Those of the numbers that may be years."""
    return frozenset(int(number.written) for number in numbers if number.written.isdigit() and len(number.written) == len("2027"))


def _number(text: str, found: re.Match[str]) -> Number:
    end = found.end()
    suffix = _AFTER.match(text, end)
    word = scale = _WORD.match(text, suffix.end() if suffix else end)
    powers: frozenset[int] = frozenset()
    if word and (powers := scales().get(spelling(word[1]), frozenset())):
        end = word.end()
        second = _WORD.match(text, end)
        together = scales().get(spelling(f"{word[1]} {second[1]}"), frozenset()) if second else frozenset()
        if second and together:  # mil millones
            powers, end = together, second.end()
        word = _WORD.match(text, end)
    unit, after = _unit(text, found.start(), end, word)
    written = re.sub(rf"[{_GAPS}]", "", found[0])
    return Number(found.start(), max(end, after), written, tuple(_readings(found[0], powers, scale[1] if scale else "")), unit)


def _unit(text: str, start: int, end: int, word: re.Match[str] | None) -> tuple[str, int]:
    """The unit, and where it ends if it stands behind the number."""
    before = _SIGN_BEFORE.search(text, max(0, start - 8), start)
    if before and (sign := currencies().get(before[1] or before[2])):
        return sign, end
    behind = _SIGN_AFTER.match(text, end)
    if behind and (sign := currencies().get(behind[1] or behind[2])):
        return sign, behind.end()
    if word is None:
        return "", end
    further = _WORD.match(text, word.end())
    for words, last in ((f"{word[1]} {further[1]}", further.end()) if further else ("", end), (word[1], word.end())):
        if name := units().get(spelling(words)):
            return name, last
    return "", end


def _readings(written: str, powers: frozenset[int], scale: str) -> Iterator[Reading]:
    for value, step in _plain_readings(written):
        yield from (Reading(value * 10**power, step * 10**power, scaled=True) for power in powers)
        if not powers or len(scale) == 1:  # 5 m are metres, or millions
            yield Reading(value, step if powers else _rounded_step(value, step, written))


def _plain_readings(written: str) -> Iterator[tuple[float, float]]:
    parts, separators = re.split(r"\D", written), re.findall(r"\D", written)
    if len(parts[0]) >= _THOUSANDS and parts[0].startswith("0"):
        return  # the form FW-001 is not another writing of 1
    grouped = len(parts[0]) <= _THOUSANDS and all(len(part) == _THOUSANDS for part in parts[1:]) and len(set(separators)) == 1
    if not separators or grouped:
        yield float("".join(parts)), 1.0
    head = separators[:-1]
    is_decimal = separators and separators[-1] in ".," and separators[-1] not in head
    if is_decimal and all(len(part) in (2, _THOUSANDS) for part in parts[1:-1]) and len(set(head)) <= 1:
        yield float("".join(parts[:-1]) + "." + parts[-1]), 10.0 ** -len(parts[-1])


def _rounded_step(value: float, step: float, written: str) -> float:
    """34,000 may be rounded to thousands; 1900 is rather a year."""
    if step < 1 or value < _FIRST_YEAR or (written.isdigit() and value <= _LAST_YEAR):
        return step
    digits = f"{value:.0f}"
    return 10.0 ** (len(digits) - len(digits.rstrip("0")))


def _dates_in_digits(text: str) -> Iterator[Date]:
    for found in _ISO.finditer(text):
        yield from _date(found, {(int(found[3]), int(found[2]))}, int(found[1]))
    for found in _WITH_POINTS.finditer(text):
        first, second = int(found[1]), int(found[3])
        yield from _date(found, {(first, second)} if found[2] == "." else {(first, second), (second, first)}, int(found[4]))


def _dates_in_words(text: str) -> Iterator[Date]:
    known = months()
    for found in _date_pattern().finditer(text):
        day, month, year = found[1] or found[4], known[spelling(found[2] or found[3] or found[6])], found[5] or found[7]
        yield from _date(found, {(int(day) if day else None, month)}, int(year) if year else None)


@cache
def _date_pattern() -> re.Pattern[str]:
    name = "(" + "|".join(sorted(map(re.escape, months()), key=len, reverse=True)) + r")\b\.?"
    gap = rf"[{_GAPS},]{{1,2}}(?:de[l]?[{_GAPS}])?"
    return re.compile(rf"\b(?:{_DAY}{gap}{name}|{name}{gap}{_DAY}(?!\d))(?:{gap}{_YEAR})?|\b{name}{gap}{_YEAR}", re.IGNORECASE)


def _date(found: re.Match[str], days: set[tuple[int | None, int]], year: int | None) -> Iterator[Date]:
    possible = frozenset((day, month) for day, month in days if (day or 1) <= _MOST_DAYS and 1 <= month <= _MOST_MONTHS)
    if possible:
        yield Date(found.start(), found.end(), possible, year)
