"""Calendars: the examples of RFC 5545 and RFC 7986, and files as Google, Outlook and others write them."""

import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.calendar.content_lines import content_lines, unescaped
from rag_pipeline.ingestion.extract.calendar.family import CALENDAR, VCARD
from rag_pipeline.ingestion.extract.calendar.recurrence import rule_words
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline_tests.ingestion.extract.documents import element_with, open_source, read, texts

PARTY = """BEGIN:VEVENT
UID:1@example.com
DTSTAMP:20251101T100000Z
SUMMARY:Birthday party of Aunt Ingrid
DTSTART;TZID=Europe/Stockholm:20251206T170000
DTEND;TZID=Europe/Stockholm:20251206T220000
LOCATION:Folkets hus\\, Storgatan 5\\nUmeå
ORGANIZER;CN="Berg, Karin":mailto:karin@example.com
ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.com
ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION:MAILTO:eve@example.com
DESCRIPTION:Bring cake\\; coffee
  is there.\\n\\nNo presents.
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER:-PT15M
END:VALARM
END:VEVENT
"""
ZONE = "BEGIN:VTIMEZONE\nTZID:Europe/Stockholm\nBEGIN:STANDARD\nDTSTART:19701025T030000\nCOMMENT:zone\nEND:STANDARD\nEND:VTIMEZONE\n"


def calendar(*entries: str, head: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y\n{head}{''.join(entries)}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def event(*lines: str, kind: str = "VEVENT") -> str:
    return "\n".join((f"BEGIN:{kind}", *lines, f"END:{kind}", ""))


def facts(folder: Path, *lines: str, kind: str = "VEVENT") -> list[str]:
    """What is said of an entry below its title, without its name before each fact."""
    found = read(folder, "a.ics", calendar(event("SUMMARY:s", *lines, kind=kind)))
    return [line.removeprefix("s; ") for element in found.elements if element.kind != "Title" for line in element.text.split("\n")]


def test_an_event_is_its_summary_and_facts_and_description(tmp_path: Path) -> None:
    found = read(tmp_path, "a.ics", calendar(ZONE, PARTY, head="X-WR-CALNAME:Family\nNAME:Family\nX-WR-CALDESC:Ours\n"))
    title = "Birthday party of Aunt Ingrid"
    told = (
        "When: Saturday, 6 December 2025, 17:00 to 22:00 (Europe/Stockholm)",
        "Where: Folkets hus, Storgatan 5, Umeå",
        "Organizer: Berg, Karin <karin@example.com>",
        "Attendees: Bob <bob@example.com> (accepted), eve@example.com (optional)",
    )
    assert [(element.kind, element.text, element.heading_path) for element in found.elements] == [
        ("Title", "Family", ()),
        ("NarrativeText", "Ours", ("Family",)),
        ("Title", title, ("Family",)),
        ("NarrativeText", "\n".join(f"{title}; {fact}" for fact in told), ("Family", title)),
        ("NarrativeText", "Bring cake; coffee is there.", ("Family", title)),
        ("NarrativeText", "No presents.", ("Family", title)),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("DTSTART;VALUE=DATE:20251206",), "Saturday, 6 December 2025"),
        (("DTSTART;VALUE=DATE:20251206", "DTEND;VALUE=DATE:20251207"), "Saturday, 6 December 2025"),
        (("DTSTART;VALUE=DATE:20070628", "DTEND;VALUE=DATE:20070709"), "28 June to 8 July 2007"),  # RFC 5545, 3.6.1
        (("DTSTART;VALUE=DATE:20251206", "DURATION:P4D"), "6 to 9 December 2025"),
        (("DTSTART;VALUE=DATE:20251230", "DTEND;VALUE=DATE:20260103"), "30 December 2025 to 2 January 2026"),
        (("DTSTART:19970714T170000Z", "DTEND:19970715T035959Z"), "Monday, 14 July 1997, 17:00 to Tuesday, 15 July 1997, 03:59 UTC"),
        (("DTSTART:20251206T170000", "DURATION:PT1H30M"), "Saturday, 6 December 2025, 17:00 to 18:30"),
        (
            ("DTSTART;TZID=Asia/Tokyo:20251206T170000", "DTEND;TZID=America/Los_Angeles:20251206T100000"),
            "Saturday, 6 December 2025, 17:00 (Asia/Tokyo) to Saturday, 6 December 2025, 10:00 (America/Los_Angeles)",
        ),
        (("DTSTART:20251306T170000",), "20251306T170000"),
        (("DTSTART:next week",), "next week"),
        (("DTSTART;VALUE=DATE:99991231", "DURATION:P9W"), "Friday, 31 December 9999\nDuration: 9 weeks"),
        (("DTSTART:20251206T1700Z", "DTEND:soon"), "Saturday, 6 December 2025, 17:00 UTC\nEnds: soon"),
    ],
)
def test_when(tmp_path: Path, lines: tuple[str, ...], expected: str) -> None:
    assert facts(tmp_path, *lines) == f"When: {expected}".split("\n")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260630T215959Z", "every week on Monday and Wednesday until 30 June 2026"),
        ("FREQ=DAILY;COUNT=10", "every day, 10 times"),
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "every 10 days, 5 times"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR", "every 2 weeks on Monday, Wednesday and Friday"),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "every month on the first Friday, 10 times"),
        ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "every 2 months on the first Sunday and the last Sunday, 10 times"),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "every month on the second to last Monday, 6 times"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "every month on the third to last day"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "every month on the 2nd and the 15th, 10 times"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "every month on the 1st and the last day, 10 times"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Friday the 13th"),
        ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "every year in June and July, 10 times"),
        ("FREQ=YEARLY;BYDAY=20MO", "every year on the 20th Monday of the year"),
        ("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "every year in October on the last Sunday"),
        ("FREQ=HOURLY;INTERVAL=3", "every 3 hours"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"),
        ("FREQ=MONTHLY;BYMONTHDAY=40", "FREQ=MONTHLY;BYMONTHDAY=40"),
        ("FREQ=DAILY;UNTIL=someday", "FREQ=DAILY;UNTIL=someday"),
        ("W1 MO #10", "W1 MO #10"),
    ],
)
def test_rules_in_words(rule: str, words: str) -> None:
    assert rule_words(rule) == words


