"""One page of a PDF: its lines and where they stand, its picture.

Belongs here: what pdfium says of a page. Not here: files, paragraphs, what stands beside the text (``annotations``).
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.symbol_fonts import symbols
from rag_pipeline.ingestion.extract.pdf.annotations import beside_text
from rag_pipeline.ingestion.extract.pdf.bands import banded_grids, may_have_bands
from rag_pipeline.ingestion.extract.pdf.columns import in_reading_order
from rag_pipeline.ingestion.extract.pdf.grid import Grid, Place, grids_of
from rag_pipeline.ingestion.extract.pdf.initials import with_initials
from rag_pipeline.ingestion.extract.pdf.layout import HYPHENS, Line, ends_with_number
from rag_pipeline.ingestion.extract.pdf.letters.accents import with_accents_on_letters
from rag_pipeline.ingestion.extract.pdf.letters.right_to_left import with_words_as_read
from rag_pipeline.ingestion.extract.pdf.letters.torn_words import without_torn_words
from rag_pipeline.ingestion.extract.pdf.letters.vertical import with_vertical_lines
from rag_pipeline.ingestion.extract.pdf.meaning import may_mean_nothing
from rag_pipeline.ingestion.extract.pdf.ruled import is_table
from rag_pipeline.ingestion.extract.pdf.rules import Affine, rules_of
from rag_pipeline.ingestion.extract.picture.ocr import DOTS_PER_INCH, MOST_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_FAR = 1000.0
_DEVICE = 10_000_000
"""Pixels of the square that pdfium maps a page onto; only fractions of it are used."""
_FEW_LETTERS = 25
"""A page with fewer letters and a picture is taken for a scan with a stamp or page number on it."""
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff\x00-\x1f]")
_PRIVATE = frozenset(range(0xF000, 0xF100))
"""Where fonts of symbols keep their characters."""
_GARBAGE = 0.3
"""A share of characters without meaning that no real text reaches: the font's table of characters is missing."""
_HYPHEN_AT_LINE_END = 0x02
"""What pdfium gives for a hyphen at the end of a line, in place of hyphen and line break."""
_BREAKING = (0xAD, 0x2010)
"""What it leaves there: the soft hyphen, and Unicode's own, which web pages are hyphenated with (CSS Text 4, 5.3.4)."""
_LINE_ENDS = (0x0A, 0x0D, 0x02)
_WIDE_GAP = 1.2
"""A gap this many heights of a line wide is no space between words."""
_BLANK, _WIDER = 0.3, 1.3
"""Width of a blank between words in heights of letters where too few words tell it; how much wider than the usual one it may be."""
_USUAL_BLANK, _LEAST_BLANKS = 0.35, 5
_LEAST_ROWS = 2
"""Lines that look like rows within two lines of each other, for them to be rows."""
_POINTS_PER_INCH = 72
_HEIGHTS = 200
"""Bottoms of lines that are equal by so many parts of the page's height stand beside one another."""
_BOLD = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)
_LONGEST_FONT_NAME = 256
_Edges = tuple[float, float, float, float]
_Box = tuple[int, _Edges]


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page in reading order, the remarks that stand beside them, and the files attached to them.

    ``needs_ocr``: the page shows something, but has hardly any text or none that means anything. ``doubtful``: its text looks like no
    language. ``grids`` are those of its drawn tables.
    """

    number: int
    lines: list[Line]
    remarks: list[str]
    needs_ocr: bool
    doubtful: bool = False
    files: list[tuple[str, bytes]] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)


def read_page(pdf: PdfDocument, number: int) -> Page | None:
    """A page, counted from 1; None when it cannot be loaded."""
    import pypdfium2

    try:
        page = pdf[number - 1]
        beside = beside_text(pdf, page)
        if beside.drawn:  # what is filled in on top of the page becomes part of it
            pypdfium2.raw.FPDFPage_Flatten(page.raw, pypdfium2.raw.FLAT_NORMALDISPLAY)
            page.close()
            page = pdf[number - 1]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    stored, grids = _lines(page, textpage, number)
    lines = in_reading_order(with_initials(with_vertical_lines(list(stored))))
    text = "".join(line.text for line in lines)
    needs_ocr = _needs_ocr(page, text)
    textpage.close()
    page.close()
    return Page(number, lines, beside.remarks, needs_ocr, not needs_ocr and may_mean_nothing(text), beside.files, grids)


def page_picture(pdf: PdfDocument, number: int) -> Image:
    """A page as a grey picture for OCR, turned as it is shown."""
    page = pdf[number - 1]
    width, height = (max(side, 1.0) for side in page.get_size())
    scale = min(DOTS_PER_INCH / _POINTS_PER_INCH, (MOST_PIXELS / (width * height)) ** 0.5)
    picture: Image = page.render(scale=scale, grayscale=True).to_pil()
    page.close()
    return picture


def _needs_ocr(page: PdfPage, text: str) -> bool:
    letters = sum(map(str.isalnum, text))
    if letters < _FEW_LETTERS:
        return _shows_more(page, anything=not letters)
    return len(_MEANINGLESS.findall(text)) > _GARBAGE * len(text)


def _shows_more(page: PdfPage, anything: bool) -> bool:
    """Whether a page shows pictures; with ``anything``, also drawings, which letters may have been turned into."""
    import pypdfium2.raw as pdfium

    kinds = None if anything else [pdfium.FPDF_PAGEOBJ_IMAGE]
    return next(iter(page.get_objects(filter=kinds, max_depth=4)), None) is not None


def _lines(page: PdfPage, textpage: PdfTextPage, number: int) -> tuple[Iterator[Line], list[Grid]]:
    import pypdfium2.raw as pdfium

    unicode_of, raw = pdfium.FPDFText_GetUnicode, textpage.raw
    codes = _symbols_shown(textpage, [unicode_of(raw, index) for index in range(textpage.count_chars())])
    codes = with_accents_on_letters(textpage, without_torn_words(textpage, with_words_as_read(textpage, codes)))
    shown = _shown(page)
    spans, grids = _with_cells(page, list(_spans(shown, textpage, codes, number)), shown, textpage, codes)
    return _with_phrases(spans, shown, textpage, codes), grids


def _symbols_shown(textpage: PdfTextPage, codes: list[int]) -> list[int]:
    """The characters of a page, those that fonts of symbols keep for themselves as what they show, and as a blank what says nothing."""
    if _PRIVATE.isdisjoint(codes):
        return codes
    fonts = (
        _font_name(textpage, index).decode("latin-1").rpartition("+")[2] if code in _PRIVATE else "" for index, code in enumerate(codes)
    )
    return [ord(symbols(chr(code), font) or " ") if font else code for code, font in zip(codes, fonts, strict=True)]


def _spans(shown: Affine, textpage: PdfTextPage, codes: Sequence[int], number: int) -> Iterator[_Span]:
    for start, end in _line_spans(codes):
        text = _text(codes[start:end])
        if text:
            rectangles = _rectangles(textpage, start, end)
            edges = _place(shown, rectangles)
            hyphenated = codes[end - 1] in _BREAKING or (end < len(codes) and codes[end] == _HYPHEN_AT_LINE_END)
            text = text.removesuffix(HYPHENS[1]) if hyphenated else text
            size = _size(textpage, codes, start, end)
            line = Line(text, number, *edges, size, hyphenated, _is_bold(textpage, codes, start, end))
            boxes = _boxes(textpage, codes, start, end) if _has_gap(rectangles) else []
            yield _Span(replace(line, segments=_parts(shown, codes, line, boxes)) if boxes else line, start, end, boxes)


@dataclass(frozen=True, slots=True)
class _Span:
    """A line, where its characters are in the page's text, and, where gaps part it, on the page."""

    line: Line
    start: int
    end: int
    boxes: list[_Box]


