"""What a document says of itself: title, author, subject, keywords, description.

Belongs here: which of it is worth reading, and where it stands. Not here: where a format keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import PurePath

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.models import Element

_FIRST_ELEMENTS = 12
"""A title or author that stands on the first lines is not told twice."""
_LONGEST = 2000
_PRINTED_FROM = re.compile(r"^microsoft (?:office )?(?:word|powerpoint|excel|publisher|outlook)\s*-\s*", re.IGNORECASE)
"""What printing to PDF puts before the name of the document."""
_DEFAULTS = re.compile(
    r"(?:python-docx|python-pptx|openpyxl|steve canny|apache poi|generated (?:by|using) python-(?:docx|pptx)|document\d*|word document|"
    r"powerpoint[ -]presentation|presentation|microsoft (?:word|excel|powerpoint|office)\b.*|(?:slide|folie|diapositive) \d+|"
    r"(?:untitled|unnamed|no title|unknown|anonymous|none|title|document)?[\W\d_]*|user|owner|author|admin(?:istrator)?|"
    r"(?:windows|microsoft office|office) ?(?:user|-anwender)|"
    r".*\.(?:[a-z]{3,4}|ps|ai|fm|md|p65))",
    re.IGNORECASE,
)
"""What programs write where nobody has written anything; a title that is a file's name."""


def with_properties(
    properties: Mapping[str, str], elements: Iterable[Element], file_name: str, page: int | None = None
) -> Iterator[Element]:
    """The elements of a document behind a few lines on it; nothing for a document without elements.

    Args:
        properties: what it says of itself, by the name to be shown: ``Title``, ``Author``, ``Subject``, ``Keywords``,
            ``Category``, ``Description``.
        elements: what it says.
        file_name: its own, which is no title.
        page: the page to show for the lines.
    """
    rest = iter(elements)
    first = list(islice(rest, _FIRST_ELEMENTS))
    said = _letters(" ".join(element.text for element in first))
    told = {name: _PRINTED_FROM.sub("", " ".join(clean_text(value).split()))[:_LONGEST] for name, value in properties.items()}
    own_name = _letters(PurePath(file_name).stem)
    wanted = {name: value for name, value in told.items() if _letters(value) not in ("", own_name) and _DEFAULTS.fullmatch(value) is None}
    lines = [f"{name}: {value}" for name, value in wanted.items() if _letters(value) not in said]
    if first and lines:
        yield Element("NarrativeText", "\n".join(lines), page=page)
    yield from chain(first, rest)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
