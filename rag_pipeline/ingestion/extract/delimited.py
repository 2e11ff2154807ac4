"""Tables in text files: CSV and TSV.

Belongs here: delimiters, rows, header rows. Not here: workbooks.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rag_pipeline.ingestion.extract.decoding import decode_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.tables import is_header_row, row_text
from rag_pipeline.models import Element

ROWS_PER_ELEMENT = 1000
"""A table of a million rows is handed over in parts; each part knows the header row."""
_SAMPLE_LINES = 50
_LONGEST_FIELD = 1 << 30


def read_delimited(source: Source) -> Iterator[Element]:
    """The rows of a CSV or TSV file; which of comma, semicolon, tab and bar parts the cells is found by looking."""
    yield from _parts(decode_text(source.stream.read()))


def delimiter_of(sample: list[str]) -> str:
    """The delimiter under which most lines fall into the same number of cells, and more than one."""

    def agreement(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if len(row) > 1)
        width, lines = widths.most_common(1)[0] if widths else (0, 0)
        return lines, width

    return max(",\t;|", key=agreement)


def _parts(text: str) -> Iterator[Element]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = io.StringIO(text, newline="")
    delimiter = delimiter_of(list(islice(lines, _SAMPLE_LINES)))
    lines.seek(0)
    rows = (row for row in csv.reader(lines, delimiter=delimiter) if row_text(row))
    header: str | None = None
    for number, part in enumerate(iter(lambda: list(islice(rows, ROWS_PER_ELEMENT)), [])):
        if number == 0 and len(part) > 1 and is_header_row(part[0], part[1]):
            header = row_text(part[0])
        yield Element("Table", "\n".join(row_text(row) for row in part), table_header=header)
