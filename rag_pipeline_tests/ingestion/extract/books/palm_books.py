"""Books for Kindle and texts for Palm, written as MobileRead's wiki describes them ("PDB", "PalmDOC", "MOBI", "KF8").

Belongs here: writing them. Books of version 6, packed in each of the ways, are the same words to calibre 6.13.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

NONE = 0xFFFFFFFF
RECORD_BYTES = 4096
PLAIN, PALM_DOC, HUFFMAN = 1, 2, 17480


def database(kind: bytes, records: Sequence[bytes]) -> bytes:
    start = 78 + 8 * len(records) + 2
    places = [start + sum(map(len, records[:number])) for number in range(len(records))]
    head = b"a_book".ljust(32, b"\0") + bytes(28) + kind + bytes(8) + struct.pack(">H", len(records))
    return head + b"".join(struct.pack(">II", place, number) for number, place in enumerate(places)) + bytes(2) + b"".join(records)


def palm_doc(text: bytes) -> bytes:
    """Packed: repetitions of three to ten bytes, letters behind blanks, bytes as they are and others behind their count."""
    packed, place = bytearray(), 0
    while place < len(text):
        length = next((size for size in range(10, 2, -1) if text.rfind(text[place : place + size], max(place - 2047, 0), place) >= 0), 0)
        length = min(length, len(text) - place)
        if length > 2:
            distance = place - text.rfind(text[place : place + length], max(place - 2047, 0), place)
            packed += struct.pack(">H", 0x8000 | distance << 3 | length - 3)
            place += length
        elif text[place] == 0x20 and 0x40 <= (text[place + 1] if place + 1 < len(text) else 0) < 0x80:
            packed.append(text[place + 1] ^ 0x80)
            place += 2
        elif text[place] == 0 or 9 <= text[place] < 0x80:
            packed.append(text[place])
            place += 1
        else:
            packed += bytes((1, text[place]))
            place += 1
    return bytes(packed)


def huffman(texts: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Packed texts, and the records ``HUFF`` and ``CDIC``.

    Phrases are bytes; the last stands for ``the `` and is packed itself. They have codes of 8 or 9 bits.
    Codes of a length go down where the numbers of their phrases go up.
    """
    letters = sorted({byte for text in texts for byte in text})
    phrases = [bytes((letter,)) for letter in letters]
    # Phrases 0 to 19 have codes of 8 bits from 255 down; those after, codes of 9 bits below these.
    short = 20
    least_short = 256 - short
    codes = {number: (8, 255 - number) for number in range(short)}
    most_long = least_short * 2 - 1
    codes |= {number: (9, most_long - (number - short)) for number in range(short, short + 160)}

    def packed(text: bytes) -> bytes:
        bits, place = "", 0
        while place < len(text):
            number = len(phrases) if text.startswith(b"the ", place) and use_phrase else letters.index(text[place])
            place += 4 if number == len(phrases) else 1
            length, code = codes[number]
            bits += f"{code:0{length}b}"
        return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big") if bits else b""

    use_phrase = False
    inner = packed(b"the ")
    use_phrase = True
    entries = [(phrase, 0x8000) for phrase in phrases] + [(inner, 0)]
    offsets, data = b"", b""
    for phrase, mark in entries:
        offsets += struct.pack(">H", 2 * len(entries) + len(data))
        data += struct.pack(">H", len(phrase) | mark) + phrase
    cdic = b"CDIC" + struct.pack(">III", 16, len(entries), 9) + offsets + data
    # Of each first byte: the length of its code, whether it ends there, and the highest code of that length plus the number it has.
    first = [(8 | 0x80 | 255 << 8) if byte >= least_short else 9 for byte in range(256)]
    bounds = [(0, 0)] * 32
    bounds[7] = (least_short, 255)
    bounds[8] = (0, most_long + short)
    by_length = b"".join(struct.pack(">II", *bound) for bound in bounds)
    huff = b"HUFF" + struct.pack(">IIIII", 24, 24, 24 + 1024, 0, 0) + struct.pack(">256I", *first) + by_length
    return [packed(text) for text in texts], [huff, cdic]


def _index(tags: Sequence[tuple[int, int, int]], entries: Sequence[tuple[bytes, Sequence[int]]]) -> list[bytes]:
    """An index of one record behind its head; every entry has all tags (tag, values, mask)."""

    def number(value: int) -> bytes:
        digits = [value & 0x7F | 0x80]
        while value := value >> 7:
            digits.insert(0, value & 0x7F)
        return bytes(digits)

    control = sum(mask & -mask for *_, mask in tags)
    table = b"".join(bytes((tag, values, mask, 0)) for tag, values, mask in tags) + bytes((0, 0, 0, 1))
    tagx = b"TAGX" + struct.pack(">II", 12 + len(table), 1) + table
    head = b"INDX" + struct.pack(">I", 192) + bytes(8) + struct.pack(">IIIII", 2, 192 + len(tagx), 1, 65001, NONE)
    head = (head + struct.pack(">I", len(entries))).ljust(180, b"\0") + struct.pack(">I", 192)
    body, places = b"", b""
    for label, values in entries:
        places += struct.pack(">H", 192 + len(body))
        body += bytes((len(label),)) + label + bytes((control,)) + b"".join(map(number, values))
    record = b"INDX" + struct.pack(">I", 192) + bytes(12) + struct.pack(">II", 192 + len(body), len(entries))
    return [head.ljust(192, b"\0") + tagx, record.ljust(192, b"\0") + body + b"IDXT" + places]