def test_what_repeats_is_said_with_its_exceptions(tmp_path: Path) -> None:
    dates = ("DTSTART:20251204T100000", "EXDATE:20251225T100000,20260101T100000", "RDATE:20260102T100000")
    told = facts(tmp_path, *dates, "RRULE:FREQ=WEEKLY")
    assert told[1:] == ["Repeats: every week, except 25 December 2025 and 1 January 2026", "Also on: Friday, 2 January 2026, 10:00"]


def test_a_changed_date_of_a_series_says_so(tmp_path: Path) -> None:
    told = facts(tmp_path, "RECURRENCE-ID;TZID=Europe/Berlin:20251201T100000", "DTSTART;TZID=Europe/Berlin:20251202T100000")
    assert told[1] == "Changed date of a series: in place of Monday, 1 December 2025, 10:00 (Europe/Berlin)"


def test_to_dos_journals_and_busy_times(tmp_path: Path) -> None:
    entries = (
        event("SUMMARY:Income tax", "DUE;VALUE=DATE:20260131", "STATUS:NEEDS-ACTION", "PRIORITY:1", "PERCENT-COMPLETE:40", kind="VTODO"),
        event("SUMMARY:Minutes", "DTSTART;VALUE=DATE:19970317", "DESCRIPTION:1. Staff meeting", "CLASS:PRIVATE", kind="VJOURNAL"),
        event("FREEBUSY;FBTYPE=FREE:19970308T230000Z/19970309T000000Z", "FREEBUSY:19970308T160000Z/PT3H,x", kind="VFREEBUSY"),
    )
    assert texts(read(tmp_path, "a.ifb", calendar(*entries))) == [
        "Income tax",
        "\n".join(
            f"Income tax; {fact}"
            for fact in ("Due: Saturday, 31 January 2026", "Status: needs action", "Progress: 40 %", "Priority: 1 (high)")
        ),
        "Minutes",
        "Minutes; Date: Monday, 17 March 1997\nMinutes; Visibility: private",
        "1. Staff meeting",
        "Busy times",
        "Free: Saturday, 8 March 1997, 23:00 to Sunday, 9 March 1997, 00:00 UTC\nBusy: Saturday, 8 March 1997, 16:00 to 19:00 UTC; x",
    ]


