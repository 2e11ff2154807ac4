"""vCards: persons and organisations, each under its name, what is known of them as facts that people read.

Belongs here: what the properties of vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350) mean. Not here: lines, dates (beside it), pictures, keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from rag_pipeline.ingestion.extract.calendar.content_lines import ContentLine, fact_of, one_line, parts_of, read_content_lines, unescaped
from rag_pipeline.ingestion.extract.calendar.dates import birthday_words
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_LABELS = {
    "NICKNAME": "Nickname", "X-NICKNAME": "Nickname", "X-MAIDENNAME": "Maiden name", "X-PHONETIC-FIRST-NAME": "Phonetic first name",
    "X-PHONETIC-LAST-NAME": "Phonetic last name", "KIND": "Kind", "X-ADDRESSBOOKSERVER-KIND": "Kind", "ORG": "Organization",
    "TITLE": "Title", "ROLE": "Role", "TEL": "Phone", "EMAIL": "E-mail", "IMPP": "Messages", "X-SKYPE": "Skype",
    "X-SKYPE-USERNAME": "Skype", "X-JABBER": "Jabber", "X-AIM": "AIM", "X-ICQ": "ICQ", "X-MSN": "MSN", "X-YAHOO": "Yahoo", "X-QQ": "QQ",
    "X-TWITTER": "Twitter", "X-SOCIALPROFILE": "Profile", "SOCIALPROFILE": "Profile", "ADR": "Address", "LABEL": "Address",
    "URL": "Website", "BDAY": "Birthday", "BIRTHPLACE": "Place of birth", "ANNIVERSARY": "Anniversary", "X-ANNIVERSARY": "Anniversary",
    "X-EVOLUTION-ANNIVERSARY": "Anniversary", "X-ABDATE": "Date", "DEATHDATE": "Died", "DEATHPLACE": "Place of death", "GENDER": "Gender",
    "LANG": "Language", "TZ": "Time zone", "GEO": "Coordinates", "RELATED": "Related", "X-ABRELATEDNAMES": "Related",
    "X-SPOUSE": "Spouse", "X-EVOLUTION-SPOUSE": "Spouse", "X-MANAGER": "Manager", "X-EVOLUTION-MANAGER": "Manager",
    "X-ASSISTANT": "Assistant", "X-EVOLUTION-ASSISTANT": "Assistant", "AGENT": "Agent", "MEMBER": "Member", "X-DEPARTMENT": "Department",
    "EXPERTISE": "Expertise", "HOBBY": "Hobby", "INTEREST": "Interest", "CATEGORIES": "Categories", "PRONOUNS": "Pronouns",
    "CALURI": "Calendar", "X-ANDROID-CUSTOM": "", "NOTE": "Note",
}  # fmt: skip
_FOR_MACHINES = (
    "BEGIN END VERSION FN N PHOTO LOGO SOUND KEY UID REV PRODID MAILER SOURCE NAME PROFILE SORT-STRING CLASS XML CLIENTPIDMAP FBURL "
    "CALADRURI ORG-DIRECTORY CONTACT-URI CREATED GRAMGENDER LANGUAGE JSPROP"
)
_KNOWN = frozenset((*_FOR_MACHINES.split(), *_LABELS))
_BINARY = ("PHOTO", "LOGO", "SOUND", "KEY")
_DATES = ("BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY", "X-ABDATE", "DEATHDATE")
_OLD_TYPES = (
    "HOME", "WORK", "CELL", "FAX", "PAGER", "MSG", "CAR", "VIDEO", "MODEM", "BBS", "ISDN", "PCS", "DOM", "INTL", "POSTAL", "PARCEL", "PREF",
    "TEXT", "MAIN", "OTHER",
)  # fmt: skip
"""What vCard 2.1 writes without ``TYPE=``; other words there say how the value is encoded."""
_TYPES = {
    "cell": "mobile", "iphone": "iPhone", "pref": "preferred", "text": "text messages", "msg": "messages", "dom": "domestic",
    "intl": "international",
}  # fmt: skip
_UNTOLD_TYPES = frozenset(("voice", "internet", "x400", "uri"))
"""What nearly all telephones and addresses are."""
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_SCHEME = re.compile(r"\s*(tel|mailto|geo|skype|xmpp|aim|icq|msnim|ymsgr|sip|x-apple):", re.IGNORECASE)
_NOBODY = re.compile(r"\s*(?:urn|data):", re.IGNORECASE)
_EXTENSION = re.compile(r";ext=", re.IGNORECASE)
_GENDERS = {"M": "male", "F": "female", "O": "other", "N": "none", "U": "unknown"}
_ANDROID_DATES = {"1": "Anniversary", "3": "Birthday"}


def read_cards(source: Source) -> Iterator[Element]:
    """The cards of a file of any size, each under the name of whom it is about.

    A damaged line costs itself only; a wrong date is given as it is written. A file that has no card is read as text.
    """
    return read_content_lines(source.stream, _KNOWN, _elements)


def _elements(lines: Iterable[ContentLine]) -> Iterator[Element]:
    unfinished: list[list[ContentLine]] = []
    card: list[ContentLine] = []
    for line in lines:
        if line.name == "BEGIN":
            if card and card[-1].name == "AGENT":  # a card within a card (vCard 2.1, 2.4.3)
                unfinished.append(card)
            else:
                yield from _card_elements(card)  # where its end is missing
            card = []
        elif line.name == "END":
            yield from _card_elements(card)
            card = unfinished.pop() if unfinished else []
        elif line.name or not card or card[-1].name not in _BINARY:  # else a picture goes on in letters that are bytes
            card.append(line)
    for left in (card, *reversed(unfinished)):
        yield from _card_elements(left)


def _card_elements(card: list[ContentLine]) -> Iterator[Element]:
    breaks = not any(line.name == "VERSION" and line.value.strip() == "2.1" for line in card)
    name, full = _names(card, breaks)
    labels = {line.group: _APPLE_LABEL.sub(r"\1", unescaped(line.value)) for line in card if line.name == "X-ABLABEL" and line.group}
    addressed = any(line.name == "ADR" and line.value.strip("; ") for line in card)
    facts = [f"Full name: {full}"] if full else []
    notes: list[str] = []
    for line in card:
        if not line.name or line.name == "NOTE":
            notes.append(unescaped(line.value, breaks=breaks))
        elif line.name in _LABELS and not (line.name == "LABEL" and addressed):
            facts.append(_fact(line, labels.get(line.group, ""), breaks))
    notes = [note for note in notes if note]
    facts += ["\n".join((f"Note: {notes[0]}", *notes[1:]))] if notes else []
    said = [fact_of(name, fact) for fact in facts if fact]
    if name or said:
        title = name or "Contact"
        yield Element("Title", title)
        if said:
            yield Element("NarrativeText", "\n".join(dict.fromkeys(said)), heading_path=(title,))


def _names(card: list[ContentLine], breaks: bool) -> tuple[str, str]:
    """How somebody is called, and the name in full where that says more."""
    formatted = next((said for line in card if line.name == "FN" and (said := one_line(unescaped(line.value, breaks=breaks)))), "")
    full = next((said for line in card if line.name == "N" and (said := _full_name(line.value, breaks))), "")
    organized = next((said for line in card if line.name == "ORG" and (said := _joined(line.value, ";", breaks))), "")
    more = set(full.casefold().replace(",", " ").split()) - set(formatted.casefold().replace(",", " ").split())
    return formatted or full or organized, full if formatted and more else ""


def _full_name(value: str, breaks: bool) -> str:
    """Family name, given name, further names, what stands before and behind (RFC 6350, 6.2.2), in the order of speaking."""
    parts = [_joined(part, ",", breaks, " ") for part in parts_of(value, ";")[:5]]
    family, given, further, before, behind = (*parts, *("",) * (5 - len(parts)))
    return " ".join(filter(None, (before, given, further, family, behind)))


def _joined(value: str, separator: str, breaks: bool, between: str = ", ") -> str:
    return between.join(filter(None, (one_line(unescaped(part, breaks=breaks), ", ") for part in parts_of(value, separator))))


def _fact(line: ContentLine, label: str, breaks: bool) -> str:
    """A property as ``Label (types): value``; empty where it says nothing to people."""
    if line.name == "X-ANDROID-CUSTOM":
        return _android_fact(line.value, breaks)
    said = _said(line, breaks)
    types = [label] if label else _types(line)
    kind = f" ({', '.join(types)})" if types else ""
    return f"{_LABELS[line.name]}{kind}: {said}" if said else ""


def _types(line: ContentLine) -> list[str]:
    given = [kind.strip() for kind in line.parameters.get("TYPE", "").split(",") if kind.strip()]
    given += [kind for kind in line.bare if kind in _OLD_TYPES]
    given += ["pref"] if line.parameters.get("PREF", "").strip() == "1" else []
    plain = [kind.lower().removeprefix("x-") for kind in given if kind.lower() not in _UNTOLD_TYPES]
    return list(dict.fromkeys(_TYPES.get(kind, kind) for kind in plain))


def _said(line: ContentLine, breaks: bool) -> str:
    value = line.value.strip()
    if line.name in _DATES:
        written = line.parameters.get("VALUE", "").lower() == "text"
        return unescaped(value) if written else birthday_words(value, line.parameters.get("X-APPLE-OMIT-YEAR", ""))
    if line.name in _SPECIAL:
        return _SPECIAL[line.name](value, breaks)
    if _NOBODY.match(value):  # the card of somebody else, by its number
        return ""
    scheme = _SCHEME.match(value)
    plain = value[scheme.end() :] if scheme else value
    return one_line(_EXTENSION.sub(" ext. ", unescaped(plain, breaks=breaks)), ", ")


def _address(value: str, breaks: bool) -> str:
    """Box, further line, street, town, region, postcode, country (RFC 6350, 6.3.1), as they stand on a letter."""
    parts = [_joined(part, ",", breaks) for part in parts_of(value, ";")]
    box, further, street, town, region, postcode, country = (*parts[:7], *("",) * (7 - len(parts)))
    place = " ".join(filter(None, (postcode, town)))
    return ", ".join(filter(None, (street, further, box, place, region, country)))


def _gender(value: str, breaks: bool) -> str:
    letter, _, words = value.partition(";")
    return ", ".join(filter(None, (_GENDERS.get(letter.strip().upper(), letter.strip()), unescaped(words, breaks=breaks))))


def _coordinates(value: str, breaks: bool) -> str:
    scheme = _SCHEME.match(value)
    plain = value[scheme.end() :] if scheme else value.replace(";", ",")
    return ", ".join(part.strip() for part in plain.split(";")[0].split(","))


_SPECIAL: dict[str, Callable[[str, bool], str]] = {
    "ADR": _address,
    "GENDER": _gender,
    "GEO": _coordinates,
    "ORG": lambda value, breaks: _joined(value, ";", breaks),
    "NICKNAME": lambda value, breaks: _joined(value, ",", breaks),
    "CATEGORIES": lambda value, breaks: _joined(value, ",", breaks),
    "KIND": lambda value, breaks: "" if value.lower() == "individual" else value,
    "X-SKYPE": lambda value, breaks: unescaped(value.removeprefix("skype:"), breaks=breaks),
}


def _android_fact(value: str, breaks: bool) -> str:
    """What Android keeps of a contact beyond vCard 2.1: ``vnd.android.cursor.item/nickname;Bunny;1;;``."""
    kind, *fields = (one_line(unescaped(part, breaks=breaks)) for part in parts_of(value, ";"))
    said, number = (*fields, "", "")[:2]
    label = {"nickname": "Nickname", "relation": "Related", "contact_event": _ANDROID_DATES.get(number, "Date")}.get(
        kind.rpartition("/")[2], ""
    )
    return f"{label}: {birthday_words(said) if 'event' in kind else said}" if label and said else ""
