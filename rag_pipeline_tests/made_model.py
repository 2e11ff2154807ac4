"""The packaged model's light runtime, made once for all tests, as an installation does once. It embeds in bulk too, whatever is faster.

Each data folder would make it anew, ten seconds of processor time; and on a processor that calculates in bfloat16, or that was too busy to
be measured, each process with much to embed would load PyTorch for as long again. How a runtime is chosen is tested in ``embedding/``.
"""

import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

SAID = "said-while-it-was-made"
"""A file: what a program got that had something to embed meanwhile, and what it was told to take for much, a line each. Making it takes as
long as half a minute, so that is asked in the one process that has to wait for it anyway."""
_WHO_READS_MEANWHILE = """
import sys
from rag_pipeline.embedding.embedder import _choice_of_preparation, begin_preparation, load_embedder
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.embedding.runtime_choice import LIGHT, Measurement, keep_choice
from rag_pipeline.settings import load_settings
settings = load_settings()
model = locate_model(settings)
begin_preparation(model, settings)
few = load_embedder(model, settings, 1)
print(type(few).__name__, "torch" in sys.modules)
print(_choice_of_preparation(model, settings), "torch" in sys.modules)
keep_choice(model, settings, Measurement({LIGHT: 1.0}, steady=True))
"""


def made_model(base: Path) -> Path:
    """A data folder that has it, shared by all processes of a test run. ``base``: pytest's own temporary folder."""
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / "made-model"
    with FileLock(root / "made-model.lock"):
        if not folder.exists():
            making = root / "model-being-made"
            making.mkdir(exist_ok=True)
            reading = [sys.executable, "-c", _WHO_READS_MEANWHILE]
            outside = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
            with (making / SAID).open("w") as said:
                subprocess.run(reading, env={**outside, "RAG_DATA_DIR": str(making)}, cwd=making, check=True, timeout=300, stdout=said)
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