def test_facts_for_people_are_kept_and_those_for_programs_are_not(tmp_path: Path) -> None:
    told = facts(
        tmp_path,
        "CATEGORIES:APPOINTMENT,EDUCATION\\, MUSIC",
        "RESOURCES:EASEL,PROJECTOR",
        "CONTACT:Jim Dolittle\\, ABC Industries",
        "COMMENT:The meeting really needs to include both ourselves and the customer.",
        "URL:https://example.com/a",
        "GEO:37.386013;-122.082932",
        "ATTACH;FMTTYPE=application/pdf;FILENAME=agenda.pdf:https://example.com/1",
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAABBBB",
        "CCCCDDDD",
        "SEQUENCE:2",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "TRANSP:OPAQUE",
        "CONFERENCE;VALUE=URI;LABEL=Attendee dial-in:tel:+1-412-555-0123",
        "STATUS:CANCELLED",
    )
    assert told == [
        "Coordinates: 37.386013, -122.082932",
        "Status: cancelled",
        "Categories: APPOINTMENT, EDUCATION, MUSIC",
        "Resources: EASEL, PROJECTOR",
        "Contact: Jim Dolittle, ABC Industries",
        "Comment: The meeting really needs to include both ourselves and the customer.",
        "Web page: https://example.com/a",
        "Conference: Attendee dial-in: tel:+1-412-555-0123",
        "Attachments: agenda.pdf (https://example.com/1)",
    ]


def test_descriptions_in_tags_are_read_as_shown(tmp_path: Path) -> None:
    tagged = 'DESCRIPTION:Bring <b>cake</b> &amp\\; tea<br>and <a href="https://x.example/y">songs</a>.<p>List<String></p>'
    assert facts(tmp_path, tagged) == ["Bring cake & tea", "and songs (https://x.example/y).", "List<String>"]
    page = "X-ALT-DESC;FMTTYPE=text/html:<!DOCTYPE HTML><HTML><HEAD><TITLE>t</TITLE></HEAD><BODY><P DIR=LTR>Only here</P></BODY></HTML>"
    assert facts(tmp_path, page) == ["Only here"]
    assert facts(tmp_path, page, "DESCRIPTION:plain") == ["plain"]