def _with_cells(
    page: PdfPage, spans: list[_Span], shown: Affine, textpage: PdfTextPage, codes: Sequence[int]
) -> tuple[list[_Span], list[Grid]]:
    """The lines of a page, parted where the rules of its drawn tables go through them, and these tables' grids."""
    grids = list[Grid]()
    rules = rules_of(page, shown) if _may_have_cells(spans, shown) else []
    drawn = grids_of(rules)
    banded = banded_grids(rules, _in_fine_parts(spans, shown, textpage, codes)) if may_have_bands(rules) else []
    for grid in (*drawn, *banded):
        if any(map(grid.overlaps, grids)):
            continue
        parted = [part for span in spans for part in _by_cells(span, grid, shown, textpage, codes)]
        if is_table(grid, [span.line for span in parted], drawn):
            grids.append(grid)
            spans = parted
    return spans, sorted(grids, key=lambda grid: grid.rows[0])


def _may_have_cells(spans: Sequence[_Span], shown: Affine) -> bool:
    """Whether anything on a page stands beside something else. Where the page is turned, nobody has looked for gaps."""
    if not shown[0]:
        return True
    heights = Counter[int]()
    for span in spans:
        heights[round(span.line.bottom * _HEIGHTS)] += max(len(span.line.segments), 1)
    return any(texts > 1 for texts in heights.values())


