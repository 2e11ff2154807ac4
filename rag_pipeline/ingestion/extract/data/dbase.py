"""Tables of dBase, FoxPro and Clipper, which geographic programs keep beside their shapes too: ``.dbf``.

Belongs here: the header, the fields and the records of such a file ("Xbase File Format Description" by E. Bachmann; the table file
structures of dBASE 7 and Visual FoxPro as their makers describe them). Not here: how a table is written (``tables``).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, code_page_encoding, decode_leniently, encoding_of
from rag_pipeline.ingestion.extract.data.tables import named_rows
from rag_pipeline.ingestion.extract.office.number_formats.codes import in_full
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_HEADER = struct.Struct("<B3xIHH")
_FIELD, _FIELD_OF_DBASE_7 = struct.Struct("<11sc4xBB14x"), struct.Struct("<32scBB13x")
_FIELDS_AT, _FIELDS_OF_DBASE_7_AT = 32, 68
_LEVEL, _DBASE_7 = 7, 4
_HEADER_ENDS, _TABLE_ENDS = b"\r", 0x1A
_POINTER_BYTES = 10
_DELETED = ord("*")
_LANGUAGE_AT = 29
_SAMPLE_BYTES = 1 << 18
_DAY_ZERO = 1_721_425
"""The Julian day before the first of January of the year 1, from which Python counts."""
_CODE_PAGES = {
    437: (0x01, 0x09, 0x0B, 0x0D, 0x0F, 0x11, 0x15, 0x18, 0x19, 0x1B),
    737: (0x6A, 0x86),
    850: (0x02, 0x0A, 0x0E, 0x10, 0x12, 0x14, 0x16, 0x1A, 0x1D, 0x25, 0x37),
    852: (0x1F, 0x22, 0x23, 0x40, 0x64, 0x87),
    857: (0x6B, 0x88),
    860: (0x24,),
    861: (0x67,),
    863: (0x1C, 0x6C),
    865: (0x08, 0x17, 0x66),
    866: (0x26, 0x65),
    874: (0x50, 0x7C),
    932: (0x13, 0x7B),
    936: (0x4D, 0x7A),
    949: (0x4E, 0x79),
    950: (0x4F, 0x78),
    1250: (0xC8,),
    1251: (0xC9,),
    1252: (0x03, 0x57, 0x58, 0x59),
    1253: (0xCB,),
    1254: (0xCA,),
    1255: (0x7D,),
    1256: (0x7E,),
    1257: (0xCC,),
    10000: (0x04,),
    10006: (0x98,),
    10007: (0x96,),
    10029: (0x97,),
}
"""The language drivers of dBase and FoxPro by the code pages that they write in."""
_ENCODINGS = {driver: code_page_encoding(page) for page, drivers in _CODE_PAGES.items() for driver in drivers}
_ELSEWHERE = "In a file beside this one (.dbt or .fpt), which is not read, is what stands in the column"
_IN_ANOTHER_FILE = "MGP"
"""Kinds of fields whose content a file beside this one holds: texts, and what other programs put in."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A column: its name, the letter of its kind, where it begins in a record, how many bytes it has."""

    name: bytes
    kind: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Header:
    records: int
    records_at: int
    record_size: int
    driver: int
    fields: tuple[_Field, ...]


def read_dbase(source: Source) -> Iterator[Element]:
    """The records of a table, named by its columns, in tables of a bounded size; records that were deleted are left out.

    Texts are in UTF-8 where they can be nothing else, in the code page that the file names (its language driver), and where it names
    none in the one that they look like.

    Raises:
        DocumentError: ``damaged``.
    """
    header = _header(source)
    encoding = _encoding(source, header)
    shown = [field for field in header.fields if field.kind != "0"]  # which of the others hold nothing
    names = [clean_text(decode_leniently(field.name, encoding)) for field in shown]
    elsewhere: set[_Field] = set()
    yield from named_rows(names, _rows(source, header, shown, encoding, elsewhere))
    if elsewhere:
        columns = ", ".join(name for name, field in zip(names, shown, strict=True) if field in elsewhere)
        source.notes.append(f"{_ELSEWHERE} {columns}. Open the table in its program and save it as .csv or .xlsx.")


def _header(source: Source) -> _Header:
    head = source.stream.read(_HEADER.size)
    try:
        kind, records, records_at, record_size = _HEADER.unpack(head)
    except struct.error:
        raise _damaged("its header is cut off") from None
    content = head + source.stream.read(max(records_at - len(head), 0))
    if len(content) <= _FIELDS_AT:
        raise _damaged("its header is cut off")
    fields = tuple(_fields(content, _FIELD, _FIELDS_AT, record_size))
    if kind & _LEVEL == _DBASE_7:
        longer = tuple(_fields(content, _FIELD_OF_DBASE_7, _FIELDS_OF_DBASE_7_AT, record_size))
        fields = longer if 1 + sum(field.size for field in longer) == record_size else fields  # dBase IV wrote the same byte now and then
    if not fields:
        raise _damaged("it names no columns")
    if fields[-1].start + fields[-1].size > record_size:
        raise _damaged("its columns are wider than its records")
    return _Header(records, records_at, record_size, content[_LANGUAGE_AT], fields)


