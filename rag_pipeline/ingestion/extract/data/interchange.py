"""Tables in DIF, the Data Interchange Format of VisiCalc, which spreadsheets still write.

Belongs here: its header and its values (Software Arts, "Programmer's Guide to the DIF"; what Excel, LibreOffice and Gnumeric write).
Not here: how a table is written (``tables``).
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import text_lines
from rag_pipeline.ingestion.extract.data.tables import table_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_SPECIAL, _NUMBER = "-1", "0"
_MOST_LINES_OF_A_TEXT = 200
"""A text over more lines than this is a quote that nobody closed."""
_INSTEAD_OF_NUMBER = {"TRUE": "TRUE", "FALSE": "FALSE", "NA": "#N/A", "ERROR": "#ERROR"}


def read_interchange(source: Source) -> Iterator[Element]:
    """The rows of a table ("tuples"); labels of its columns ("vectors") name them. What breaks off is read up to there, with a note."""
    yield from table_elements(_rows(source, _lines(source)))


def _lines(source: Source) -> Iterator[str]:
    return (line.rstrip("\n") for line in text_lines(source.stream))


def _rows(source: Source, lines: Iterator[str]) -> Iterator[list[str]]:
    labels = _labels(lines)
    if labels:
        yield [labels.get(column, "") for column in range(1, max(labels) + 1)]
    row: list[str] = []
    for kind, number, text in _values(lines):
        if kind != _SPECIAL:
            row.append(_INSTEAD_OF_NUMBER.get(text.upper(), number) if kind == _NUMBER else text)
        else:
            if row:
                yield row
            row = []
            if text.upper() == "EOD":
                return
    if row:
        yield row
    source.notes.append("It breaks off before its end.")


def _labels(lines: Iterator[str]) -> dict[int, str]:
    """The header, of which all else only counts: an item is its topic, two numbers, and a text."""
    labels: dict[int, str] = {}
    for topic in lines:
        numbers, text = next(lines, ""), _text(next(lines, ""), lines)
        if topic.strip().upper() == "DATA":
            break
        vector = numbers.split(",")[0].strip()
        if topic.strip().upper() == "LABEL" and vector.isdecimal() and 0 < int(vector) < 1 << 14:  # more columns than any sheet has
            labels[int(vector)] = f"{labels.get(int(vector), '')} {text}".strip()
    return labels


def _values(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """What kind each value is of, its number as it is written, its text."""
    for line in lines:
        kind, _, number = line.partition(",")
        if kind.strip():
            yield kind.strip(), number.strip(), _text(next(lines, ""), lines)


def _text(first: str, lines: Iterator[str]) -> str:
    """A text without its quotes, which may reach over lines; within it quotes are doubled."""
    if not first.startswith('"'):
        return first.strip()
    text, count = first, 1
    while (len(text) < 2 or text.count('"') % 2) and count < _MOST_LINES_OF_A_TEXT:
        following = next(lines, None)
        if following is None:
            break
        text, count = f"{text}\n{following}", count + 1
    return text[1:].removesuffix('"').replace('""', '"')
