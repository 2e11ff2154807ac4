"""JSON and JSON lines: one line a value, led by the path of its keys.

Belongs here: turning nested values into lines of words. Not here: schemas of particular producers.
Values are decoded, because a search for ``é`` must find what the file spells as ``\\u00e9``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.plain_text import paragraphs
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element


def read_json_document(source: Source) -> Iterator[Element]:
    """An element for each record of the outermost list or key of the outermost object; a broken file is read as plain text."""
    text = decode_text(source.stream.read())
    try:
        elements = list(_records(json.loads(text)))
    except (json.JSONDecodeError, RecursionError):
        elements = _json_lines(text, source)
    yield from elements


def read_json_lines(source: Source) -> Iterator[Element]:
    """An element for each line; lines that are no JSON are kept as they are."""
    yield from _json_lines(decode_text(source.stream.read()), source)


def _json_lines(text: str, source: Source) -> list[Element]:
    elements: list[Element] = []
    values = 0
    for line in filter(str.strip, text.splitlines()):
        try:
            elements += _record("", json.loads(line))
            values += 1
        except (json.JSONDecodeError, RecursionError):
            elements.append(Element("CodeSnippet", line.strip()))
    if values:
        return elements
    source.notes.append("The file is not valid JSON; it was read as plain text.")
    return paragraphs(text)


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
