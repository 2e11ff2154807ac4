"""The records of calendars and contacts.

Belongs here: how both formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format, Opening
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

CALENDAR = "text/calendar"
VCARD = "text/vcard"


def _read_calendar(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.calendar.events import read_calendar

    return read_calendar(source)


def _read_cards(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.calendar.cards import read_cards

    return read_cards(source)


FAMILIES = (
    Family(
        "calendars",
        "calendars",
        "Mail",
        (
            Format(
                CALENDAR,
                _read_calendar,
                ("ics", "ical", "icalendar", "ifb", "vcs"),
                "text",
                openings=(Opening(re.compile(rb"begin:vcalendar\s"), (None, PLAIN, VCARD)),),
            ),
        ),
        version="1",
    ),
    Family(
        "contacts",
        "contacts",
        "Mail",
        (
            Format(
                VCARD,
                _read_cards,
                ("vcf", "vcard"),
                "text",
                openings=(Opening(re.compile(rb"begin:vcard\s"), (None, PLAIN, CALENDAR)),),
            ),
        ),
        version="1",
    ),
)
