"""Numbers stand in one record, say where they come from, and another record can be run with."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

import rag_pipeline.answering
from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Answered, AnswerEvent, Refused, Retrieved
from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.conftest import events_of

FOLDER = Path(rag_pipeline.answering.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
RECORD = FOLDER / "tuning.py"
NEUTRAL = (0, 1)
"""Nothing and one, the first and the last, all of it: they tune nothing, and neither do their negatives."""
THIRD = 2
"""The third of what a call gives, or two of a sequence: only within a subscript."""
SOURCES = ("Measured", "By definition", "Reasoned")


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, complex)


def fields_of(tree: ast.Module) -> Iterator[tuple[ast.AnnAssign, str]]:
    """The fields of a module's classes, and the string below each."""
    for record in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for field, below in zip(record.body, [*record.body[1:], ast.Pass()], strict=True):
            if isinstance(field, ast.AnnAssign):
                said = below.value if isinstance(below, ast.Expr) else None
                yield field, str(said.value) if isinstance(said, ast.Constant) else ""


def numbers_in(node: ast.AST) -> list[ast.Constant]:
    return [one for one in ast.walk(node) if is_number(one)]


def bare_numbers(tree: ast.Module, *, record: bool = False) -> list[int]:
    """The lines of numbers that mean something and have no name."""
    named = {number for field, _ in fields_of(tree) if record and field.value for number in numbers_in(field.value)}
    third = {n for part in ast.walk(tree) if isinstance(part, ast.Subscript) for n in numbers_in(part.slice) if n.value == THIRD}
    assigned = (node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value)
    constants = {number for value in assigned for number in numbers_in(value)}
    meaning = [n for n in numbers_in(tree) if n in constants or not (n.value in NEUTRAL or n in third or n in named)]
    return sorted({number.lineno for number in meaning})


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_no_part_of_answering_holds_a_number_of_its_own(file: Path) -> None:
    assert bare_numbers(ast.parse(file.read_text(encoding="utf-8")), record=file == RECORD) == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("def f(a):\n    return a[2] + a[:2] + a[-1] * 1.0 + 0", []),
        ("def f(a):\n    return a / 2", [2]),
        ("def f(a, b=0.5):\n    return a[3:]", [1, 2]),
        ("LIMIT = 1", [1]),
        ("SHARES = (0, 1)\nNAMES = ('a', 'b')", [1]),
        ("class A:\n    size: int = 5", [2]),
    ],
)
def test_what_counts_as_a_number_of_its_own(code: str, lines: list[int]) -> None:
    assert bare_numbers(ast.parse(code)) == lines


def test_every_number_says_where_it_comes_from() -> None:
    told = {ast.unparse(field.target): text for field, text in fields_of(ast.parse(RECORD.read_text(encoding="utf-8"))) if text}
    numbers = {name for group in fields(TUNING) for name in names(group.name)}
    assert numbers == told.keys()
    assert [name for name, text in told.items() if not any(source in text for source in SOURCES)] == []


def test_every_number_is_used() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES]
    read = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert [name for group in fields(TUNING) for name in (group.name, *names(group.name)) if name not in read] == []


def names(group: str) -> list[str]:
    return [field.name for field in fields(getattr(TUNING, group))]


async def test_an_experiment_runs_with_other_numbers(library_settings: Settings) -> None:
    question = "When was the Iron Bridge opened?"
    as_shipped = await events_of(build_answerer(library_settings), question)
    assert isinstance(as_shipped[-1], Answered)
    stricter = replace(TUNING, refusal=replace(TUNING.refusal, convincing=2.0))
    assert isinstance((await events_of(build_answerer(library_settings, stricter), question))[-1], Refused)
    by_meaning = replace(TUNING, ranking=replace(TUNING.ranking, coverage=0.0, rank=0.0, pairs=0.0, name=0.0))
    found, otherwise = scores(as_shipped), scores(await events_of(build_answerer(library_settings, by_meaning), question))
    assert found != otherwise
    assert found.keys() == otherwise.keys()


def scores(events: Sequence[AnswerEvent]) -> dict[str, float]:
    return {hit.chunk_id: hit.score for event in events if isinstance(event, Retrieved) for hit in event.hits}
