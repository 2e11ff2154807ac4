"""The rooms of the app: what each may import, and that markup is in templates only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ui

ROOT = Path(ui.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
MAY_IMPORT = {
    "views": {"views"},
    "web": {"views", "web"},
    "api": {"views", "web", "api"},
    "pages": {"views", "web", "pages"},
}
PUTS_ALL_TOGETHER = {"web/app.py", "__main__.py"}
MARKUP = re.compile(r"<([a-zA-Z/]|!--|!doctype)", re.IGNORECASE)


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imported(file: Path) -> set[str]:
    """The modules of the app that one imports, as ``web.services``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and (node.module + ".").startswith("ui."):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name for name in whole if module_file(name)} | {node.module for name in whole if not module_file(name)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if (alias.name + ".").startswith("ui.")}
    return {name.removeprefix("ui").removeprefix(".") for name in found}


def module_file(name: str) -> Path | None:
    path = ROOT.parent.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


@pytest.mark.parametrize("file", [file for file in MODULES if name_of(file) not in PUTS_ALL_TOGETHER and file.parent != ROOT], ids=name_of)
def test_a_room_imports_only_those_behind_it(file: Path) -> None:
    room = name_of(file).split("/")[0]
    assert {name.split(".")[0] for name in imported(file)} <= MAY_IMPORT[room]
    assert "web.app" not in imported(file)


def test_no_module_imports_itself_by_way_of_others() -> None:
    reached = {name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", "."): imported(file) for file in MODULES}
    assert sum(map(len, reached.values())) > 50
    for _ in reached:
        reached = {name: direct.union(*(reached.get(one, set()) for one in direct)) for name, direct in reached.items()}
    assert [name for name, all_reached in reached.items() if name in all_reached] == []


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Strings that a module uses, pieces of f-strings too; strings that stand alone are docstrings, or as good as."""
    tree = ast.parse(file.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def test_markup_is_in_templates_only() -> None:
    assert [(name_of(file), line, text) for file in MODULES for line, text in texts(file) if MARKUP.search(text)] == []


def test_what_is_looked_for_is_found(tmp_path: Path) -> None:
    module = tmp_path / "page.py"
    module.write_text('"""Not <b>this</b>."""\nimport ui.views\nfrom ui.web import app\nname = f"<p>{1}</p>"\n')
    assert [line for line, text in texts(module) if MARKUP.search(text)] == [4, 4]
    assert imported(module) == {"views", "web.app"}
