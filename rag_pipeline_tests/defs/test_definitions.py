"""The definitions as a reader of the Dagster UI meets them, and what loading them may cost."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rag_pipeline.definitions import defs
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
    assert [len(listed[kind]) for kind in ("assets", "asset_checks", "jobs", "sensors")] == [7, 8, 4, 1]


def test_whatever_the_dagster_ui_shows_has_words_to_act_on() -> None:
    assets = {spec.key.to_user_string(): spec.description or "" for spec in defs.resolve_all_asset_specs()}
    assert [name for name, words in assets.items() if "Out of date:" not in words or "If it fails" not in words] == []
    assert all(spec.owners and spec.tags.get("layer") for spec in defs.resolve_all_asset_specs())
    checks = [spec for check in defs.asset_checks or () for spec in check.check_specs]
    assert len(checks) == 8
    others = [defs.resolve_job_def("ingest"), *(defs.sensors or ()), *defs.resolve_job_def("ingest").all_node_defs]
    assert [thing.name for thing in (*checks, *others) if not thing.description] == []
