"""The walls between packages, held by reading imports: a layer that reaches past its neighbour fails here, with the line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What each package may import of our own code; the first that holds a module counts.
ALLOWED = {
    "rag_pipeline.errors": set(),
    "rag_pipeline.models": set(),
    "rag_pipeline.document_life": {"settings"},
    "rag_pipeline.access": {"errors", "settings"},
    "rag_pipeline.privacy": set(),
    "rag_pipeline.settings": {"errors"},
    "rag_pipeline.quantities": {"quantities"},
    "rag_pipeline.line_breaks": set(),
    "rag_pipeline.stores": {"document_life", "errors", "models", "settings", "stores"},
    "rag_pipeline.embedding": {"errors", "models", "privacy", "settings", "stores", "embedding"},
    "rag_pipeline.ingestion.extract": {
        "errors",
        "line_breaks",
        "models",
        "settings",
        "ingestion",
    },  # it may run where no store can be reached
    "rag_pipeline.ingestion": {"document_life", "errors", "models", "settings", "stores", "embedding", "ingestion"},
    "rag_pipeline.answering": {"errors", "line_breaks", "models", "privacy", "quantities", "settings", "stores", "embedding", "answering"},
    "rag_pipeline.evaluation": {"errors", "models", "quantities", "settings", "stores", "ingestion", "answering", "evaluation"},
    "rag_pipeline.backup": {"access", "errors", "settings", "stores", "ingestion", "backup"},
    "rag_pipeline.settings_in_force": {"settings"},
    "rag_pipeline.installing": set(),
    "rag_pipeline.doctor": {"answering", "embedding", "errors", "ingestion", "installing", "privacy", "settings", "stores"},
    "rag_pipeline.defs": {"document_life", "errors", "models", "settings", "stores", "ingestion", "evaluation", "defs", "definitions"},
}
OUTERMOST = ("rag_pipeline.definitions", "rag_pipeline.cli", "rag_pipeline.__main__", "ui")
THIRD_PARTY = {
    "dagster": ("rag_pipeline.defs", "rag_pipeline.definitions"),
    "celery": ("rag_pipeline.defs.distributed",),
    "redis": ("rag_pipeline.defs.distributed", "ui.web.rate_limit"),
    "throttled": ("ui.web.rate_limit",),
    "duckdb": ("rag_pipeline.stores",),
    "qdrant_client": ("rag_pipeline.stores",),
    "qdrant_edge": ("rag_pipeline.stores",),
    "sqlalchemy": ("rag_pipeline.stores",),
    "alembic": ("rag_pipeline.stores",),
    "gradio": ("ui",),
    "sentence_transformers": ("rag_pipeline.embedding", "rag_pipeline.answering.retrieval.reranking"),
    "unstructured": ("rag_pipeline.ingestion.extract",),
}


def modules() -> list[tuple[str, Path]]:
    files = [file for package in ("rag_pipeline", "ui") for file in sorted((ROOT / package).rglob("*.py"))]
    return [(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), file) for file in files]


def imports(file: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [
                (node.lineno, f"{node.module}.{alias.name}" if node.module == "rag_pipeline" else node.module) for alias in node.names
            ]
    return found


def is_below(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize(("module", "file"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_respect_the_walls(module: str, file: Path) -> None:
    rules = [allowed for package, allowed in ALLOWED.items() if is_below(module, package)]
    for line, name in imports(file):
        for library, packages in THIRD_PARTY.items():
            if is_below(name, library):
                assert any(is_below(module, package) for package in packages), f"{file}:{line} imports {name}"
        if is_below(name, "rag_pipeline") and rules:
            layer = name.split(".")[1]
            assert layer in rules[0], f"{file}:{line} imports {name}"


def imported_modules(known: dict[str, Path]) -> dict[str, set[str]]:
    """What of ours each module imports, at its beginning or in a function. That packages load before what is in them does not count."""
    graph: dict[str, set[str]] = {}
    for module, file in known.items():
        graph[module] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                graph[module].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                graph[module].update(name if name in known else node.module for name in names)
        graph[module] &= known.keys()
    return graph


def reached(graph: dict[str, set[str]], module: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[module])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def test_no_imports_go_in_a_circle() -> None:
    """Imports inside functions count: they hide a circle, they do not break it."""
    graph = imported_modules(dict(modules()))
    reach = {module: reached(graph, module) for module in graph}
    circles = {tuple(sorted(other for other in reach[module] if module in reach[other])) for module in graph if module in reach[module]}
    assert sorted(circles) == []


def test_every_module_has_its_place() -> None:
    places = (*ALLOWED, *OUTERMOST)
    assert [name for name, _ in modules() if name != "rag_pipeline" and not any(is_below(name, place) for place in places)] == []


def test_no_question_opens_the_catalog() -> None:
    """A run that writes keeps it to itself for as long as that takes; what answers need is in the index."""
    for module, file in modules():
        if is_below(module, "rag_pipeline.answering") or module in ("ui.views.passage_page", "ui.views.surroundings", "ui.views.citations"):
            assert not [name for _, name in imports(file) if is_below(name, "rag_pipeline.stores.catalog")], module


def test_the_app_knows_no_dagster() -> None:
    """The app reaches Dagster over HTTP only."""
    for module, file in modules():
        if is_below(module, "ui"):
            reached = [name for _, name in imports(file)]
            assert not [n for n in reached if is_below(n, "dagster") or is_below(n, "rag_pipeline.defs")], module


def test_definitions_load_without_the_slow_or_the_outside() -> None:
    """Definitions load in every process of Dagster: no model library, no environment, no file, no network."""
    code = (
        "import sys, socket, os\n"
        "def refuse(*a, **k): raise AssertionError('network at definition load')\n"
        "socket.socket.connect = refuse\n"
        "import rag_pipeline.definitions\n"
        "slow = {'celery', 'sentence_transformers', 'torch', 'transformers', 'unstructured', 'gradio', 'openai', 'pandas'}\n"
        "slow &= set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, env={"RAG_TOP_K": "not a number"})
    assert result.returncode == 0, result.stderr


def test_the_command_line_starts_without_the_slow() -> None:
    code = (
        "import sys; import rag_pipeline.cli.commands\n"
        "slow = {'sentence_transformers', 'torch', 'dagster', 'gradio', 'openai', 'polars', 'duckdb'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
