"""A sentence or table row of a passage, as it can be quoted.

Belongs here: what is known of it. Not here: how passages are cut (``segmentation.py``), the form of rows (``table_row.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_pipeline.answering.sentences.table_row import TableRow

BETWEEN_LINES = " / "
"""Where a line ended in the document, as in quoted verse."""
_BEFORE_A_VALUE = re.compile(r"([^\W\d_][^:;|]{0,60})(?::\s|\t|[ \u00a0]{3,}|(?: ?[._·…]){3,})")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or table row. ``passage`` counts from 1, ``place`` is its place in the passage; ``leans``: it refers to the one before.

    ``listed``: short lines that stand together, which may be a card or a form, or no more than a page's menu; or ``names`` one after the
    other. ``row``: the row of a table that the text was made of. ``asks``: it is a question, and what comes after it leans on it.
    ``heading``: the one that it stands under, without those above that.
    """

    passage: int
    place: int
    text: str
    leans: bool
    listed: bool = False
    names: bool = False
    row: TableRow | None = None
    asks: bool = False
    heading: str = ""

    @property
    def announces(self) -> bool:
        """Whether it only says what comes after it."""
        return self.row is None and self.text.endswith(":")

    @property
    def labels(self) -> list[str]:
        """What says what a value is: before colons; in a row its name and those of its columns; in a card any line."""
        if self.row:
            return [self.row.name, *(column for column, _ in self.row.cells)]
        return self.text.split(BETWEEN_LINES) if self.listed and not self.names else _BEFORE_A_VALUE.findall(self.text)
