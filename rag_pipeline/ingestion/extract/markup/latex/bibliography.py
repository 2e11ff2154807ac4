"""BibTeX: a list of sources, each in one line.

Belongs here: entries and their fields. Not here: what stands in a field (``reader``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.markup.latex.reader import latex_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_ENTRY = re.compile(r"@\s*(\w+)\s*([{(])")
_KEY = re.compile(r"\s*([^\s,{}()=]+)\s*,")
_FIELD = re.compile(r"\s*,?\s*([A-Za-z][\w.:+/-]*)\s*=\s*")
_PART = re.compile(r"\s*#?\s*(?:(\d+)|([A-Za-z][\w.:-]*)(?!\s*=)|(?=[{\"]))")
_SIGN = re.compile(r'[{}"]')
_FIRST = ("author", "editor", "booktitle", "journal", "journaltitle", "year", "date")
_UNSEEN = ("file", "owner", "timestamp", "bdsk-file-1", "mendeley-groups", "__markedentry", "crossref", "options", "langid", "hyphenation")
_LONGEST_VALUE = 100_000


def read_bibliography(source: Source) -> Iterator[Element]:
    """Each source as an item: who, what, where, when, and what else is said of it, with the key that texts name it by."""
    text = decode_text(source.stream.read())
    names: dict[str, str] = {}
    place, found_any = 0, False
    while entry := _ENTRY.search(text, place):
        kind = entry[1].lower()
        key = _KEY.match(text, entry.end()) if kind not in ("string", "preamble", "comment") else None
        fields, place = _fields(text, key.end() if key else entry.end(), names)
        if kind == "string":
            names |= fields
        elif key and fields:
            found_any = True
            yield Element("ListItem", _in_words(fields, key[1]))
        elif key:  # no field could be told
            following = _ENTRY.search(text, entry.end())
            place = following.start() if following else len(text)
            yield from paragraphs(text[entry.start() : place])
    if not found_any:
        yield from paragraphs(text)


def _fields(text: str, place: int, names: dict[str, str]) -> tuple[dict[str, str], int]:
    """The fields from a place on, and where they end."""
    fields: dict[str, str] = {}
    while found := _FIELD.match(text, place):
        value, place = _value(text, found.end(), names)
        fields[found[1].lower()] = value
    return fields, max(place, 1)


def _value(text: str, place: int, names: dict[str, str]) -> tuple[str, int]:
    parts: list[str] = []
    while part := _PART.match(text, place):
        if part[1] or part[2]:
            parts.append(part[1] or names.get(part[2].lower(), part[2]))
            place = part.end()
        else:
            end = _end_of_group(text, part.end())
            parts.append(text[part.end() + 1 : end])
            place = end + 1
        if not text[place : place + 20].lstrip().startswith("#"):
            break
    return "".join(parts), place


def _end_of_group(text: str, place: int) -> int:
    """Where the value ends that begins at a place: at the brace or quote that belongs to it."""
    depth, quoted = 0, text[place] == '"'
    for sign in _SIGN.finditer(text, place + 1, place + _LONGEST_VALUE):
        if sign[0] == "{":
            depth += 1
        elif sign[0] == "}" and depth == 0 and not quoted:
            return sign.start()
        elif sign[0] == "}":
            depth -= 1
        elif quoted and depth <= 0:
            return sign.start()
    line = text.find("\n", place)
    return line if line >= 0 else len(text)


def _in_words(fields: dict[str, str], key: str) -> str:
    """One statement, as a row of a table is quoted: cut at full stops, no part of it would say which source it is of."""
    shown = {name: words for name, value in fields.items() if name not in _UNSEEN and (words := latex_text(value))}
    title = shown.pop("title", "")
    named = [*(name for name in _FIRST if name in shown), *(name for name in shown if name not in _FIRST)]
    return f"{'; '.join(filter(None, (title, *(f'{name}: {shown[name]}' for name in named))))} [{key}]"
