"""Content lines, of which iCalendar and vCard both consist (RFC 5545, 3.1; RFC 6350, 3.2 and 3.3; vCard 2.1, 2.1).

Belongs here: folded lines, names, parameters, escapes, encoded values. Not here: what a property means.
"""

from __future__ import annotations

import io
import os
import quopri
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from rag_pipeline.ingestion.extract.data.decoding import decode_text, text_lines
from rag_pipeline.ingestion.extract.data.plain_text import line_paragraphs
from rag_pipeline.models import Element

_READ_WHOLE_BYTES = 32 * 1024 * 1024
_TORN_CHARACTER = re.compile(rb"(?<=[\x80-\xff])\r?\n[ \t](?=[\x80-\xbf])")
"""Lines are folded by bytes, so that some programs fold within a character (RFC 5545, 3.1)."""
_CHARSET = re.compile(rb";charset=\"?([\w.:-]{1,40})", re.IGNORECASE)
_BEGIN = re.compile(r"\s*BEGIN\s*:", re.IGNORECASE)
_NAME = re.compile(r"(?:([A-Za-z0-9_-]+)\.)?([A-Za-z][A-Za-z0-9-]*)(?=[;:])")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]*)\s*(?:=((?:"[^"]*"|[^;:])*+))?')
"""A quotation mark that nobody closed is a character like others."""
_END = re.compile(r"END:V", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\\;,:\"nN])")
_ESCAPED_WITHOUT_BREAKS = re.compile(r"\\([\\;,:\"])")
_CHARACTER = re.compile(r"\\.|[^\\]+?|\\", re.DOTALL)
_CARETS = {"^n": "\n", "^N": "\n", "^'": '"', "^^": "^"}
_CARET = re.compile(r"\^[nN'^]")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """A property as it is written, its escapes still in the value; with an empty name a line of text that is none.

    Attributes:
        name: in capital letters.
        value: decoded where it was quoted-printable.
        parameters: by name in capital letters; where one is given several times their values are joined by commas.
        bare: parameters without a name, as vCard 2.1 has them, in capital letters.
        group: what joins this property to others (RFC 6350, 3.3), in small letters.
    """

    name: str
    value: str
    parameters: dict[str, str] = field(default_factory=dict)
    bare: tuple[str, ...] = ()
    group: str = ""


def read_content_lines(
    stream: BinaryIO, known: frozenset[str], read: Callable[[Iterator[ContentLine]], Iterator[Element]]
) -> Iterator[Element]:
    """What ``read`` makes of the content lines of a file; what stands before the first BEGIN, or all where there is none, as paragraphs.

    Args:
        stream: the file.
        known: names of properties in capital letters: a line that begins like one, and has none of them, may be text.
        read: the reader of a format.
    """
    lines = _physical_lines(stream)
    begin: list[str] = []
    yield from (Element("NarrativeText", part) for part in line_paragraphs(_before_begin(lines, begin)))
    yield from read(content_lines(chain(begin, lines), known))


def _physical_lines(stream: BinaryIO) -> Iterator[str]:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size > _READ_WHOLE_BYTES:
        return text_lines(stream)
    content = _TORN_CHARACTER.sub(b"", stream.read())
    declared = _CHARSET.search(content)
    return iter(io.StringIO(decode_text(content, declared[1].decode("latin-1") if declared else None), newline=None))


def _before_begin(lines: Iterator[str], begin: list[str]) -> Iterator[str]:
    for line in lines:
        if _BEGIN.match(line):
            begin.append(line)
            return
        yield line


def content_lines(lines: Iterable[str], known: frozenset[str]) -> Iterator[ContentLine]:
    """The properties in lines of text, and the lines that are none: programs break long texts without folding them."""
    for line in _unfolded(lines):
        yield _content_line(line, known) or ContentLine("", line.strip())


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    pieces: list[str] = []
    soft = False
    for line in (line.rstrip("\n") for line in lines):
        if soft and pieces[-1].endswith("=") and not _END.match(line):  # a soft line break of quoted-printable, which no blank need follow
            pieces[-1] = pieces[-1][:-1]
            pieces.append(line)
        elif pieces and line[:1] in (" ", "\t"):
            pieces.append(line[1:])
        elif line.strip():
            if pieces:
                yield "".join(pieces)
            pieces, soft = [line.lstrip()], "QUOTED-PRINTABLE" in line.partition(":")[0].upper()
    if pieces:
        yield "".join(pieces)


def _content_line(line: str, known: frozenset[str]) -> ContentLine | None:
    named = _NAME.match(line)
    if named is None:
        return None
    place, parameters, bare = _parameters(line, named.end())
    value, name = line[place + 1 :], named[2].upper()
    if line[place : place + 1] != ":" or not _is_property(named[2], value, known):
        return None
    encoding = {parameters.get("ENCODING", "").upper(), *bare}
    if "QUOTED-PRINTABLE" in encoding:
        decoded = quopri.decodestring(value.encode("utf-8"))
        value = decode_text(decoded, parameters.get("CHARSET")).replace("\r\n", "\n").replace("\r", "\n")
    return ContentLine(name, value, parameters, bare, (named[1] or "").lower())


def _is_property(name: str, value: str, known: frozenset[str]) -> bool:
    """Whether a line is meant as a property: ``Location: behind the house`` is a line of a description that was not folded."""
    if name.upper() in known or name.upper().startswith("X-"):
        return name in (name.upper(), name.lower()) or not value.startswith(" ")
    return name == name.upper() and not value.startswith(" ")


def _parameters(line: str, place: int) -> tuple[int, dict[str, str], tuple[str, ...]]:
    parameters: dict[str, str] = {}
    bare: list[str] = []
    while found := _PARAMETER.match(line, place):
        name, value, place = found[1].upper(), found[2], found.end()
        if value is None:
            bare.append(name)
        else:
            said = _CARET.sub(lambda caret: _CARETS[caret[0]], value.replace('"', "").strip())  # RFC 6868
            parameters[name] = f"{parameters[name]},{said}" if name in parameters else said
    return place, parameters, tuple(bare)


def unescaped(value: str, *, breaks: bool = True) -> str:
    """A text without its escapes; ``breaks``: whether ``\\n`` is a line break, which it is not in vCard 2.1."""
    pattern = _ESCAPED if breaks else _ESCAPED_WITHOUT_BREAKS
    return pattern.sub(lambda escape: "\n" if escape[1] in "nN" else escape[1], value).strip()


def parts_of(value: str, separator: str) -> list[str]:
    """What stands between separators that are not escaped, its escapes still in it."""
    if "\\" not in value:
        return value.split(separator)
    parts: list[list[str]] = [[]]
    for character in _CHARACTER.findall(value):
        if character == separator:
            parts.append([])
        else:
            parts[-1].append(character)
    return ["".join(part) for part in parts]


def one_line(text: str, between: str = " ") -> str:
    """A text on a line of its own: a fact stands on one, whatever its writer broke."""
    return between.join(" ".join(line.split()).rstrip(",") for line in text.split("\n") if line.strip(" ,"))


def fact_of(subject: str, fact: str) -> str:
    """A fact with what it is of, as rows of tables are quoted: a passage holds several entries, and a quoted line names its own."""
    return f"{subject}; {fact}" if subject else fact
