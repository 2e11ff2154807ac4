"""Charts and diagrams of Office files: what they name and the numbers they show.

Belongs here: the parts that Word, PowerPoint and Excel have in common (DrawingML). Not here: where they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.office.drawing import paragraph_texts
from rag_pipeline.ingestion.extract.office.office_file import safe_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def chart_rows(part: bytes) -> list[list[str]]:
    """A chart as rows of cells: its titles, then a row of the names of its series, then a row for each category.

    Series over categories of their own, such as points in a plane, have such rows of their own.
    """
    root = safe_xml(part)
    if root.tag == f"{_CX}chartSpace":
        return _newer_chart_rows(root)
    rows = [[title] for title in map(_rich_text, root.iter(f"{_C}title")) if title]
    rows += [[text] for label in root.iter(f"{_C}dLbl") if (text := " ".join("".join(t.text or "" for t in label.iter(f"{_A}t")).split()))]
    series = list(root.iter(f"{_C}ser"))
    categories = [_categories(_first(one, "cat", "xVal")) for one in series]
    shared = next(filter(None, categories), {})
    own = [found or shared for found in categories]
    for shown in (categories for number, categories in enumerate(own) if categories not in own[:number]):
        rows += _series_rows(shown, [one for one, found in zip(series, own, strict=True) if found == shown])
    return rows


def _series_rows(categories: dict[int, str], series: list[_Element]) -> list[list[str]]:
    columns = [
        (" ".join(_points(one.find(f"{_C}tx")).values()), _points(values))
        for one in series
        for values in (_first(one, "val", "yVal"), one.find(f"{_C}bubbleSize"))
        if values is not None
    ]
    rows = [["", *(name for name, _ in columns)]] if any(name for name, _ in columns) else []
    for index in sorted({*categories, *(index for _, points in columns for index in points)}):
        rows.append([categories.get(index, ""), *(points.get(index, "") for _, points in columns)])
    return rows


def drawn_paragraphs(part: bytes) -> str:
    """The paragraphs of a diagram (SmartArt), a line each."""
    return "\n".join(paragraph_texts(safe_xml(part)))


def _newer_chart_rows(root: _Element) -> list[list[str]]:
    """The charts of Office 2016 (waterfall, funnel, tree map: MS-ODRAWXML 2.24.3): titles, names of series, then a row for each point."""
    rows = [[title] for element in root.iter(f"{_CX}title") if (title := _newer_text(element))]
    rows += [[name] for series in root.iter(f"{_CX}series") for text in series.findall(f"{_CX}tx") if (name := _newer_text(text))]
    for data in root.iter(f"{_CX}data"):
        columns = [_points_of(level) for level in data.iter(f"{_CX}lvl")]
        for index in sorted({index for column in columns for index in column}):
            rows.append([column.get(index, "") for column in columns])
    return rows


def _newer_text(element: _Element) -> str:
    written = "".join(run.text or "" for run in element.iter(f"{_A}t")) or "".join(value.text or "" for value in element.iter(f"{_CX}v"))
    return clean_text(" ".join(written.split()))


def _points_of(level: _Element) -> dict[int, str]:
    return {int(point.get("idx", "0")): _shown(point.text or "") for point in level.iter(f"{_CX}pt")}


def _rich_text(title: _Element) -> str:
    written = "".join(run.text or "" for run in title.iter(f"{_A}t"))
    return clean_text(" ".join(written.split()) or " ".join(_points(title).values()))


def _first(series: _Element, *names: str) -> _Element | None:
    return next((found for name in names if (found := series.find(_C + name)) is not None), None)


def _categories(element: _Element | None) -> dict[int, str]:
    """Names of categories by their index; those in groups (ECMA-376 part 1, 21.2.2.102: innermost level first) after their groups'."""
    levels = [] if element is None else [_points(level) for level in element.iter(f"{_C}lvl")]
    if not levels:
        return _points(element)
    names, *groups = levels
    return {index: " ".join([*(_group_of(index, group) for group in reversed(groups)), name]).strip() for index, name in names.items()}


def _group_of(index: int, group: dict[int, str]) -> str:
    """A group is written once, at the first of its categories."""
    return group.get(max((start for start in group if start <= index), default=-1), "")


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
