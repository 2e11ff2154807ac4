"""The packaged model's light runtime, and which runtime is the fastest here: found out once for all tests, as an installation does once.

Each data folder would find it out anew, ten seconds of processor time. How that goes is tested in ``embedding/``, which gets none of this.
"""

import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from rag_pipeline.settings import PACKAGED_MODEL


def made_model(base: Path) -> Path:
    """A data folder that has it, shared by all processes of a test run. ``base``: pytest's own temporary folder."""
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / "made-model"
    with FileLock(root / "made-model.lock"):
        if not folder.exists():
            making = root / "model-being-made"
            preparing = [sys.executable, "-m", "rag_pipeline.embedding.preparation", str(making), PACKAGED_MODEL, "auto", "auto"]
            subprocess.run(preparing, check=True, timeout=300, stdout=subprocess.DEVNULL)
            making.rename(folder)
    return folder


def put_into(data: Path, made: Path) -> None:
    """Give a data folder what another one has, as links: nobody changes these files in place."""
    for file in (file for file in made.glob("models/*/*") if file.is_file()):
        target = data / file.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)
    known = (made / "models.json").read_text()
    (data / "models.json").write_text(known.replace(str(made.with_name("model-being-made")), str(data)))
