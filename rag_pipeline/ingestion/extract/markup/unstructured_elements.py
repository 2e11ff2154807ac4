"""unstructured's elements to ours.

Belongs here: kinds, tables and headings of partitioned documents. Not here: any single format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.tables import html_table_element
from rag_pipeline.ingestion.extract.markup.bold_headings import LEVEL, Block, bold_headings
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.models import Element, ElementKind

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Partitioned

_KINDS: dict[str, ElementKind] = {
    "ListItem": "ListItem",
    "Table": "Table",
    "Header": "Header",
    "Footer": "Footer",
    "CodeSnippet": "CodeSnippet",
}
"""Categories of unstructured that keep their kind; Title is treated apart, all others are narrative text."""
_PROSE = ("NarrativeText", "UncategorizedText")


def convert(partitioned: Iterable[Partitioned], outline: Outline, page: int | None = None) -> Iterator[Element]:
    """Our elements for unstructured's, with the headings above each.

    Args:
        partitioned: elements in reading order; headings say their level in ``category_depth``, 0 being the outermost.
        outline: the headings open so far.
        page: the page of all of them.
    """
    items = [(item, text) for item in partitioned if (text := clean_text(item.text).replace("\v", "\n").strip())]  # \v: PowerPoint's break
    set_in_bold = bold_headings([Block(text, _is_bold(item), item.category in _PROSE) for item, text in items])
    for place, (item, text) in enumerate(items):
        if item.category == "Title":
            yield outline.title(text, (item.metadata.category_depth or 0) + 1, page)
        elif place in set_in_bold:
            yield outline.title(text, LEVEL, page)
        elif item.category == "Table" and item.metadata.text_as_html:
            table = html_table_element(clean_text(item.metadata.text_as_html), page, outline.path)
            yield from [table] if table else []
        else:
            yield Element(_KINDS.get(item.category, "NarrativeText"), text, page=page, heading_path=outline.path)


def _is_bold(item: Partitioned) -> bool:
    """Whether all of its words are: unstructured tells the runs of letters that stand out."""
    runs = zip(item.metadata.emphasized_text_contents or (), item.metadata.emphasized_text_tags or (), strict=False)
    bold = "".join(text for text, tag in runs if "b" in tag)
    return bool(bold) and "".join(bold.split()) == "".join(item.text.split())