def _header(version: int, code_page: int, said: dict[int, int], properties: Sequence[tuple[int, bytes]], title: bytes) -> bytes:
    exth = b"".join(struct.pack(">II", kind, 8 + len(value)) + value for kind, value in properties)
    exth = b"EXTH" + struct.pack(">II", 12 + len(exth), len(properties)) + exth
    fields = dict.fromkeys(range(16, 16 + 264, 4), NONE)
    fields |= {20: 264, 24: 2, 28: code_page, 32: 1, 36: version, 84: 16 + 264 + len(exth), 88: len(title), 104: version, 128: 0x40, 240: 0}
    fields |= {112: 0, 116: 0, 120: 0, 124: 0, **said}
    head = b"MOBI" + b"".join(struct.pack(">I", fields[place]) for place in range(20, 16 + 264, 4))
    return head + exth + title + bytes(2)


def book(
    text: bytes,
    packing: int = PALM_DOC,
    *,
    encryption: int = 0,
    code_page: int = 65001,
    behind: bytes = b"",
    properties: Sequence[tuple[int, bytes]] = (),
    title: bytes = b"Title",
) -> bytes:
    """A book of version 6, whose text is one page of HTML; ``behind`` stands behind each record of it, with its size."""
    pieces = [text[place : place + RECORD_BYTES] for place in range(0, len(text), RECORD_BYTES)]
    tables: list[bytes] = []
    if packing == HUFFMAN:
        packed, tables = huffman(pieces)
    else:
        packed = [palm_doc(piece) if packing == PALM_DOC else piece for piece in pieces]
    said = {112: 1 + len(packed), 116: len(tables), 240: 2 if behind else 0} if tables else {240: 2 if behind else 0}
    packed = [one + (behind + bytes((0x80 | len(behind) + 1,)) if behind else b"") for one in packed]
    head = struct.pack(">HHIHHHH", packing, 0, len(text), len(packed), RECORD_BYTES, encryption, 0)
    end = [b"\xe9\x8e\r\n"]
    return database(b"BOOKMOBI", [head + _header(6, code_page, said, properties, title), *packed, *tables, *end])


def book_of_pages(pages: Sequence[tuple[bytes, Sequence[bytes]]], styles: bytes = b"") -> bytes:
    """A book of version 8: each page is a frame with one place (``@``), and the parts that stand there."""
    text, frames, parts = b"", [], []
    for frame, pieces in pages:
        place = frame.index(b"@")
        start, plain = len(text), frame.replace(b"@", b"")
        frames.append((b"SKEL%010d" % len(frames), (len(pieces), len(pieces), start, len(plain), start, len(plain))))
        inserted = 0
        for piece in pieces:
            parts.append((b"%010d" % (start + place + inserted), (0, len(frames) - 1, len(parts), inserted, len(piece))))
            inserted += len(piece)
        text += plain + b"".join(pieces)
    end_of_text = len(text)
    text += styles
    packed = [palm_doc(text[place : place + RECORD_BYTES]) for place in range(0, len(text), RECORD_BYTES)]
    flows = b"FDST" + struct.pack(">II", 12, 2) + struct.pack(">4I", 0, end_of_text, end_of_text, len(text))
    records = [*packed, flows, *_frames_index(frames), *_index([(2, 1, 1), (3, 1, 2), (4, 1, 4), (6, 2, 8)], parts)]
    first = 1 + len(packed)
    said = {192: first, 196: 2, 252: first + 1, 248: first + 3}
    head = struct.pack(">HHIHHHH", PALM_DOC, 0, len(text), len(packed), RECORD_BYTES, 0, 0)
    return database(b"BOOKMOBI", [head + _header(8, 65001, said, (), b"Title"), *records, b"\xe9\x8e\r\n"])


def _frames_index(frames: Sequence[tuple[bytes, Sequence[int]]]) -> list[bytes]:
    """Each value of a frame stands twice, as the makers of Kindle write it: two bits of the control byte for each tag count them."""
    head, record = _index([(1, 1, 3), (6, 2, 12)], frames)
    twice = bytes((2 | 2 << 2,))
    once = bytes((1 | 1 << 2,))
    for label, _ in frames:
        record = record.replace(label + once, label + twice)
    return [head, record]
