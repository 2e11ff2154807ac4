"""Tables in XML, whatever their schema calls rows and cells, as tables of HTML.

Belongs here: HTML's and CALS's tables (DocBook, JATS, DITA, Docutils), and those of TEI. Not here: how one is written (``data/tables``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.tables import own_parts

if TYPE_CHECKING:
    from lxml.etree import _Element

TABLES = ("table", "informaltable", "simpletable")
_ROWS = ("tr", "row", "strow", "sthead")
CELLS = ("td", "th", "entry", "stentry", "cell")
_CAPTIONS = ("caption", "title")
_HEADERS = ("thead", "sthead")


def html_table(element: _Element) -> _Element | None:
    """A table of HTML with the cells of an element that is one; None where it is none, or says anything beside cells in rows.

    CALS says the columns that a cell reaches over by their names, and how many rows more (OASIS Exchange Table Model); TEI counts both
    (TEI P5, 14.1.1).
    """
    from copy import deepcopy

    if local_name(element) not in TABLES:
        return None
    table = deepcopy(element)
    table.tail = None
    columns = [part.get("colname", "") for part in table.iter("{*}colspec")]
    for caption in [part for part in table if local_name(part) in _CAPTIONS]:
        table.remove(caption)
    for part in list(table.iter("{*}*")):
        name = local_name(part)
        if name in _ROWS:
            header = name in _HEADERS or part.get("role") == "label" or local_name(part.getparent()) in _HEADERS
            _name_cells(part, columns, header=header)
            part.tag = "tr"
        elif name in TABLES:
            part.tag = "table"
        elif name not in CELLS:
            part.tag = name
    cells = [cell for cell in own_parts(table, "td", "th") if local_name(cell.getparent()) == "tr"]
    return table if cells and sum(map(_letters, cells)) == _letters(table) else None


def _letters(element: _Element) -> int:
    return sum(len("".join(text.split())) for text in element.itertext())


def caption(element: _Element) -> str:
    """What a table is called."""
    return " ".join(" ".join("".join(part.itertext()) for part in element if local_name(part) in _CAPTIONS).split())


def local_name(element: _Element | None) -> str:
    """A tag without its namespace, in small letters."""
    return "" if element is None else str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _name_cells(row: _Element, columns: Sequence[str], *, header: bool) -> None:
    for cell in [part for part in row if local_name(part) in CELLS]:
        first, last = cell.get("namest", ""), cell.get("nameend", "")
        if first in columns and last in columns:
            cell.set("colspan", str(columns.index(last) - columns.index(first) + 1))
        for name, more, counted in (("rowspan", "morerows", "rows"), ("colspan", "morecols", "cols")):
            if cell.get(more, "").isdecimal():
                cell.set(name, str(int(cell.get(more, "0")) + 1))
            elif cell.get(counted, "").isdecimal():
                cell.set(name, cell.get(counted, "1"))
        cell.tag = "th" if header or local_name(cell) == "th" or cell.get("role") == "label" else "td"
