"""Indexes in Kindle's books, and the pages that two of them tell (MobileRead's wiki, "MOBI", "KF8").

Belongs here: the entries of an index, and putting pages together from them. Not here: the text itself (``kindle``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress

_TABLE_AT, _COUNT_AT = 20, 24
_PLACE = 6
"""The tag whose values are where something begins and how long it is."""
_PARTS = 1
"""The tag whose value is how many parts a page has."""


def pages_of(text: bytes, records: Sequence[bytes], frames: int, parts: int) -> list[bytes]:
    """The pages of a book, each a frame into which its parts are put where they belong.

    Args:
        text: frames, each followed by its parts.
        records: of the database.
        frames: which record the index of frames begins with.
        parts: the same of parts.

    Returns:
        Pages; the text as it is where its indexes cannot be read.
    """
    found: list[bytes] = []
    with suppress(struct.error, IndexError, ValueError, KeyError):
        waiting = iter(list(_entries(records, parts)))
        for _, said in _entries(records, frames):
            start, length = said[_PLACE][:2]
            place, page = start + length, text[start : start + length]
            for label, part in (next(waiting) for _ in range(said[_PARTS][0])):
                end = place + part[_PLACE][1]
                inserted = int(label) - start
                if not 0 <= inserted <= len(page):
                    raise ValueError(label)
                page = page[:inserted] + text[place:end] + page[inserted:]
                place = end
            found.append(page)
        return [*found, text[place:]] if found else [text]
    return [text]


def _entries(records: Sequence[bytes], number: int) -> Iterator[tuple[bytes, dict[int, list[int]]]]:
    """The label and the values, by their tags, of each entry of the index that begins with a record."""
    head = records[number]
    tags = head[struct.unpack_from(">I", head, 4)[0] :]
    if head[:4] != b"INDX" or tags[:4] != b"TAGX":
        raise ValueError(number)
    end, control_bytes = struct.unpack_from(">II", tags, 4)
    described = [tags[place : place + 4] for place in range(12, end, 4)]
    for record in records[number + 1 : number + 1 + struct.unpack_from(">I", head, _COUNT_AT)[0]]:
        table, count = struct.unpack_from(">II", record, _TABLE_AT)
        for place in struct.unpack_from(f">{count}H", record, table + 4):
            label = record[place + 1 : place + 1 + record[place]]
            yield label, _values(record, place + 1 + len(label), described, control_bytes)


def _values(record: bytes, place: int, described: Sequence[bytes], control_bytes: int) -> dict[int, list[int]]:
    """Control bytes say how often each tag is there; where all bits of a tag's mask are set, its values say how many bytes they take."""
    control, place = place, place + control_bytes
    wanted: list[tuple[int, int, int]] = []
    for tag, size, mask, ends in described:
        if ends:
            control += 1
            continue
        count = record[control] & mask
        if count and count == mask and mask.bit_count() > 1:
            length, place = _number(record, place)
            wanted.append((tag, 0, length))
        elif count:
            wanted.append((tag, size * (count // (mask & -mask)), 0))
    values: dict[int, list[int]] = {}
    for tag, count, length in wanted:
        end = place + length
        while count > 0 or place < end:
            value, place = _number(record, place)
            values.setdefault(tag, []).append(value)
            count -= 1
    return values


def _number(record: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, of which the last has its eighth set; and the place behind it."""
    value = 0
    while True:
        byte = record[place]
        value, place = value << 7 | byte & 0x7F, place + 1
        if byte & 0x80:
            return value, place
