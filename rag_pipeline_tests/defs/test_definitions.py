"""The definitions as a reader of the Dagster UI meets them, and what loading them may cost."""

import subprocess
import sys
from pathlib import Path


def test_nothing_that_the_definitions_import_imports_them() -> None:
    """Each module of ``defs`` but the one that runs them can be imported first, alone, and leaves the definitions unloaded."""
    folder = Path(__file__).parents[2] / "rag_pipeline" / "defs"
    modules = [file.stem for file in folder.glob("*.py") if file.stem not in ("__init__", "execution")]
    code = f"import importlib, sys; [importlib.import_module('rag_pipeline.defs.' + name) for name in {modules}]\n"
    code += "assert 'rag_pipeline.definitions' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
