"""Databases of Palm, which Kindle's books still are: records, and texts that are packed in them.

Belongs here: taking the file apart, and the three ways in which its text is packed (MobileRead's wiki, "PDB", "PalmDOC", "MOBI"). Not
here: what a record means (``kindle``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from rag_pipeline.errors import DocumentError

PLAIN, PALM_DOC, HUFFMAN = 1, 2, 17480
"""How a text is packed."""
_COUNT_AT, _LIST_AT, _ENTRY_BYTES = 76, 78, 8
_DEEPEST_PHRASE = 32
"""Phrases are made of phrases; of a file that nests them without end nothing is read."""
_LARGEST_RECORD = 1 << 20
"""What a record of text unpacks to: 4,096 bytes as all programs write it, 65,535 as far as the header can say."""


def records_of(content: bytes) -> list[bytes]:
    """All records of a database; one whose place is not in the file is empty.

    Raises:
        DocumentError: its list of records is cut off, or out of order (``damaged``).
    """
    count = int.from_bytes(content[_COUNT_AT:_LIST_AT], "big")
    listed = content[_LIST_AT : _LIST_AT + count * _ENTRY_BYTES]
    if not count or len(listed) < count * _ENTRY_BYTES:
        raise damaged("the list of its records is cut off")
    starts = [struct.unpack_from(">I", listed, place)[0] for place in range(0, len(listed), _ENTRY_BYTES)]
    if starts != sorted(starts):
        raise damaged("the list of its records is out of order")
    return [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]


def damaged(why: str) -> DocumentError:
    """The error of a book that cannot be taken apart; ``why`` goes on with the sentence."""
    return DocumentError("damaged", f"The book is damaged: {why}. Fetch it again, or convert it to EPUB.")


def unpacked(packed: bytes) -> bytes:
    """A record of a text that is packed by PalmDOC's method: bytes, repetitions of what stands before, and letters behind blanks."""
    found, place = bytearray(), 0
    while place < len(packed):
        byte = packed[place]
        place += 1
        if 1 <= byte <= 8:
            found += packed[place : place + byte]
            place += byte
        elif byte < 0x80:
            found.append(byte)
        elif byte >= 0xC0:
            found += bytes((0x20, byte ^ 0x80))
        elif place < len(packed):
            pair = byte << 8 | packed[place]
            place += 1
            distance, length = pair >> 3 & 0x7FF, (pair & 7) + 3
            if not 0 < distance <= len(found):
                raise damaged("its text repeats what it does not hold")
            for _ in range(length):  # which may reach into what it writes itself
                found.append(found[-distance])
    return bytes(found)


def huffman_unpacker(records: Sequence[bytes]) -> Callable[[bytes], bytes]:
    """What unpacks records by Mobipocket's method: codes of up to 32 bits stand for phrases, which may be packed themselves.

    Args:
        records: the one with the codes (``HUFF``), and those with the phrases (``CDIC``).

    Raises:
        DocumentError: they are none of these (``damaged``).
    """
    if not records or records[0][:4] != b"HUFF" or any(one[:4] != b"CDIC" for one in records[1:]):
        raise damaged("what its words are packed with is missing")
    try:
        return _Huffman(records).unpacked
    except struct.error:
        raise damaged("what its words are packed with is cut off") from None


class _Huffman:
    def __init__(self, records: Sequence[bytes]) -> None:
        by_first_byte, by_length = struct.unpack_from(">II", records[0], 8)
        self._by_first_byte = struct.unpack_from(">256I", records[0], by_first_byte)
        bounds = struct.unpack_from(">64I", records[0], by_length)
        self._least, self._most = (0, *bounds[0::2]), (0, *bounds[1::2])
        self._phrases: list[tuple[bytes, bool]] = []
        for record in records[1:]:
            self._take_phrases(record)

    def _take_phrases(self, record: bytes) -> None:
        total, bits = struct.unpack_from(">II", record, 8)
        for number in range(min(1 << min(bits, 16), total - len(self._phrases))):
            start = 16 + struct.unpack_from(">H", record, 16 + 2 * number)[0]
            size = struct.unpack_from(">H", record, start)[0]
            self._phrases.append((record[start + 2 : start + 2 + (size & 0x7FFF)], not size & 0x8000))

    def unpacked(self, packed: bytes, depth: int = 0) -> bytes:
        """A record, or a phrase."""
        if depth > _DEEPEST_PHRASE:
            raise damaged("its phrases hold each other")
        found, bits, left = bytearray(), int.from_bytes(packed + bytes(8), "big"), 8 * len(packed)
        shift = left + 32  # of the next 32 bits, from the end
        while left > 0:
            window = bits >> shift & 0xFFFFFFFF
            length, number = self._code(window)
            left -= length
            shift -= length
            if left < 0:
                break
            if number >= len(self._phrases) or len(found) > _LARGEST_RECORD:
                raise damaged("its words are packed by codes that mean nothing")
            phrase, is_packed = self._phrases[number]
            if is_packed:
                self._phrases[number] = b"", False  # while it is unpacked: one that holds itself ends
                phrase = self.unpacked(phrase, depth + 1)
                self._phrases[number] = phrase, False
            found += phrase
        return bytes(found)

    def _code(self, window: int) -> tuple[int, int]:
        """How many of the next 32 bits are a code, and the number of its phrase."""
        entry = self._by_first_byte[window >> 24]
        length, ends, most = entry & 0x1F, entry & 0x80, entry >> 8
        if not length:
            raise damaged("its words are packed by codes that mean nothing")
        if ends:
            most = (most + 1 << 32 - length) - 1
        else:
            while length < 32 and window < self._least[length] << 32 - length:
                length += 1
            most = (self._most[length] + 1 << 32 - length) - 1
        if most < window:
            raise damaged("its words are packed by codes that mean nothing")
        return length, most - window >> 32 - length
