"""The definitions as a reader of the Dagster UI meets them, and what loading them may cost."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rag_pipeline.privacy import TELEMETRY_OFF


def test_nothing_that_the_definitions_import_imports_them() -> None:
    """Each module of ``defs`` but the one that runs them can be imported first, alone, and leaves the definitions unloaded."""
    folder = Path(__file__).parents[2] / "rag_pipeline" / "defs"
    modules = [file.stem for file in folder.glob("*.py") if file.stem not in ("__init__", "execution")]
    code = f"import importlib, sys; [importlib.import_module('rag_pipeline.defs.' + name) for name in {modules}]\n"
    code += "assert 'rag_pipeline.definitions' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_project_is_one_that_dg_knows(tmp_path: Path) -> None:
    """As in a fresh clone: no settings, no data folder, no Dagster home."""
    root = Path(__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(root), **TELEMETRY_OFF}
    command = [str(Path(sys.executable).with_name("dg")), "list", "defs", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment)
    assert result.returncode == 0, result.stderr
    listed = json.loads(result.stdout[result.stdout.index("{") :])
    assert [len(listed[kind]) for kind in ("assets", "asset_checks", "jobs", "sensors")] == [5, 6, 1, 1]
