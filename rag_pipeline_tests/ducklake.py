"""DuckDB with the extensions of a DuckLake, for child processes of tests: apart from the product's own DuckDB, whose version has none as
packages. ``python -m rag_pipeline_tests.ducklake`` installs it; ``make test`` does that.

Belongs here: installing it, the environment of processes that use it. Not here: tests.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rag_pipeline_tests.programs import skip

VERSION = "1.5.5"
EXTENSIONS = ("ducklake", "postgres", "httpfs")
_PLACE = Path(sys.prefix) / "ducklake"
_PACKAGES = _PLACE / "packages"
_INSTALLED = _PLACE / VERSION


def environment(**more: str) -> dict[str, str]:
    """Variables for a process that imports this DuckDB, and finds what an operator has installed once."""
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(_PACKAGES), str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "HOME": str(_PLACE), **more}


def require() -> None:
    """Skip the test where it is not installed; in continuous integration fail it."""
    if not _INSTALLED.exists():
        reason = "needs DuckDB with a DuckLake (python -m rag_pipeline_tests.ducklake)"
        skip(reason)


def install_apart(place: Path, packages: Sequence[str]) -> None:
    """Packages without what they depend on, in a folder that no other process looks into."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--upgrade", "--target", str(place), *packages], check=True)


def install() -> None:
    if _INSTALLED.exists():
        return
    packages = [f"duckdb=={VERSION}", *(f"duckdb-extension-{name}=={VERSION}" for name in EXTENSIONS)]
    install_apart(_PACKAGES, packages)
    files = [_PACKAGES / f"duckdb_extension_{name}/extensions/v{VERSION}/{name}.duckdb_extension" for name in EXTENSIONS]
    install_them = f"import duckdb; [duckdb.execute(f'INSTALL {{file!r}}') for file in {[str(file) for file in files]!r}]"
    subprocess.run([sys.executable, "-c", install_them], check=True, env=environment())
    for file in files:
        file.unlink()  # a copy of it is what was installed
    _INSTALLED.touch()


if __name__ == "__main__":
    install()