def _by_cells(span: _Span, grid: Grid, shown: Affine, textpage: PdfTextPage, codes: Sequence[int]) -> Iterator[_Span]:
    """A line by the cells of a grid that its words are in."""
    line = span.line
    inside = grid.rows[0] < (line.top + line.bottom) / 2 < grid.rows[-1] and line.left < grid.columns[-1] and line.right > grid.columns[0]
    parts: list[tuple[Place | None, list[_Box]]] = []
    for word in _words(_boxes(textpage, codes, span.start, span.end)) if inside else ():
        left, top, right, bottom = _place(shown, [box for _, box in word])
        place = grid.cell_at((left + right) / 2, (top + bottom) / 2)
        if parts and parts[-1][0] == place:
            parts[-1][1].extend(word)
        else:
            parts.append((place, word))
    if len(parts) < 2:
        yield span
    for number, (_, boxes) in enumerate(parts if len(parts) > 1 else (), 1):
        yield _part(span, boxes, shown, textpage, codes, last=number == len(parts))


def _words(boxes: Sequence[_Box]) -> Iterator[list[_Box]]:
    word: list[_Box] = []
    for index, box in boxes:
        if word and index - word[-1][0] > 1:
            yield word
            word = []
        word.append((index, box))
    if word:
        yield word


def _part(span: _Span, boxes: list[_Box], shown: Affine, textpage: PdfTextPage, codes: Sequence[int], *, last: bool) -> _Span:
    """The part of a line that is in one cell."""
    start, end = boxes[0][0], boxes[-1][0] + 1
    text = _text(codes[start:end])
    broken = not last and text.endswith(HYPHENS) and text[-2:-1].isalpha()
    size, bold = _size(textpage, codes, start, end), _is_bold(textpage, codes, start, end)
    edges = _place(shown, [box for _, box in boxes])
    line = Line(text[:-1] if broken else text, span.line.page, *edges, size, broken or (last and span.line.hyphenated), bold)
    return _Span(replace(line, segments=_parts(shown, codes, line, boxes)), start, end, boxes)


