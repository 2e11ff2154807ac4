"""iCalendar: events, to-dos, journal entries and busy times, each under its summary, its properties as facts that people read.

Belongs here: what the components and properties of RFC 5545 and RFC 7986 mean. Not here: lines, dates, rules (beside it), alarms, zones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from rag_pipeline.ingestion.extract.calendar.content_lines import ContentLine, fact_of, one_line, parts_of, read_content_lines, unescaped
from rag_pipeline.ingestion.extract.calendar.dates import Moment, duration_of, duration_words, moment_of, moment_words, period_words
from rag_pipeline.ingestion.extract.calendar.descriptions import description_of
from rag_pipeline.ingestion.extract.calendar.recurrence import joined, rule_words
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_ENTRIES = {"VEVENT": "Event", "VTODO": "To-do", "VJOURNAL": "Journal entry", "VFREEBUSY": "Busy times", "VAVAILABILITY": "Available times"}
"""The components that are for people, and what one without a summary is called."""
_TEXTS = {
    "CATEGORIES": "Categories", "RESOURCES": "Resources", "CONTACT": "Contact", "COMMENT": "Comment", "URL": "Web page",
    "CONFERENCE": "Conference", "X-GOOGLE-CONFERENCE": "Conference", "X-MICROSOFT-SKYPETEAMSMEETINGURL": "Conference",
}  # fmt: skip
_FOR_MACHINES = (
    "BEGIN END VERSION PRODID CALSCALE METHOD UID DTSTAMP CREATED LAST-MODIFIED SEQUENCE TRANSP RELATED-TO REQUEST-STATUS REFRESH-INTERVAL "
    "SOURCE COLOR IMAGE ACTION TRIGGER REPEAT ACKNOWLEDGED TZID TZNAME TZOFFSETFROM TZOFFSETTO TZURL TZUNTIL TZID-ALIAS-OF BUSYTYPE LINK "
    "CONCEPT REFID STRUCTURED-DATA PROXIMITY CALENDAR-ADDRESS LOCATION-TYPE RESOURCE-TYPE PARTICIPANT-TYPE DAYLIGHT TZ"
)
_FOR_PEOPLE = (
    "SUMMARY DESCRIPTION LOCATION DTSTART DTEND DURATION DUE COMPLETED RRULE EXRULE RDATE EXDATE RECURRENCE-ID ORGANIZER ATTENDEE STATUS "
    "PRIORITY PERCENT-COMPLETE CLASS GEO FREEBUSY ATTACH NAME STYLED-DESCRIPTION"
)
_KNOWN = frozenset((*_FOR_MACHINES.split(), *_FOR_PEOPLE.split(), *_TEXTS))
_BINARY = ("ATTACH", "IMAGE")
_MAIL = re.compile(r"\s*mailto:", re.IGNORECASE)
_NOBODY = re.compile(r"\s*(?:invalid|urn|data):", re.IGNORECASE)
_ANSWERS = ("ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED")
_FILE_NAMES = ("FILENAME", "X-FILENAME", "X-APPLE-FILENAME", "X-ORACLE-FILENAME")


@dataclass(slots=True)
class _Entry:
    """A component while it is read: its properties by name, in the order of the file."""

    kind: str
    cancelled: bool = False
    lines: dict[str, list[ContentLine]] = field(default_factory=dict)
    last: str = ""

    def add(self, line: ContentLine) -> None:
        if line.name or self.last not in _BINARY:  # else it goes on in letters that are bytes
            self.lines.setdefault(line.name, []).append(line)
        self.last = line.name or self.last

    def all(self, *names: str) -> list[ContentLine]:
        return [line for name in names for line in self.lines.get(name, ()) if line.value.strip()]

    def first(self, name: str) -> ContentLine | None:
        return next(iter(self.all(name)), None)


def read_calendar(source: Source) -> Iterator[Element]:
    """The entries of a calendar of any size, each under its summary; before them what the calendar is called, and what is said of it.

    A damaged line costs itself only; a wrong date is given as it is written. A file that is no calendar is read as text.
    """
    return read_content_lines(source.stream, _KNOWN, _elements)


def _elements(lines: Iterable[ContentLine]) -> Iterator[Element]:
    path: tuple[str, ...] = ()
    entry: _Entry | None = None
    skipped, method = "", ""
    for line in lines:
        component = line.value.strip().upper()
        if line.name in ("BEGIN", "END") and (component in _ENTRIES or component == "VCALENDAR"):
            yield from _entry_elements(entry, path)  # where its end is missing too
            entry = _Entry(component, method == "CANCEL") if line.name == "BEGIN" and component in _ENTRIES else None
            skipped = ""
            path, method = ((), "") if component == "VCALENDAR" else (path, method)
        elif line.name == "BEGIN":
            skipped = skipped or component
        elif line.name == "END":
            skipped = "" if component == skipped else skipped
        elif skipped:
            continue
        elif entry is not None:
            entry.add(line)
        elif line.name == "METHOD":
            method = component
        else:
            yield from _calendar_elements(line, path)
            path = _calendar_path(line, path)
    yield from _entry_elements(entry, path)


def _calendar_path(line: ContentLine, path: tuple[str, ...]) -> tuple[str, ...]:
    name = one_line(unescaped(line.value)) if line.name in ("NAME", "X-WR-CALNAME") else ""
    return (name,) if name else path


def _calendar_elements(line: ContentLine, path: tuple[str, ...]) -> Iterator[Element]:
    """What a property of the calendar itself says to people."""
    named = _calendar_path(line, path)
    if named != path:
        yield Element("Title", named[0])
    elif line.name in ("X-WR-CALDESC", "DESCRIPTION", ""):
        yield from paragraphs(unescaped(line.value), path)


def _entry_elements(entry: _Entry | None, path: tuple[str, ...]) -> Iterator[Element]:
    if entry is None or not entry.lines:
        return
    summary = " / ".join(filter(None, (one_line(unescaped(line.value)) for line in entry.all("SUMMARY"))))
    facts = [fact_of(summary, f"{label}: {said}") for label, said in _facts(entry) if said]
    described = description_of(entry.all("DESCRIPTION", "STYLED-DESCRIPTION", "X-ALT-DESC"), entry.all(""))
    if not (summary or facts or described):
        return
    title = summary or _ENTRIES[entry.kind]
    yield Element("Title", title, heading_path=path)
    if facts:
        yield Element("NarrativeText", "\n".join(facts), heading_path=(*path, title))
    if described != summary:
        yield from paragraphs(described, (*path, title))


def _facts(entry: _Entry) -> Iterator[tuple[str, str]]:
    """What an entry says, by labels; nothing of what only programs need."""
    yield from _times(entry)
    yield "Where", "; ".join(one_line(unescaped(line.value), ", ") for line in entry.all("LOCATION"))
    yield "Coordinates", ", ".join(part.strip() for line in entry.all("GEO")[:1] for part in line.value.split(";"))
    yield "Organizer", ", ".join(filter(None, map(_person, entry.all("ORGANIZER"))))
    yield "Attendees", ", ".join(filter(None, map(_person, entry.all("ATTENDEE"))))
    yield "Repeats", _repeats(entry)
    yield "Also on", joined([_when(value, line) for line in entry.all("RDATE") for value in line.value.split(",") if value.strip()])
    for line in entry.all("RECURRENCE-ID"):
        later = " and later ones" if line.parameters.get("RANGE", "").upper() == "THISANDFUTURE" else ""
        yield "Changed date of a series", f"in place of {_when(line.value, line)}{later}"
    yield from _state(entry)
    for label in dict.fromkeys(_TEXTS.values()):
        lines = entry.all(*(name for name, shown in _TEXTS.items() if shown == label))
        yield label, _listed(lines) if label in ("Categories", "Resources") else "; ".join(_distinct(_text, lines))
    yield "Attachments", ", ".join(_distinct(_attachment, entry.all("ATTACH")))


def _times(entry: _Entry) -> Iterator[tuple[str, str]]:
    start, duration = entry.first("DTSTART"), entry.first("DURATION")
    begins = _moment(start)
    length = duration_of(duration.value) if duration else None
    end = entry.first("DTEND")
    ends = _moment(end) if end else begins.after(length) if begins and length else None
    label = "Starts" if entry.kind == "VTODO" else "Date" if entry.kind == "VJOURNAL" else "When"
    if begins:
        yield label, period_words(begins, ends)
    elif start:
        yield label, start.value.strip()
    if end and not (begins and ends):
        yield "Ends", _when(end.value, end)
    if duration and not (begins and ends):
        yield "Duration", duration_words(duration.value)
    for name, said in (("DUE", "Due"), ("COMPLETED", "Completed")):
        yield said, ", ".join(_when(line.value, line) for line in entry.all(name))
    for line in entry.all("FREEBUSY"):
        kind = line.parameters.get("FBTYPE", "BUSY").upper()
        named = {"BUSY": "Busy", "FREE": "Free", "BUSY-TENTATIVE": "Busy (tentative)", "BUSY-UNAVAILABLE": "Unavailable"}.get(kind, "Busy")
        yield named, "; ".join(_when(value, line) for value in line.value.split(",") if value.strip())


def _moment(line: ContentLine | None) -> Moment | None:
    return moment_of(line.value, line.parameters.get("TZID", "")) if line else None


def _when(value: str, line: ContentLine) -> str:
    """A moment or a period of a property, or what stands there."""
    zone = line.parameters.get("TZID", "")
    first, _, last = value.strip().partition("/")
    start, length = moment_of(first, zone), duration_of(last) if last else None
    if start is None:
        return value.strip()
    if not last:
        return moment_words(start)
    end = start.after(length) if length is not None else moment_of(last, zone)
    return period_words(start, end) if end else value.strip()


def _repeats(entry: _Entry) -> str:
    rules = "; ".join(rule_words(line.value) for line in entry.all("RRULE"))
    excepted = [_excepted(value, line) for line in entry.all("EXDATE") for value in line.value.split(",") if value.strip()]
    excepted += [rule_words(line.value) for line in entry.all("EXRULE")]
    return ", except ".join(filter(None, (rules or ("as planned" if excepted else ""), joined(list(dict.fromkeys(excepted))))))


def _excepted(value: str, line: ContentLine) -> str:
    moment = moment_of(value, line.parameters.get("TZID", ""))
    return moment_words(Moment(moment.day), weekday=False) if moment else value.strip()


def _state(entry: _Entry) -> Iterator[tuple[str, str]]:
    states = [_words(line.value) for line in entry.all("STATUS")] or (["cancelled"] if entry.cancelled else [])
    yield "Status", ", ".join(states)
    yield "Progress", ", ".join(f"{line.value.strip()} %" for line in entry.all("PERCENT-COMPLETE"))
    yield "Priority", ", ".join(_priority(line.value.strip()) for line in entry.all("PRIORITY") if line.value.strip() != "0")
    yield "Visibility", ", ".join(_words(line.value) for line in entry.all("CLASS") if line.value.strip().upper() != "PUBLIC")


def _priority(value: str) -> str:
    """RFC 5545, 3.8.1.9."""
    named = "high" if value in ("1", "2", "3", "4") else "medium" if value == "5" else "low" if value in ("6", "7", "8", "9") else ""
    return f"{value} ({named})" if named else value


def _words(value: str) -> str:
    return value.strip().lower().replace("-", " ")


def _person(line: ContentLine) -> str:
    """A calendar user: name and address, and what is said of the invitation."""
    mailed = _MAIL.match(line.value)
    address = "" if _NOBODY.match(line.value) else line.value[mailed.end() if mailed else 0 :].strip()
    address = line.parameters.get("EMAIL", "") or address
    name = one_line(unescaped(line.parameters.get("CN", "")))
    shown = f"{name} <{address}>" if name and address and name.lower() != address.lower() else name or address
    answer, role, kind = (line.parameters.get(parameter, "").upper() for parameter in ("PARTSTAT", "ROLE", "CUTYPE"))
    said = [answer.lower()] if answer in _ANSWERS else []
    said += ["optional"] if role == "OPT-PARTICIPANT" else []
    said += [kind.lower()] if kind in ("ROOM", "RESOURCE", "GROUP") else []
    return f"{shown} ({', '.join(said)})" if shown and said else shown


def _text(line: ContentLine) -> str:
    said = one_line(unescaped(line.value))
    label = line.parameters.get("LABEL", "")
    return f"{label}: {said}" if label and line.name == "CONFERENCE" else said


def _listed(lines: list[ContentLine]) -> str:
    return ", ".join(dict.fromkeys(filter(None, (one_line(unescaped(value)) for line in lines for value in parts_of(line.value, ",")))))


def _distinct(words_of: Callable[[ContentLine], str], lines: list[ContentLine]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(words_of, lines))))


def _attachment(line: ContentLine) -> str:
    """What an attached file is called, or where it is; nothing of the file itself."""
    named = next((line.parameters[name] for name in _FILE_NAMES if line.parameters.get(name)), "")
    address = line.value.strip() if re.match(r"\s*(?:https?|ftp|file):", line.value, re.IGNORECASE) else ""
    return f"{named} ({address})" if named and address else named or address
