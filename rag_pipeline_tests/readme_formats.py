"""The README's list of formats, written from the registry: ``python -m rag_pipeline_tests.readme_formats``, a part of ``make format``.

Belongs here: the list between its two marks. Not here: what the families are called (their records).
"""

import re
from pathlib import Path
from typing import get_args

from rag_pipeline.ingestion.extract.family import Family, Group
from rag_pipeline.ingestion.extract.registry import FAMILIES

README = Path(__file__).parent.parent / "README.md"
MOST_SUFFIXES = 20
"""Nobody reads the eighty of source code."""
_LIST = re.compile(r"(?<=<!-- formats: written by `make format` -->\n).*?(?=<!-- end of formats -->)", re.DOTALL)


def formats_list() -> str:
    """A line for each group, as Markdown: however long, so that a new family changes one line."""
    return "".join(_line(group) for group in get_args(Group))


def _line(group: str) -> str:
    families = ", ".join(_named(family) for family in FAMILIES if family.group == group)
    return f"- **{group}**: {families}\n"


def _named(family: Family) -> str:
    told = family.suffixes == (family.words.lower(),) or not 0 < len(family.suffixes) <= MOST_SUFFIXES
    return family.words if told else f"{family.words} ({', '.join(family.suffixes)})"


def with_formats(readme: str) -> str:
    """The README with the list as it is to be.

    Raises:
        ValueError: the marks are gone.
    """
    if not _LIST.search(readme):
        raise ValueError("README.md lacks the marks around the list of formats.")
    return _LIST.sub(formats_list(), readme)


if __name__ == "__main__":
    README.write_text(with_formats(README.read_text(encoding="utf-8")), encoding="utf-8")