def _with_phrases(spans: Sequence[_Span], shown: Affine, textpage: PdfTextPage, codes: Sequence[int]) -> Iterator[Line]:
    """The lines of a page; where it may hold a table, those that may be its rows know where narrow gaps part them."""
    alike = [any(ends_with_number(part.text) for part in (span.line, *span.line.segments[1:])) for span in spans]
    rows = _near_rows(alike)
    if not any(rows):
        return (span.line for span in spans)
    boxes = [
        (span.boxes or _boxes(textpage, codes, span.start, span.end)) if is_row else [] for span, is_row in zip(spans, rows, strict=True)
    ]
    blank = _widest_blank(spans, boxes, codes)
    lines = zip(spans, boxes, strict=True)
    return (
        replace(span.line, phrases=_parts(shown, codes, span.line, of_line, blank)) if of_line else span.line for span, of_line in lines
    )


def _in_fine_parts(spans: Sequence[_Span], shown: Affine, textpage: PdfTextPage, codes: Sequence[int]) -> list[Line]:
    """The lines of a page, parted wherever a gap is wider than a blank: columns may stand that near to each other."""
    boxes = [span.boxes or _boxes(textpage, codes, span.start, span.end) for span in spans]
    blank = _widest_blank(spans, boxes, codes)
    lines = zip(spans, boxes, strict=True)
    return [replace(span.line, segments=_parts(shown, codes, span.line, of_line, blank)) for span, of_line in lines]


def _near_rows(alike: Sequence[bool]) -> list[bool]:
    """For each line of a page, whether it looks like a row of a table, and so does one near it."""
    return [one and sum(alike[max(index - 2, 0) : index + 3]) >= _LEAST_ROWS for index, one in enumerate(alike)]


def _boxes(textpage: PdfTextPage, codes: Sequence[int], start: int, end: int) -> list[_Box]:
    """The characters of a line that show something: index, and where each stands. As often as letters are on a page: no helpers."""
    import pypdfium2.raw as pdfium

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    get, raw, boxes = pdfium.FPDFText_GetCharBox, textpage.raw, []
    for index in range(start, end):
        if codes[index] > 0x20 and get(raw, index, left, right, bottom, top):
            boxes.append((index, (left.value, bottom.value, right.value, top.value)))
    return boxes


def _widest_blank(spans: Sequence[_Span], boxes: Sequence[Sequence[_Box]], codes: Sequence[int]) -> float:
    """How wide a gap may be that only parts words, in heights of letters: somewhat more than between most words of these lines."""
    blanks = sorted(
        (after[1][0] - before[1][2]) / span.line.size
        for span, of_line in zip(spans, boxes, strict=True)
        if span.line.size
        for before, after in pairwise(of_line)
        if after[0] - before[0] > 1 and chr(codes[before[0]]).isalpha() and chr(codes[after[0]]).isalpha()
    )
    usual = blanks[int(_USUAL_BLANK * len(blanks))] if len(blanks) >= _LEAST_BLANKS else _BLANK
    return _WIDER * min(max(usual, _BLANK / 2), 3 * _BLANK)


def _rectangles(textpage: PdfTextPage, start: int, end: int) -> list[_Edges]:
    """Where characters stand, in the page's own coordinates. Every third moment of reading a PDF is spent here: no helpers between."""
    import pypdfium2.raw as pdfium

    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    edges = []
    for index in range(pdfium.FPDFText_CountRects(textpage.raw, start, end - start)):
        pdfium.FPDFText_GetRect(textpage.raw, index, left, top, right, bottom)
        edges.append((left.value, bottom.value, right.value, top.value))
    return edges


def _text(codes: Sequence[int]) -> str:
    return " ".join(clean_text("".join(map(chr, codes))).split())


