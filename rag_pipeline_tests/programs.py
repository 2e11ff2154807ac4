"""The programs of the system that tests need: how each is found, and what to install.

Belongs here: one entry a program, and the mark for tests that need it. Not here: starting any.
A test names exactly what it needs. Where that is missing the test is skipped and says why; in continuous integration (CI=true) it fails,
so that nothing goes unchecked unseen. ``.ci/run`` installs the packages that are named here.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from rag_pipeline.ingestion.extract.archive.libarchive import library
from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages
from rag_pipeline.ingestion.extract.process.libreoffice import Component, libreoffice_program

_BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
"""First the one without windows: it shows a page as the others do, and draws no tabs and menus around it that nobody sees."""

_POSTGRESQL = Path("/usr/lib/postgresql")
"""Where Debian keeps the server's programs, a folder a version; they are on no PATH."""

_SYSTEM_PROGRAMS = Path("/usr/sbin")
"""On no user's PATH."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a test needs: its name, Debian's package, and whether it is here now."""

    name: str
    package: str
    installed: Callable[[], object]


def browser_program() -> str | None:
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def firefox_program() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


def postgresql_programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``."""
    if versions := sorted(_POSTGRESQL.glob("*/bin")):
        return versions[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _libreoffice(component: Component) -> Program:
    return Program(f"LibreOffice {component.capitalize()}", f"libreoffice-{component}-nogui", lambda: libreoffice_program(component))


BROWSER = Program("a browser", "chromium-headless-shell", browser_program)
FIREFOX = Program("Firefox", "firefox-esr", firefox_program)
POSTGRESQL = Program("PostgreSQL", "postgresql", postgresql_programs)
NGINX = Program("nginx", "nginx-light", lambda: shutil.which("nginx", path=f"{os.environ['PATH']}:{_SYSTEM_PROGRAMS}"))
REDIS = Program("Redis", "redis-server", lambda: shutil.which("redis-server"))
TESSERACT = Program("Tesseract with English", "tesseract-ocr", lambda: "eng" in tesseract_languages())
LIBARCHIVE = Program("libarchive", "libarchive13", library)
ZIP = Program("Info-ZIP", "zip", lambda: shutil.which("zip"))
WRITER = _libreoffice("writer")
IMPRESS = _libreoffice("impress")
CALC = _libreoffice("calc")
DRAW = _libreoffice("draw")
ALL = (BROWSER, FIREFOX, NGINX, POSTGRESQL, REDIS, TESSERACT, WRITER, IMPRESS, CALC, DRAW, LIBARCHIVE, ZIP)


def needs(*programs: Program) -> pytest.MarkDecorator:
    """A mark for tests that need these programs; see :func:`require`."""
    return pytest.mark.needs(*programs)


def require(*programs: Program) -> None:
    """Skip the test where a program is missing; in continuous integration fail it."""
    missing = [program for program in programs if not program.installed()]
    if missing:
        names = " and ".join(program.name for program in missing)
        reason = f"needs {names} (apt install {' '.join(program.package for program in missing)})"
        skip(reason)


def skip(reason: str) -> NoReturn:
    """Skip the test; in continuous integration fail it."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason)
    pytest.skip(reason)
