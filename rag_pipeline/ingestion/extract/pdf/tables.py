"""Tables on the pages of a PDF: rows and columns by where the pieces of its lines stand.

Belongs here: pure decisions on lines. Not here: reading lines, how rows are written (``data/tables.py``), drawn cells (``ruled.py``).

A file says nothing of tables, so only what looks like one is taken for one: rows of numbers under one another, or several columns of
short texts that begin at the same places. All else stays lines of text: a wrong table is worse than lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.number_cells import NOTHING, is_number, is_period
from rag_pipeline.ingestion.extract.data.tables import header_text, row_text, unit_in
from rag_pipeline.ingestion.extract.pdf.columns import is_prose
from rag_pipeline.ingestion.extract.pdf.continued import FoundTable, beyond, goes_on_with, same_columns
from rag_pipeline.ingestion.extract.pdf.header import names_of_columns
from rag_pipeline.ingestion.extract.pdf.layout import ALIGNED, LISTED, Line, Style, hyphen
from rag_pipeline.ingestion.extract.pdf.ruled import ruled_tables
from rag_pipeline.models import Box, Element

if TYPE_CHECKING:
    from rag_pipeline.ingestion.extract.pdf.grid import Grid

_SAME_HEIGHT = 0.5
"""Middles that differ by less of a line's height stand beside one another."""
_FARTHEST_ROW = 3.2
"""Heights of a line from the end of one row to the beginning of the next one of the same table."""
_NO_NUMBERS, _LEFT_OF_NUMBERS = 2.0, 0.02
_MOST_LABELS = 4
"""Rows in succession that hold a label alone."""
_LONGEST_CELL = 90
"""Letters; more of them without a wide gap are a line of a paragraph. Each digit takes off three."""
_LEAST_NUMBERS = 0.55
_LEAST_TEXT_COLUMNS, _LEAST_TEXT_ROWS = 3, 3
_ALIGNED = 0.006
_ALIGNED_SHARE = 0.8
_FILLED_SHARE = 0.75
_OUTLIERS = 0.06
"""Share of the rows that may reach across a gap between two columns."""
_MOST_BETWEEN = 3
"""Rows of text that a table may have in it and go on below with the same columns."""
_LONGEST_AMOUNT, _LONGEST_LABEL = 20, 40
"""Letters of what has an amount in it, ``approximately $900 million``, and of its label; more are lines of two columns of text."""
_MOST_ROWS_ABOVE = 4
_MOST_COLUMNS = 60
_BROKEN = "\u00ad"
"""Ends a piece whose last word goes on in the piece below."""
_BROKEN_WORD = re.compile(rf"(\S+){_BROKEN} (\S+)")
_NOTE, _NOTE_LETTERS = re.compile(r"(?:[(\[]\d{1,2}[)\]],?\s?)+"), 2.5
_CURRENCY = re.compile(r"\s+([$£¥\u20a0-\u20cf])$")
_CURRENCY_ALONE = re.compile(r"[$£¥\u20a0-\u20cf(]+\s*\(?")
_TAIL = re.compile(r"[)%]+\s*[)%]?")
_SPACES = ((re.compile(r"([$£¥\u20a0-\u20cf(])\s+(?=[\d(–—-])"), r"\1"), (re.compile(r"(?<=[\d)])\s+(?=[)%])"), ""))
_LEADERS = re.compile(r"(?:\s?\.){4,}\s*$|(?:\s\.){3,}\s*$|…\s*$")
_LAST_NUMBER = re.compile(r"(.*[^\W\d].*?)\s+([$£¥\u20a0-\u20cf]?\s?\(?[\d.,]*\d\)?%?)")
_TWO_NUMBERS = re.compile(r"([$£¥\u20a0-\u20cf]?\(?-?[\d.,]*\d\)?%?)\s+([$£¥\u20a0-\u20cf(-]*[\d.,]+\)?%?|[–—-])")
_DIGIT = re.compile(r"\d")
_GROUP_OF_THREE = re.compile(r"\d{3}(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class _Row:
    """What stands at one height: pieces from left to right, and the lines that they are parts of."""

    pieces: tuple[Line, ...]
    lines: frozenset[int]
    longest: int
    """Letters of the longest run of text without a wide gap."""
    going_on: int
    """Such runs that begin with a small letter, but for the first."""
    top: float
    bottom: float
    height: float


_Columns = Sequence[tuple[float, float]]


def tables_among(
    lines: Sequence[Line],
    levels: Mapping[Style, int] = MappingProxyType({}),
    grids: Mapping[int, Sequence[Grid]] = MappingProxyType({}),
) -> dict[int, Element | None]:
    """The tables of all pages: by the index of the first of its lines the element, by those of the others None.

    ``levels`` are the styles of letters that headings have: what stands centred above a table in one of these is its title. ``grids`` are
    those drawn on each page.
    """
    ready: dict[int, Element | None] = {}
    broken = bool(grids) or any(line.hyphenated for line in lines)
    words = {word.casefold() for line in lines for word in line.text.split()} if broken else set[str]()
    start, before = 0, 0
    unfinished: FoundTable | None = None
    for number, group in groupby(lines, key=lambda line: line.page):
        page = list(group)
        above = unfinished if number == before + 1 else None
        ruled = ruled_tables(grids.get(number, ()), page, words, above)
        found = _with_others(ruled, page, levels, words)
        if found and above and not found[0].ruled and goes_on_with(above, found[0], page):
            found[0] = replace(found[0], element=replace(found[0].element, table_header=above.element.table_header))
        for table in found:
            first, *others = sorted(start + index for index in table.lines)
            ready |= {first: table.element, **dict.fromkeys(others)}
        start, before = start + len(page), number
        unfinished = found[-1] if found and not beyond(found[-1], page, below=True) else None
    return ready


def _with_others(
    ruled: Sequence[FoundTable], page: Sequence[Line], levels: Mapping[Style, int], words: AbstractSet[str]
) -> list[FoundTable]:
    """The tables whose rules are drawn, and those above, between and below them, from top to bottom."""
    if not ruled:
        return tables_on_page(page, levels, words)
    of_ruled = frozenset(index for table in ruled for index in table.lines)
    tops = [min(page[index].top for index in table.lines) for table in ruled]
    found: list[FoundTable] = []
    for stretch in range(len(ruled) + 1):
        own = [index for index, line in enumerate(page) if index not in of_ruled and sum(top < line.top for top in tops) == stretch]
        for table in tables_on_page([page[index] for index in own], levels, words):
            found.append(replace(table, lines=frozenset(own[index] for index in table.lines)))
        found += ruled[stretch : stretch + 1]
    return found


def tables_on_page(lines: Sequence[Line], levels: Mapping[Style, int], words: AbstractSet[str]) -> list[FoundTable]:
    """The tables that only the places of lines tell, from top to bottom; headings above them are the caller's to add."""
    if not _may_hold_tables(lines):
        return []
    rows = _rows(lines)
    found: list[FoundTable] = []
    end = 0
    for start, stop in _regions(rows) if rows else ():
        table = _table(rows, max(start, end), stop, _below_titles(rows[:start], end, levels), words)
        if table is not None:
            found.append(_with_names_above(table, found[-1], rows[end:start], levels) if found else table)
            end = stop
    return found


def _with_names_above(table: FoundTable, above: FoundTable, between: Sequence[_Row], levels: Mapping[Style, int]) -> FoundTable:
    """A table without names whose columns are those of the one above it: that goes on behind a label as long as a sentence."""
    apart = len(between) > _MOST_BETWEEN or any(_is_title(row, levels) for row in between)
    if apart or table.element.table_header or not above.element.table_header or not same_columns(above, table):
        return table
    return replace(table, element=replace(table.element, table_header=above.element.table_header))


def _below_titles(rows: Sequence[_Row], end: int, levels: Mapping[Style, int]) -> int:
    """Where the rows begin that may belong to a table below them: after another table, and after the last heading."""
    return next((index for index in range(len(rows), end, -1) if _is_title(rows[index - 1], levels)), end)


def _is_title(row: _Row, levels: Mapping[Style, int]) -> bool:
    piece = row.pieces[0]
    centred = abs(piece.left + piece.right - 1) < 2 * ALIGNED
    return len(row.pieces) == 1 and (piece.size, piece.bold) in levels and (centred or not piece.bold)


def _may_hold_tables(lines: Sequence[Line]) -> bool:
    """Whether two lines end in a number that a gap parts off, or several heights have three texts: so two columns of prose cost nothing.

    Some files hold each cell as a line.
    """
    beside = Counter[float]()
    for line in lines:
        beside[round(line.top, 3)] += max(len(line.segments), 1)
    if sum(len(line.phrases) > 1 or (beside[round(line.top, 3)] > 1 and is_number(line.text)) for line in lines) > 1:
        return True
    return sum(texts >= _LEAST_TEXT_COLUMNS for texts in beside.values()) >= _LEAST_TEXT_ROWS


def _rows(lines: Sequence[Line]) -> list[_Row]:
    """The pieces of all lines by their height on the page."""
    upright = [(index, line) for index, line in enumerate(lines) if line.rotation is None and line.right > line.left]
    upright.sort(key=lambda one: one[1].top + one[1].bottom)
    groups: list[list[tuple[int, Line]]] = []
    for index, line in upright:
        if groups and _beside(groups[-1][0][1], line):
            groups[-1].append((index, line))
        else:
            groups.append([(index, line)])
    return [_row(group) for group in groups]


def _row(group: Sequence[tuple[int, Line]]) -> _Row:
    parts = sorted((part for _, line in group for part in (line.segments or (line,))), key=lambda part: part.left)
    runs = [part.text for part in parts]
    longest = max(len(run) - 3 * sum(map(str.isdigit, run)) for run in runs)
    going_on = sum(run[:1].islower() for run in runs[1:])
    lines = [line for _, line in group]
    height = max(median(line.bottom - line.top for line in lines), 1e-4)
    top, bottom = min(line.top for line in lines), max(line.bottom for line in lines)
    return _Row(tuple(_pieces(lines)), frozenset(index for index, _ in group), longest, going_on, top, bottom, height)


def _beside(one: Line, other: Line) -> bool:
    height = max(one.bottom - one.top, other.bottom - other.top)
    return abs(one.top + one.bottom - other.top - other.bottom) / 2 < _SAME_HEIGHT * height


def _pieces(lines: Sequence[Line]) -> list[Line]:
    """The cells of a row as far as gaps tell them; a currency goes with the number after it, ``%`` and ``)`` with the one before."""
    parts = [part for line in lines for part in _parts(line)]
    pieces: list[Line] = []
    for part in [piece for whole in sorted(parts, key=lambda one: one.left) for piece in _numbers_apart(whole)]:
        text = (part.text.endswith(("…", ".")) and _LEADERS.sub("", part.text)) or part.text
        text += _BROKEN * part.hyphenated
        last = pieces[-1] if pieces else None
        if last and _CURRENCY_ALONE.fullmatch(last.text) and (is_number(text) or text in NOTHING):
            pieces[-1] = _joined(last, replace(part, text=text))
        elif last and _TAIL.fullmatch(text) and (is_number(last.text) or last.text in NOTHING):
            pieces[-1] = _joined(last, part)
        elif last and _is_note_at(last, part):
            pieces[-1] = _joined(last, replace(part, text=f" {text}"))
        elif (currency := _CURRENCY.search(text)) and not _CURRENCY_ALONE.fullmatch(text):
            cut = part.left + (part.right - part.left) * currency.start() / len(text)
            pieces += [replace(part, text=text[: currency.start()], right=cut), replace(part, text=currency[1], left=part.right)]
        else:
            pieces.append(part if text == part.text else replace(part, text=text))
    return pieces


def _is_note_at(piece: Line, part: Line) -> bool:
    """Whether a part is the number of a note to a text, ``Finance leases (1)``: nearer to it than a value would stand to its label."""
    near = (part.left - piece.right) * len(piece.text) < _NOTE_LETTERS * (piece.right - piece.left)
    return near and _NOTE.fullmatch(part.text) is not None and not is_number(piece.text) and piece.text not in NOTHING


def _parts(line: Line) -> Sequence[Line]:
    """Narrow gaps part numbers from their label and from each other; between words they are the wide blanks of a justified paragraph."""
    if line.segments or all(is_number(part.text) or part.text in NOTHING for part in line.phrases[1:]):
        return line.phrases or line.segments or (line,)
    return (line,)


def _numbers_apart(part: Line) -> Iterator[Line]:
    """Two numbers that only a blank parts, if they are not the thousands and hundreds of one."""
    while (two := _TWO_NUMBERS.match(part.text)) and is_number(part.text) and not _GROUP_OF_THREE.fullmatch(two[2]):
        cut = part.left + (part.right - part.left) * (two.end(1) + 0.5) / len(part.text)
        yield replace(part, text=two[1], right=cut)
        part = replace(part, text=part.text[two.start(2) :], left=cut)
    yield part


def _joined(one: Line, other: Line) -> Line:
    return replace(one, text=f"{one.text}{other.text}", right=other.right)


def _regions(rows: Sequence[_Row]) -> Iterator[tuple[int, int]]:
    """Runs of rows that may be a table: rows of several pieces, and lone labels between them. A new row of names begins a new one."""
    start, last, leftmost = -1, -1, _NO_NUMBERS
    usual = _usual_height(rows)
    for index, row in enumerate(rows):
        prose = _is_prose(row)
        apart = index > 0 and row.top - rows[index - 1].bottom > _FARTHEST_ROW * max(row.height, usual)
        begins = start >= 0 and leftmost < _NO_NUMBERS and _begins_another(leftmost - _LEFT_OF_NUMBERS, row)
        if start >= 0 and (apart or prose or index - last > _MOST_LABELS or begins):
            names_above = begins and not apart and not prose and index - last == 1 and not _holds_any(rows[last])
            yield start, last + (not names_above)
            start, leftmost = (last if names_above else -1), _NO_NUMBERS
        if len(row.pieces) > 1 and not prose:
            start, last = (index if start < 0 else start), index
            if leftmost < _NO_NUMBERS or _holds_numbers(row):
                leftmost = min([leftmost, *(piece.left for piece in row.pieces[1:] if is_number(piece.text))])
    if start >= 0:
        yield start, last + 1


def _usual_height(rows: Sequence[_Row]) -> float:
    """Of a page's rows: letters without strokes above or below make a row look lower."""
    return median(row.height for row in rows)


def _is_prose(row: _Row) -> bool:
    """Whether a row is a line of a paragraph: it runs on without a gap, or goes on in words after the numbers in it."""
    return row.longest > _LONGEST_CELL or (row.going_on > 1 and any(is_number(piece.text) for piece in row.pieces))


def _holds_any(row: _Row) -> bool:
    return any(is_number(piece.text) or piece.text in NOTHING for piece in row.pieces)


def _holds_numbers(row: _Row) -> bool:
    return any(is_number(piece.text) and not is_period(piece.text) for piece in row.pieces[1:])


def _holds_nothing(row: _Row) -> bool:
    """Whether a row has a value that is none, as ``-``."""
    return any(piece.text in NOTHING for piece in row.pieces[1:])


def _begins_another(labels_end: float, row: _Row) -> bool:
    """Whether a row below rows of numbers names columns: years or dates, or several texts where the others have numbers."""
    if len(row.pieces) > 2 and all(is_period(piece.text) for piece in row.pieces[1:]):
        return True
    values = [piece for piece in row.pieces if piece.left > labels_end]
    texts = [piece.text for piece in values]
    if len(values) < len(row.pieces) - 1 or any(text in NOTHING or (is_number(text) and not is_period(text)) for text in texts):
        return False
    named = len(values) == len(row.pieces) or len(values) >= _LEAST_TEXT_COLUMNS
    return len(values) > 1 and (all(map(is_period, texts)) or (named and not any(map(is_number, texts))))


def _table(rows: Sequence[_Row], start: int, stop: int, floor: int, words: AbstractSet[str]) -> FoundTable | None:
    region = rows[start:stop]
    if len(region) < 2:
        return None
    first = next((index for index, row in enumerate(region) if _holds_numbers(row) or _holds_nothing(row)), None)
    columns = _columns([row for row in region if _holds_numbers(row)])
    head = _header_rows(region, columns, first)
    above = [*_above(rows, start, floor, columns)] if len(columns) > 1 else []
    if not _is_of_numbers(region[head:], columns):
        columns = _columns([row for row in region if len(row.pieces) > 1])
        head, above = int(len(region[0].pieces) == len(columns) and region[0].pieces[0].bold), []
        if not _is_of_texts(region, columns) and not _is_of_amounts(region, columns):
            return None
    named, body = [*above, *region[:head]], region[head:]
    names = names_of_columns([row.pieces for row in named], columns) if named else []
    lines = frozenset(index for row in (*named, *body) for index in row.lines)
    return FoundTable(_element(named, names, _whole_rows(body, columns), words), lines, tuple(columns))


def _columns(rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """Left and right edges of the columns. A long label may come so near to the first number that they seem one piece."""
    pieces = [piece for row in rows for piece in row.pieces]
    apart = [piece for row in rows for place, piece in enumerate(row.pieces) if place or not _LAST_NUMBER.fullmatch(piece.text)]
    return _without_columns_of_nothing(rows, max((_occupied(some, int(_OUTLIERS * len(rows))) for some in (pieces, apart)), key=len))


def _without_columns_of_nothing(rows: Sequence[_Row], columns: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where numbers end at brackets or points, a dash stands beside their column: with the one before that is empty there, it is one."""
    texts: list[dict[int, str]] = [{} for _ in columns]
    for place, row in enumerate(rows):
        for piece in row.pieces if columns else ():
            texts[_column_of(piece, columns)][place] = piece.text
    whole: list[tuple[float, float]] = []
    before: dict[int, str] = {}
    for (left, right), own in zip(columns, texts, strict=True):
        if len(whole) > 1 and before.keys().isdisjoint(own) and (_are_nothing(own) or _are_nothing(before)):
            whole[-1], before = (whole[-1][0], right), before | own
        else:
            whole, before = [*whole, (left, right)], own
    return whole


def _are_nothing(texts: Mapping[int, str]) -> bool:
    return all(text in NOTHING for text in texts.values())


def _occupied(pieces: Sequence[Line], most: int) -> list[tuple[float, float]]:
    """Where rows have something, but for gaps that at most so many rows reach across."""
    edges = [edge for piece in pieces for edge in ((piece.left, 1), (piece.right, -1))]
    columns: list[tuple[float, float]] = []
    reaching, opened = 0, 0.0
    for place, step in sorted(edges):
        before, reaching = reaching, reaching + step
        if before <= most < reaching:
            opened = place
        elif reaching <= most < before:
            columns.append((opened, place))
    return columns


def _column_of(piece: Line, columns: _Columns) -> int:
    """The one that it has most in common with, or the nearest."""
    overlaps = [min(piece.right, right) - max(piece.left, left) for left, right in columns]
    return max(range(len(columns)), key=overlaps.__getitem__)


def _header_rows(region: Sequence[_Row], columns: _Columns, first: int | None) -> int:
    """How many of the first rows stand above the values and name them."""
    if first is None or not columns:
        return 0
    named = [index for index in range(first) if any(_column_of(piece, columns) for piece in region[index].pieces)]
    return named[-1] + 1 if named else 0


def _above(rows: Sequence[_Row], start: int, floor: int, columns: _Columns) -> Iterator[_Row]:
    """Lone pieces directly above a table that name its columns together, and what is said of the unit of its numbers."""
    found: list[_Row] = []
    below, usual = rows[start], _usual_height(rows)
    for row in reversed(rows[max(floor, start - _MOST_ROWS_ABOVE) : start]):
        if below.top - row.bottom > _FARTHEST_ROW * max(row.height, usual) or len(row.pieces) > 1:
            break
        piece = row.pieces[0]
        over_values = piece.left > columns[0][1] and piece.right <= columns[-1][1] + _ALIGNED and not piece.text.endswith(".")
        unit = len(unit_in(piece.text)) > len(piece.text) / 2
        if not (over_values or unit):
            break
        found.append(row)
        below = row
    yield from reversed(found)


def _is_of_numbers(body: Sequence[_Row], columns: _Columns) -> bool:
    if not 2 <= len(columns) <= _MOST_COLUMNS:
        return False
    values = [piece.text for row in body for piece in row.pieces if _column_of(piece, columns)]
    numbers = sum(is_number(value) or value in NOTHING for value in values)
    rows = sum(_holds_numbers(row) for row in body)
    labels = sum(not is_number(row.pieces[0].text) and _column_of(row.pieces[0], columns) == 0 for row in body)
    return rows > 1 and numbers >= _LEAST_NUMBERS * len(values) and labels >= len(body) / 2


def _is_of_texts(region: Sequence[_Row], columns: _Columns) -> bool:
    """Whether there are several columns whose texts begin at the same place, with hardly a cell empty."""
    full = [row for row in region if len(row.pieces) > 1]
    if not _LEAST_TEXT_COLUMNS <= len(columns) <= _MOST_COLUMNS or len(full) < _LEAST_TEXT_ROWS:
        return False
    cells: dict[int, list[Line]] = {}
    for row in full:
        for piece in row.pieces:
            cells.setdefault(_column_of(piece, columns), []).append(piece)
    if all(map(is_prose, cells.values())):  # three columns of a newspaper, whose lines stand beside one another by chance
        return False
    if sum(bool(LISTED.match(piece.text)) for row in full for piece in row.pieces) > len(full) / 2:
        return False
    lefts = [[piece.left for piece in column] for column in cells.values()]
    aligned = sum(abs(left - median(column)) < _ALIGNED for column in lefts for left in column)
    pieces = sum(map(len, lefts))
    return aligned >= _ALIGNED_SHARE * pieces and pieces >= _FILLED_SHARE * len(full) * len(columns)


def _is_of_amounts(region: Sequence[_Row], columns: _Columns) -> bool:
    """Whether labels stand beside what has an amount in it: ``4% to 5%``, ``about 3 kg``, ``30 × 20 cm``."""
    full = [_cells(row, columns) for row in region if len(row.pieces) > 1] if len(columns) == 2 else []
    labels = sum(1 < len(_letters(label)) <= _LONGEST_LABEL and not _DIGIT.search(label) for label, _ in full)
    amounts = sum(len(_letters(value)) <= _LONGEST_AMOUNT and _DIGIT.search(value) is not None for _, value in full)
    enough = max(_LEAST_TEXT_ROWS, len(region) / 2)
    return len(full) >= enough and min(labels, amounts) >= _FILLED_SHARE * len(full)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _whole_rows(body: Sequence[_Row], columns: _Columns) -> list[tuple[list[str], list[_Row]]]:
    """Cells of each row, and the heights that it stands at: what goes on in small letters, or in another column only, is put to it."""
    whole: list[tuple[list[str], list[_Row]]] = []
    for row in body:
        cells = _cells(row, columns)
        if whole and _goes_on(whole[-1][0], cells):
            above = whole[-1]
            whole[-1] = ([" ".join(filter(None, both)) for both in zip(above[0], cells, strict=True)], [*above[1], row])
        else:
            whole.append((cells, [row]))
    return whole


def _cells(row: _Row, columns: _Columns) -> list[str]:
    cells = [""] * len(columns)
    for piece in row.pieces:
        column = _column_of(piece, columns)
        text, number = piece.text, _LAST_NUMBER.fullmatch(piece.text)
        if column == 0 and number and piece.right > columns[1][0] and not any(_column_of(one, columns) == 1 for one in row.pieces):
            text, cells[1] = number[1], number[2]
        cells[column] = f"{cells[column]} {text}".strip()
    return [_tidy(cell) for cell in cells]


def _tidy(cell: str) -> str:
    for spaces, instead in _SPACES:
        cell = spaces.sub(instead, cell)
    return cell


def _goes_on(above: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether a row is the rest of the one above it."""
    if cells[0][:1].islower():
        return not (any(above[1:]) and any(cells[1:]))
    filled = [(one, cell) for one, cell in zip(above, cells, strict=True) if cell]
    return not cells[0] and any(above) and not any(is_number(one) or one in NOTHING for both in filled for one in both)


def _element(
    named: Sequence[_Row], names: Sequence[str], whole: Sequence[tuple[list[str], list[_Row]]], words: AbstractSet[str]
) -> Element:
    header = _unbroken(header_text(names), words)
    text, boxes = "", []
    for line, rows in [(header, named), *((_unbroken(row_text(cells), words), rows) for cells, rows in whole)]:
        if line:
            text += "\n" * bool(text)
            boxes += [_box(row, len(text), len(text) + len(line)) for row in rows]
            text += line
    return Element("Table", text, whole[0][1][0].pieces[0].page, boxes=tuple(boxes), table_header=header or None)


def _unbroken(line: str, words: AbstractSet[str]) -> str:
    """Words that were broken at the end of a line are whole again, as in paragraphs."""
    if _BROKEN not in line:
        return line
    line = _BROKEN_WORD.sub(lambda found: f"{found[1]}{hyphen(found[1], found[2], words)}{found[2]}", line)
    return line.replace(_BROKEN, "-")


def _box(row: _Row, start: int, end: int) -> Box:
    left, right = min(piece.left for piece in row.pieces), max(piece.right for piece in row.pieces)
    return Box(row.pieces[0].page, left, row.top, right, row.bottom, start, end)
