"""What keeps the house easy to find one's way in: short functions, small folders, pages of documentation that name what exists."""

import ast
import re
import statistics
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("rag_pipeline", "ui")
MOST_LINES = 40
MEDIAN_LINES = 8
NINE_OF_TEN_LINES = 18
MOST_FILES = 20
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PATH = re.compile(r"`((?:rag_pipeline|rag_pipeline_tests|ui|docs|bench)/[\w./-]*)`")


def functions() -> dict[str, int]:
    """Where each function stands → its lines, decorators not counted."""
    found = {}
    for file in (file for package in OURS for file in sorted((ROOT / package).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    return found


def test_functions_are_short() -> None:
    lengths = functions()
    assert [(name, length) for name, length in lengths.items() if length > MOST_LINES] == []
    assert statistics.median(lengths.values()) <= MEDIAN_LINES
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= NINE_OF_TEN_LINES


def test_folders_are_small() -> None:
    folders = Counter(
        file.parent.relative_to(ROOT)
        for package in (*OURS, "rag_pipeline_tests", "bench", "docs")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    assert {str(folder): count for folder, count in folders.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    named = _PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
