"""JSON and JSON lines: one line a value, led by the path of its keys.

Belongs here: turning nested values into lines of words. Not here: schemas of particular producers.
Values are decoded, because a search for ``é`` must find what the file spells as ``\\u00e9``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import chain, islice

from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text, text_lines
from rag_pipeline.ingestion.extract.data.plain_text import line_paragraphs
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_LOOKED_AT = 50
"""Lines of which one must be JSON for the file to be read as lines of JSON."""
_NO_VALUE = object()


def read_json_document(source: Source) -> Iterator[Element]:
    """An element for each record of the outermost list or key of the outermost object; a broken file is read as plain text."""
    text = decode_text(source.stream.read())
    try:
        elements = list(_records(json.loads(text)))
    except (ValueError, RecursionError):  # no JSON, or a number of more digits than Python converts
        yield from _json_lines(io.StringIO(text), source)
    else:
        yield from elements


def read_json_lines(source: Source) -> Iterator[Element]:
    """An element for each line of a file of any size; lines that are no JSON are kept as they are."""
    yield from _json_lines(text_lines(source.stream), source)


def _json_lines(lines: Iterator[str], source: Source) -> Iterator[Element]:
    first = list(islice(lines, _LOOKED_AT))
    if any(_value(line) is not _NO_VALUE for line in first if line.strip()):
        for line in filter(str.strip, chain(first, lines)):
            value = _value(line)
            yield from [Element("CodeSnippet", line.strip())] if value is _NO_VALUE else _record("", value)
    else:
        source.notes.append("The file is not valid JSON; it was read as plain text.")
        yield from (Element("NarrativeText", part) for part in line_paragraphs(chain(first, lines)))


def _value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # no JSON, or a number of more digits than Python converts
        return _NO_VALUE


def _records(value: object) -> Iterator[Element]:
    if isinstance(value, list):
        for item in value:
            yield from _record("", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _record(str(key), item)
    else:
        yield from _record("", value)


def _record(path: str, value: object) -> Iterator[Element]:
    text = clean_text("\n".join(_lines(path, value)))
    if text.strip():
        yield Element("NarrativeText", text)


def _lines(path: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _lines(path, item)
    elif value is not None and value != "":
        shown = value if isinstance(value, str) else json.dumps(value)
        yield f"{path}: {shown}" if path else shown
