"""Text in DrawingML: what shapes, tables and diagrams say, in Word, PowerPoint and Excel alike.

Belongs here: paragraphs, tables and the choice between two forms of one drawing. Not here: where drawings stand, charts (``charts``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.symbol_fonts import PRIVATE, symbols
from rag_pipeline.ingestion.extract.picture.pictures_inside import description

if TYPE_CHECKING:
    from lxml.etree import _Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def choose_alternatives(root: _Element) -> None:
    """Keep drawings that are stored twice, for new programs and for old ones, in the first form: others may only say that it is missing."""
    from lxml import etree

    for alternate in list(root.iter(f"{MC}AlternateContent")):
        forms = [form for form in alternate if form.tag in (f"{MC}Choice", f"{MC}Fallback")]
        for form in forms[1:]:
            alternate.remove(form)
    etree.strip_tags(root, f"{MC}AlternateContent", f"{MC}Choice", f"{MC}Fallback")


def paragraph_text(paragraph: _Element) -> str:
    """The words of an ``a:p``, with its line breaks, fields and formulas; but for the number of the slide, which is its page."""
    words = []
    for piece in paragraph.iter(f"{A}t", f"{A}br", f"{A}tab", f"{_M}t"):
        if (field := piece.getparent()) is not None and field.tag == f"{A}fld" and field.get("type") == "slidenum":
            continue
        words.append("\n" if piece.tag == f"{A}br" else "\t" if piece.tag == f"{A}tab" else _in_its_font(piece))
    return clean_text("".join(words).replace("\v", "\n")).strip()


def _in_its_font(piece: _Element) -> str:
    """What a text shows: in a font of symbols letters are none (``a:latin``, and ``a:sym`` for characters of such fonts alone)."""
    text, properties = piece.text or "", piece.find(f"../{A}rPr")
    fonts = (properties.find(f"{A}{kind}") if properties is not None else None for kind in ("latin", "sym"))
    latin, symbol = (font.get("typeface", "") if font is not None else "" for font in fonts)
    text = symbols(text, latin)
    return PRIVATE.sub(lambda private: symbols(private[0], symbol), text)


def paragraph_texts(root: _Element) -> Iterator[str]:
    """The words of each paragraph below an element, empty ones left out."""
    return (text for paragraph in root.iter(f"{A}p") if (text := paragraph_text(paragraph)))


def table_rows(table: _Element) -> list[list[str]]:
    """The cells of an ``a:tbl``; a cell over several rows is repeated in each, one over several columns stands in the first."""
    rows: list[list[str]] = []
    for row in table.iter(f"{A}tr"):
        cells: list[str] = []
        for column, cell in enumerate(row.iter(f"{A}tc")):
            continued = cell.get("vMerge") in ("1", "true") and rows and column < len(rows[-1])
            cells.append(rows[-1][column] if continued else "\n".join(paragraph_texts(cell)))
        rows.append(cells)
    return rows


def descriptions(root: _Element) -> Iterator[str]:
    """What the alternative texts below an element say (``descr``: ECMA-376 part 1, 20.1.2.2.8), each once."""
    told = (description(one.get("title"), one.get("descr")) for one in root.iter("{*}docPr", "{*}cNvPr"))
    return iter(dict.fromkeys(filter(None, told)))
