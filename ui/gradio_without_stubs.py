"""Gradio without what it writes for editors: at each import it derives a ``.pyi`` of every component and writes it beside the module.

That takes a quarter of the processor time of the app's start, 1.2 s, and nobody who runs the app reads it. There is no switch for it, and
it happens while Gradio is imported: so the function is taken away as soon as the module is there that has it.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE, _FUNCTION = "gradio.component_meta", "create_or_modify_pyi"


def import_without_stubs() -> None:
    """Whoever imports Gradio after this does so sooner. Nothing is imported by it."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _MODULE else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_take_away(module: ModuleType) -> None:
            run(module)
            if hasattr(module, _FUNCTION):
                setattr(module, _FUNCTION, _write_nothing)

        spec.loader.exec_module = run_and_take_away  # type: ignore[method-assign]
        return spec


def _write_nothing(component: type, name: str, events: object) -> None:
    pass
