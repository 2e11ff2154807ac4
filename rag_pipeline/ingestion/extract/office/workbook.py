"""Excel workbooks, read with openpyxl.

Belongs here: cells as a reader of the sheet sees them. Not here: the old ``.xls`` format, texts beside the cells (``workbook_parts``).

Not through unstructured's partitioner: it prints cells through a pandas frame, which rounds 3.14159265358979 to 3.141593 and
0.000000001 to 0.0 (measured, unstructured 0.27.32), and it loads pandas besides. Numbers are what people look up in workbooks.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.tables import ROWS_PER_ELEMENT, is_header_row, table_elements
from rag_pipeline.ingestion.extract.office.mending import with_plain_styles, without_damaged_parts, without_unrelated_sheets
from rag_pipeline.ingestion.extract.office.number_formats.codes import in_full, number_text
from rag_pipeline.ingestion.extract.office.number_formats.old_files import Numbers
from rag_pipeline.ingestion.extract.office.office_file import damage_reported, office_archive
from rag_pipeline.ingestion.extract.office.package import Package
from rag_pipeline.ingestion.extract.office.parts import core_properties, main_part
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.office.workbook_parts import texts_outside_cells, unescaped
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from python_calamine import CalamineWorkbook

_LAST_ROW = 1 << 20
_NO_NUMBERS: Mapping[str, Numbers] = {}
Row = tuple[int, list[str]]
"""The number of a row in its sheet, and its cells."""


def read_workbook(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table; the sheet's name is the heading above. Pages are sheets.

    Formulas give the values that Excel saved with them. Text in charts, shapes, comments, headers and footers follows the tables.

    Raises:
        DocumentError: ``damaged`` or ``too_large``.
    """
    archive = office_archive(source.stream)
    with damage_reported():
        package = Package(archive)
        yield from with_properties(core_properties(source, package), _elements(source, package, archive), source.name)


def _elements(source: Source, package: Package, archive: io.BytesIO) -> Iterator[Element]:
    import openpyxl

    for mend in (None, partial(_undamaged, source), with_plain_styles):
        try:
            archive = mend(archive) if mend else archive
            workbook = openpyxl.load_workbook(archive, read_only=True, data_only=True, keep_links=False)
        except Exception as tripped:  # noqa: BLE001 - one part that is no XML, one odd style, name or link is enough
            error = tripped
        else:
            _note_missing_sheets(source, package, workbook.sheetnames)
            yield from elements_of_sheets(source, [(sheet.title, partial(_rows, sheet)) for sheet in workbook.worksheets])
            break
    else:
        yield from _values(source, archive, error)
    yield from texts_outside_cells(source, archive)


def _undamaged(source: Source, archive: io.BytesIO) -> io.BytesIO:
    return without_unrelated_sheets(without_damaged_parts(source, archive, relations_too=False))


def _values(source: Source, archive: BinaryIO, error: Exception) -> Iterator[Element]:
    """The cells, by the library that looks at nothing but them."""
    import python_calamine

    try:
        archive.seek(0)
        sheets = calamine_sheets(python_calamine.load_workbook(archive))
    except (python_calamine.CalamineError, OSError, ValueError):
        raise error from None
    source.notes.append(f"Numbers are given as they are stored, because how they are shown could not be read ({type(error).__name__}).")
    yield from elements_of_sheets(source, sheets)


def _note_missing_sheets(source: Source, package: Package, read: Sequence[str]) -> None:
    """The library skips sheets whose part is not there; those that nothing leads to were taken out."""
    with source.part("The list of sheets"):
        declared = [sheet.get("name", "") for sheet in package.xml(main_part(package)).iter("{*}sheet")]
        for name in declared:
            with source.part(f"Sheet {clean_text(name)}"):
                if name not in read:
                    raise DocumentError("damaged", "the file does not hold it.")


def elements_of_sheets(source: Source, sheets: Sequence[tuple[str, Callable[[], Iterator[Row]]]]) -> Iterator[Element]:
    """All sheets, each by itself: a page each, those without rows named at the end. ``source`` takes the number and the notes.

    Args:
        source: the workbook.
        sheets: the name of each, and what gives its rows.
    """
    source.pages = len(sheets)
    empty: list[str] = []
    for number, (title, rows) in enumerate(sheets, 1):
        name, filled, unread = clean_text(title), False, source.unread_parts
        with source.part(f"Sheet {name}"):
            for element in sheet_elements(rows(), number, name):
                filled = True
                yield element
        if not filled and source.unread_parts == unread:
            empty.append(name)
    if empty and len(empty) < len(sheets):
        yield Element("NarrativeText", f"Sheets without rows: {', '.join(empty)}")


