"""Which programs the tests of this folder need."""

import os
import shutil

import pytest


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip a test where a program is not installed; in CI it fails instead."""
    missing = shutil.which(program) is None and os.environ.get("CI", "").lower() not in ("true", "1")
    return pytest.mark.skipif(missing, reason=f"needs {program} (apt install {package})")


needs_tesseract = needs("tesseract", "tesseract-ocr")
needs_libreoffice = needs("soffice", "libreoffice-writer-nogui libreoffice-impress-nogui libreoffice-calc-nogui")
