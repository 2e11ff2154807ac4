"""Charts and diagrams of Office files: what they name and the numbers they show.

Belongs here: the parts that Word, PowerPoint and Excel have in common (DrawingML). Not here: where they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.office_file import safe_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def chart_rows(part: bytes) -> list[list[str]]:
    """A chart as rows of cells: its titles, then a row of the names of its series, then a row for each category."""
    root = safe_xml(part)
    rows = [[title] for title in map(_rich_text, root.iter(f"{_C}title")) if title]
    series = list(root.iter(f"{_C}ser"))
    names = [" ".join(_points(one.find(f"{_C}tx")).values()) for one in series]
    values = [_points(_first(one, "val", "yVal")) for one in series]
    categories: dict[int, str] = {}
    for one in series:
        categories = categories or _points(_first(one, "cat", "xVal"))
    if any(names):
        rows.append(["", *names])
    for index in sorted({*categories, *(index for column in values for index in column)}):
        rows.append([categories.get(index, ""), *(column.get(index, "") for column in values)])
    return rows


def drawn_paragraphs(part: bytes) -> str:
    """The paragraphs of a diagram (SmartArt), a line each."""
    paragraphs = ("".join(run.text or "" for run in paragraph.iter(f"{_A}t")) for paragraph in safe_xml(part).iter(f"{_A}p"))
    return clean_text("\n".join(text for text in paragraphs if text.strip()))


def _rich_text(title: _Element) -> str:
    written = "".join(run.text or "" for run in title.iter(f"{_A}t"))
    return clean_text(" ".join(written.split()) or " ".join(_points(title).values()))


def _first(series: _Element, *names: str) -> _Element | None:
    return next((found for name in names if (found := series.find(_C + name)) is not None), None)


def _points(element: _Element | None) -> dict[int, str]:
    """The cached texts or numbers under an element by their index; a name written without a cache has index 0."""
    if element is None:
        return {}
    points = {int(point.get("idx", "0")): _shown(point.findtext(f"{_C}v") or "") for point in element.iter(f"{_C}pt")}
    return points or {index: _shown(value.text or "") for index, value in enumerate(element.findall(f"{_C}v"))}


def _shown(value: str) -> str:
    """Long numbers without the digits that only binary arithmetic put there."""
    try:
        return f"{float(value):.15g}" if len(value) > 15 else clean_text(value)
    except ValueError:
        return clean_text(value)