def test_a_cancelled_invitation_says_so(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.ics", calendar(event("SUMMARY:s"), head="METHOD:CANCEL\n"))) == ["s", "s; Status: cancelled"]


def test_damage_costs_a_line_and_nothing_else(tmp_path: Path) -> None:
    content = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:First
DESCRIPTION:One line
and one that was not folded
Location: behind the house
https://example.com/x
LOCATION Hall
DTSTART;TZID="Europe/Paris:20251206T170000
BEGIN:VALARM
BEGIN:VEVENT
SUMMARY:Second
LOCATION:Room 5"""
    found = read(tmp_path, "a.ics", content.encode())
    assert texts(found) == [
        "First",
        "First; When: Saturday, 6 December 2025, 17:00 (Europe/Paris)",
        "One line",
        "and one that was not folded\nLocation: behind the house\nhttps://example.com/x\nLOCATION Hall",
        "Second",
        "Second; Where: Room 5",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = calendar(event("SUMMARY:Grüße an José", "LOCATION:Café Müller in Köln")).decode().encode(encoding)
    assert texts(read(tmp_path, "a.ics", content)) == ["Grüße an José", "Grüße an José; Where: Café Müller in Köln"]


def test_a_line_that_is_folded_within_a_character(tmp_path: Path) -> None:
    content = calendar(event("SUMMARY:Umeå hus")).replace("å".encode(), b"\xc3\r\n \xa5")
    assert texts(read(tmp_path, "a.ics", content)) == ["Umeå hus"]


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.ics", b"BEGIN:VCALENDAR\r\n", CALENDAR),
        ("a.ICAL", b"anything", CALENDAR),
        ("a.ifb", b"BEGIN:VCALENDAR\n", CALENDAR),
        ("invitation", b"\xef\xbb\xbf\r\nbegin:vcalendar\n", CALENDAR),
        ("a.txt", b"BEGIN:VCALENDAR\n", CALENDAR),
        ("a.ics", b"BEGIN:VCARD\n", VCARD),
        ("a.vcf", b"Begin:vCard\n", VCARD),
        ("a.txt", b"BEGIN:VCARDS are fun", "text/plain"),
        ("a.md", b"BEGIN:VCARD\n", "text/markdown"),
    ],
)
def test_told_by_name_and_by_content(name: str, head: bytes, expected: str) -> None:
    assert media_type_of(name, head) == expected


def test_a_calendar_of_nothing_is_empty_and_a_text_of_that_name_is_text(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.ics", calendar(ZONE, event("UID:1", "DTSTAMP:20251101T100000Z")))
    assert (raised.value.code, raised.value.state) == ("empty", "empty")
    assert texts(read(tmp_path, "a.ics", b"Just words: of\n\nsomebody.")) == ["Just words: of", "somebody."]


def invitation(*, attached: bool) -> bytes:
    made = EmailMessage()
    made["Subject"] = "Invitation"
    made.set_content("You are invited to a party.")
    made.add_alternative("<p>You are invited to a party.</p>", subtype="html")
    made.add_alternative(calendar(PARTY).decode(), subtype="calendar", params={"method": "REQUEST"})
    if attached:  # as Google does
        made.add_attachment(calendar(PARTY), maintype="application", subtype="ics", filename="invite.ics")
    return made.as_bytes()


@pytest.mark.parametrize("attached", [False, True])
def test_an_invitation_in_a_mail_is_read_once(tmp_path: Path, attached: bool) -> None:
    found = read(tmp_path, "a.eml", invitation(attached=attached))
    told = element_with(found, "; Where: Folkets hus")
    assert told.heading_path == ("Invitation", "invitation.ics", "Birthday party of Aunt Ingrid")
    assert not any("BEGIN" in text or "DTSTART" in text for text in texts(found))
    assert found.notes == ()


def test_a_mail_that_is_only_an_invitation(tmp_path: Path) -> None:
    content = b"Subject: s\nContent-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + calendar(PARTY)
    assert element_with(read(tmp_path, "a.eml", content), "; Where: Folkets hus, Storgatan 5, Umeå")


@given(st.text(st.sampled_from("ab \\;,:n\"N=\t'é"), max_size=40), st.integers(1, 75))
def test_what_is_escaped_and_folded_survives(said: str, width: int) -> None:
    escaped = said.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    line = f"DESCRIPTION:{escaped}"
    folded = "\n ".join(line[start : start + width] for start in range(0, len(line), width))
    (found,) = content_lines(io.StringIO(f"{folded}\n"), frozenset({"DESCRIPTION"}))
    assert (found.name, unescaped(found.value)) == ("DESCRIPTION", said.strip())


LINES = st.sampled_from(
    ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "BEGIN:VTODO", "END:VCALENDAR", "SUMMARY:a", "x",
     "DTSTART:2025", "DTSTART:20251206T170000Z", "DTEND:00010101", "DURATION:-P1W", "RRULE:FREQ=DAILY;BYDAY=0MO", "ATTENDEE;CN=x:y",
     "GEO:", " folded", "", "RDATE:19960403T020000Z/PT5H,1", "DESCRIPTION;ENCODING=QUOTED-PRINTABLE:=C3=", "=A9=", ";:", "ATTACH:CID:1",
     "CLASS;a;b=:c", "BEGIN:VCARD", "END:VCARD", "FN:a", "N:;;", "BDAY:--0203", "ADR:;;", "AGENT:", "X-ANDROID-CUSTOM:a")
)  # fmt: skip


@given(st.lists(LINES | st.text(max_size=12), max_size=30), st.sampled_from((CALENDAR, VCARD)))
def test_any_content_gives_elements_or_says_that_there_are_none(lines: list[str], media_type: str) -> None:
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    codes: list[str] = []
    try:
        found = list(elements_of(open_source(content), media_type))
    except DocumentError as error:
        found, codes = [], [error.code]
    assert found or codes == ["empty"]