def calamine_sheets(
    workbook: CalamineWorkbook, numbers: Mapping[str, Numbers] = _NO_NUMBERS
) -> list[tuple[str, Callable[[], Iterator[Row]]]]:
    """The sheets of a workbook that calamine has opened, for :func:`elements_of_sheets`; ``numbers`` are known better, by sheets."""
    return [(name, partial(_calamine_rows, workbook, name, numbers.get(name, {}))) for name in workbook.sheet_names]


def _calamine_rows(workbook: CalamineWorkbook, name: str, numbers: Numbers) -> Iterator[Row]:
    sheet = workbook.get_sheet_by_name(name)
    start = sheet.start
    left = start[1] if start else 0
    for number, values in enumerate(sheet.iter_rows() if start else ()):  # from the sheet's first row, and its first column that is used
        cells = [value_text(value) if value != "" else "" for value in values]
        for column, (value, code) in numbers.get(number, {}).items():
            if 0 <= column - left < len(values):
                cells[column - left] = formatted_text(value, code)
        while cells and not cells[-1]:
            cells.pop()
        lead = next((index for index, cell in enumerate(cells) if cell), 0)
        if cells:
            yield number, cells if lead < 3 else cells[lead:]


def sheet_elements(rows: Iterator[Row], page: int, name: str) -> Iterator[Element]:
    """The sheet's name as a title, then a table for each block of rows; nothing for a sheet without rows."""
    first = next(rows, None)
    if first is not None:
        yield Element("Title", name, page=page)
        yield from tables_of_rows(chain([first], rows), page, (name,))


def _rows(sheet: Any) -> Iterator[Row]:
    """Rows that hold anything: number in the sheet, cells."""
    sheet.reset_dimensions()  # the size that a sheet declares may be wrong, in either direction
    filled: list[Cell] = []
    count = 0
    for cells in sheet.iter_rows(max_row=_LAST_ROW + 1):
        count += 1
        filled = [cell for cell in cells if cell.value is not None]
        if filled:
            yield filled[0].row, _cell_texts(filled, len(cells))
    if count > _LAST_ROW:  # the library fills up to the row where it stopped
        raise DocumentError("damaged", "it numbers rows beyond the last that a sheet can have.")


def _cell_texts(filled: list[Cell], width: int) -> list[str]:
    texts = [""] * min(width, max(cell.column for cell in filled))
    if len(filled) * 50 < len(texts):  # a few cells, far apart: the void between them says nothing
        return [cell_text(cell) for cell in filled]
    for cell in filled:
        texts[cell.column - 1] = cell_text(cell)
    first = next(index for index, text in enumerate(texts) if text) if any(texts) else 0
    return texts if first < 3 else texts[first:]


def cell_text(cell: Cell) -> str:
    """A cell's value in full: every digit of a number, dates in ISO form, currencies, units and percentages as shown."""
    return formatted_text(cell.value, str(cell.number_format))


def formatted_text(value: object, code: str) -> str:
    """A value in full, a number with what its format writes around it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return clean_text(number_text(value, code))
    return value_text(value)


def value_text(value: object) -> str:
    """A value in full: every digit of a number, dates in ISO form."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return in_full(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return clean_text(unescaped(str(value)))


def tables_of_rows(rows: Iterable[Row], page: int | None, path: tuple[str, ...]) -> Iterator[Element]:
    """A table for each block of consecutive rows; long blocks in parts."""
    for _, block in groupby(enumerate(rows), key=lambda item: item[1][0] - item[0]):
        yield from _parts((row for _, (_, row) in block), page, path)


def _parts(rows: Iterator[list[str]], page: int | None, path: tuple[str, ...]) -> Iterator[Element]:
    while part := list(islice(rows, ROWS_PER_ELEMENT)):
        if not all(sum(map(bool, row)) == 1 for row in part):
            yield from table_elements(chain(part, rows), page, path, header_known=_names_columns(part))
            return
        yield Element("NarrativeText", "\n".join(next(filter(None, row)) for row in part), page=page, heading_path=path)


def _names_columns(rows: Sequence[list[str]]) -> bool:
    """Whether the first full row names all columns but those in which nothing stands: people keep tables beside each other apart so."""
    width = max(map(len, rows))
    even = [[*row, *[""] * (width - len(row))] for row in rows]
    used = [place for place in range(width) if any(row[place] for row in even)]
    full = [[row[place] for place in used] for row in even if sum(map(bool, row)) > 1][:2]
    return len(used) < width and len(full) > 1 and is_header_row(*full)