def _line_spans(codes: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, code in enumerate([*codes, 0x0A]):
        if code in _LINE_ENDS:
            if index > start:
                yield start, index
            start = index + 1


def _has_gap(rectangles: Sequence[_Edges]) -> bool:
    """Whether parts of a line stand apart; rectangles are left, bottom, right, top in the page's own coordinates."""
    return any(after[0] - before[2] > _WIDE_GAP * max(before[3] - before[1], 4.0) for before, after in pairwise(rectangles))


def _parts(shown: Affine, codes: Sequence[int], line: Line, boxes: Sequence[_Box], blank: float = 0.0) -> tuple[Line, ...]:
    """The parts of a line between its wide gaps; with ``blank``, between all that are wider than so many heights of its letters."""
    parts: list[list[_Box]] = []
    for index, box in boxes:
        widest = blank * line.size or _WIDE_GAP * max(box[3] - box[1], 4.0)
        apart = not parts or box[0] - parts[-1][-1][1][2] > widest
        if apart and (not parts or not blank or index - parts[-1][-1][0] > 1):  # a digit may be as far from the next one as two words
            parts.append([])
        parts[-1].append((index, box))
    if len(parts) < 2:
        return ()
    texts = [_text(codes[part[0][0] : part[-1][0] + 1]) for part in parts]
    placed = [
        (text, _place(shown, [box for _, box in ((part[0], part[-1]) if blank else part)]))
        for text, part in zip(texts, parts, strict=True)
        if text
    ]
    lines = [Line(text, line.page, *edges, line.size, bold=line.bold) for text, edges in placed]
    return (*lines[:-1], *(replace(last, hyphenated=line.hyphenated) for last in lines[-1:])) if line.hyphenated else tuple(lines)


def _place(shown: Affine, rectangles: Sequence[_Edges]) -> _Edges:
    """Where characters stand: left, top, right, bottom as fractions of the page as it is shown, rotation and cropping applied."""
    if not rectangles:
        return 0.0, 0.0, 0.0, 0.0
    lefts, bottoms, rights, tops = zip(*rectangles, strict=True)
    across, along, left, up, down, top = shown
    corners = ((min(lefts), max(tops)), (max(rights), min(bottoms)))
    xs = sorted(min(max(across * x + along * y + left, 0.0), 1.0) for x, y in corners)
    ys = sorted(min(max(up * x + down * y + top, 0.0), 1.0) for x, y in corners)
    return xs[0], ys[0], xs[1], ys[1]


def _shown(page: PdfPage) -> Affine:
    """How a point of the page's own coordinates becomes fractions of the page as it is shown: asked once, for three points."""
    (left, top), (x, y), (along, down) = (_shown_at(page, *point) for point in ((0, 0), (_FAR, 0), (0, _FAR)))
    return (x - left) / _FAR, (along - left) / _FAR, left, (y - top) / _FAR, (down - top) / _FAR, top


def _shown_at(page: PdfPage, x: float, y: float) -> tuple[float, float]:
    import pypdfium2.raw as pdfium

    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _DEVICE, _DEVICE, 0, x, y, across, down)
    return across.value / _DEVICE, down.value / _DEVICE


def _size(textpage: PdfTextPage, codes: Sequence[int], start: int, end: int) -> float:
    """Height of the line's font in points, as it is shown: the size that a font states may be scaled by the page."""
    import pypdfium2.raw as pdfium

    index = next((index for index in range(start, end) if codes[index] > 0x20), start)
    box: Any = pdfium.FS_RECTF()
    found = pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box)
    return round(float(box.top - box.bottom) * 2) / 2 if found else 0.0


def _is_bold(textpage: PdfTextPage, codes: Sequence[int], start: int, end: int) -> bool:
    """Whether the first and last letters of a line are bold by the name of their font; the weights that fonts state mean little."""
    shown = [index for index in range(start, end) if codes[index] > 0x20]
    return bool(shown) and all(_BOLD.search(_font_name(textpage, index)) for index in {shown[0], shown[-1]})


def _font_name(textpage: PdfTextPage, index: int) -> bytes:
    import pypdfium2.raw as pdfium

    buffer = ctypes.create_string_buffer(_LONGEST_FONT_NAME)
    size = pdfium.FPDFText_GetFontInfo(textpage.raw, index, buffer, len(buffer), None)
    return buffer.raw[: max(size - 1, 0)]