def _fields(content: bytes, layout: struct.Struct, first: int, record_size: int) -> Iterator[_Field]:
    start = 1  # behind the byte that marks deleted records
    for place in range(first, len(content) - layout.size + 1, layout.size):
        if content[place : place + 1] == _HEADER_ENDS:
            return
        name, letter, size, decimals = layout.unpack_from(content, place)
        if letter == b"C" and start + size + (decimals << 8) <= record_size:
            size += decimals << 8  # a text may be longer than a byte can count (Clipper, FoxPro)
        kind = letter.decode("latin-1")
        if kind == "B" and size == _POINTER_BYTES:
            kind = "M"  # of dBase V; a number in FoxPro
        elif kind == "I" and layout is _FIELD_OF_DBASE_7:
            kind = "+"
        yield _Field(name.split(b"\0")[0].strip(), kind, start, size)
        start += size


def _damaged(why: str) -> DocumentError:
    return DocumentError("damaged", f"The table is damaged: {why}. Open it in its program and save it again.")


def _records(source: Source, header: _Header) -> Iterator[bytes]:
    """Whole records that are not deleted; a file that ends before all that it counts is noted."""
    source.stream.seek(header.records_at)
    for number in range(header.records):
        record = source.stream.read(header.record_size)
        if len(record) < header.record_size or record[0] == _TABLE_ENDS:
            note = f"It ends after {number:,} of its {header.records:,} records."
            source.notes += [note] if note not in source.notes else []
            return
        if record[0] != _DELETED:
            yield record


def _encoding(source: Source, header: _Header) -> str:
    sample, size = io.BytesIO(), 0
    sample.write(b" ".join(field.name for field in header.fields) + b"\n")
    texts = [field for field in header.fields if field.kind in "CV"]
    for record in _records(source, header) if texts else ():
        for field in texts:
            size += sample.write(record[field.start : field.start + field.size].strip(b" \0") + b"\n")
        if size > _SAMPLE_BYTES:
            break
    return encoding_of(sample.getvalue(), _ENCODINGS.get(header.driver))


def _rows(source: Source, header: _Header, fields: Sequence[_Field], encoding: str, elsewhere: set[_Field]) -> Iterator[Sequence[str]]:
    """The cells of each record; fields whose content another file holds are empty, and put into ``elsewhere``."""
    for record in _records(source, header):
        cells = []
        for field in fields:
            content = record[field.start : field.start + field.size]
            if field.kind in _IN_ANOTHER_FILE:
                elsewhere.update([field] if content.strip(b" 0\0" if field.size == _POINTER_BYTES else b"\0") else [])
                content = b""
            cells.append(_value(field.kind, content, encoding))
        yield cells


def _value(kind: str, content: bytes, encoding: str) -> str:
    """What a field says: numbers with all their digits, dates in ISO form; as it is written where it is no value of its kind."""
    if kind in _BINARY:
        with suppress(struct.error, OverflowError, ValueError):
            return _BINARY[kind](content)
    if kind == "V" and content and content[-1] < len(content) and not content[content[-1] : -1].strip(b" \0"):
        content = content[: content[-1]]  # of varying length (FoxPro): the last byte says which
    text = clean_text(decode_leniently(content, encoding)).strip()
    if kind == "D" and len(text) == 8 and text.isdecimal():
        with suppress(ValueError):
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    if kind == "L":
        return {"T": "TRUE", "Y": "TRUE", "F": "FALSE", "N": "FALSE", "?": ""}.get(text.upper(), text)
    return text


def _whole(content: bytes) -> str:
    return str(struct.unpack("<i", content)[0])


def _whole_of_dbase_7(content: bytes) -> str:
    """Counted from the least one, so that the bytes are in the order of the numbers."""
    return str(struct.unpack(">I", content)[0] - 0x80000000) if any(content) else ""


def _double(content: bytes) -> str:
    return in_full(struct.unpack("<d", content)[0])


def _double_of_dbase_7(content: bytes) -> str:
    """With its sign turned, and all bits of a negative one, so that the bytes are in the order of the numbers."""
    if not any(content):
        return ""
    bits = int.from_bytes(content, "big")
    bits = bits ^ (1 << 63) if bits >> 63 else bits ^ 0xFFFFFFFFFFFFFFFF
    return in_full(struct.unpack(">d", bits.to_bytes(8, "big"))[0])


def _currency(content: bytes) -> str:
    """In ten-thousandths."""
    number = struct.unpack("<q", content)[0]
    whole, rest = divmod(abs(number), 10_000)
    return f"{'-' if number < 0 else ''}{whole}{f'.{rest:04d}'.rstrip('0') if rest else ''}"


def _moment(content: bytes) -> str:
    """A Julian day and the milliseconds of the day."""
    day, milliseconds = struct.unpack("<ii", content)
    if not day:
        return ""
    moment = datetime.fromordinal(day - _DAY_ZERO) + timedelta(milliseconds=milliseconds)
    return moment.date().isoformat() if not milliseconds else moment.isoformat(" ", "seconds")


_BINARY: dict[str, Callable[[bytes], str]] = {
    "I": _whole,
    "B": _double,
    "O": _double_of_dbase_7,
    "+": _whole_of_dbase_7,
    "Y": _currency,
    "T": _moment,
}
