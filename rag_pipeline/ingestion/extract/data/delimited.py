"""Tables in text files: CSV and TSV.

Belongs here: delimiters, quotes, rows, header rows. Not here: workbooks.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice

from rag_pipeline.ingestion.extract.data.decoding import text_lines
from rag_pipeline.ingestion.extract.data.tables import row_text, table_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_SAMPLE_LINES = 50
_LONGEST_FIELD = 1 << 30
_DELIMITERS = ",\t;|^~\x01\x1f"
_MOST_LINES_OF_A_ROW = 200
"""A quoted cell over more lines than this is a quote that nobody closed."""


def read_delimited(source: Source) -> Iterator[Element]:
    """The rows of a CSV or TSV file of any size; which character parts the cells is found by looking."""
    csv.field_size_limit(_LONGEST_FIELD)
    lines = text_lines(source.stream)
    delimiter, sample = _delimiter_and_lines(list(islice(lines, _SAMPLE_LINES)))
    rows = (cells for cells in _Rows(sample, lines, delimiter) if row_text(cells))
    yield from table_elements(rows)


def delimiter_of(sample: list[str]) -> str:
    """The delimiter under which most lines fall into the same number of cells, and more than one."""

    def agreement(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if len(row) > 1)
        width, lines = widths.most_common(1)[0] if widths else (0, 0)
        return lines, width

    return max(_DELIMITERS, key=agreement)


def _delimiter_and_lines(sample: list[str]) -> tuple[str, list[str]]:
    first = sample[0].rstrip("\n") if sample else ""
    if first.lower().startswith("sep=") and len(first) == 5:  # a line for Excel, which does not show it
        return first[4], sample[1:]
    return delimiter_of(sample), sample


class _Rows:
    """Rows of lines, where a stray quote costs its own line its quoting, and no other line anything."""

    def __init__(self, sample: list[str], lines: Iterator[str], delimiter: str) -> None:
        self._returned = deque(sample)
        self._lines = lines
        self._delimiter = delimiter
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[list[str]]:
        while True:
            self._taken = []
            reader = csv.reader(self._line_by_line(), delimiter=self._delimiter)
            cells = next(reader, None)
            if cells is None:
                return
            if len(self._taken) > 1 and not self._closed():
                self._returned.extendleft(reversed(self._taken[1:]))
                cells = next(csv.reader(self._taken[:1], delimiter=self._delimiter, quoting=csv.QUOTE_NONE))
            yield cells

    def _line_by_line(self) -> Iterator[str]:
        while len(self._taken) <= _MOST_LINES_OF_A_ROW:
            line = self._returned.popleft() if self._returned else next(self._lines, None)
            if line is None:
                return
            self._taken.append(line)
            yield line

    def _closed(self) -> bool:
        """Whether the row ended by itself, not with the file or the limit."""
        return len(self._taken) <= _MOST_LINES_OF_A_ROW and sum(line.count('"') for line in self._taken) % 2 == 0
