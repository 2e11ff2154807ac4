"""The command that installs a program on this system, by its package manager.

Belongs here: names of packages. Not here: which programs are missing (``doctor.py``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Literal

Program = Literal["tesseract", "libarchive", "libreoffice-writer", "libreoffice-impress", "libreoffice-calc", "libreoffice-draw"]

_COMMANDS = {"apt-get": "apt install", "dnf": "dnf install", "pacman": "pacman -S", "brew": "brew install"}
"""Program that tells the system → the command, in the order in which they are looked for."""
_PACKAGES: Mapping[Program, Mapping[str, str]] = {
    "tesseract": {"apt-get": "tesseract-ocr", "dnf": "tesseract", "pacman": "tesseract", "brew": "tesseract"},
    "libarchive": {"apt-get": "libarchive13", "dnf": "libarchive", "pacman": "libarchive", "brew": "libarchive"},
    "libreoffice-writer": {
        "apt-get": "libreoffice-writer-nogui", "dnf": "libreoffice-writer", "pacman": "libreoffice-fresh", "brew": "--cask libreoffice",
    },
    "libreoffice-impress": {
        "apt-get": "libreoffice-impress-nogui", "dnf": "libreoffice-impress", "pacman": "libreoffice-fresh", "brew": "--cask libreoffice",
    },
    "libreoffice-calc": {
        "apt-get": "libreoffice-calc-nogui", "dnf": "libreoffice-calc", "pacman": "libreoffice-fresh", "brew": "--cask libreoffice",
    },
    "libreoffice-draw": {
        "apt-get": "libreoffice-draw-nogui", "dnf": "libreoffice-draw", "pacman": "libreoffice-fresh", "brew": "--cask libreoffice",
    },
}  # fmt: skip
_LANGUAGE_PACK = {"apt-get": "tesseract-ocr-{}", "dnf": "tesseract-langpack-{}", "pacman": "tesseract-data-{}", "brew": "tesseract-lang"}


def command_for(program: Program) -> str:
    """``sudo apt install tesseract-ocr``; empty where no package manager is there that is known here."""
    manager = _manager()
    return _command(manager, [_PACKAGES[program][manager]]) if manager else ""


def command_for_languages(languages: Iterable[str]) -> str:
    """The same for Tesseract's languages, named as Tesseract does (``deu``, ``chi_sim``)."""
    manager = _manager()
    if not manager:
        return ""
    # Debian's names of packages have no underscores.
    names = (one.replace("_", "-") if manager == "apt-get" else one for one in languages)
    return _command(manager, dict.fromkeys(_LANGUAGE_PACK[manager].format(name) for name in names))


def _manager() -> str:
    return next((name for name in _COMMANDS if shutil.which(name)), "")


def _command(manager: str, packages: Iterable[str]) -> str:
    as_administrator = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
    return f"{as_administrator}{_COMMANDS[manager]} {' '.join(packages)}"
