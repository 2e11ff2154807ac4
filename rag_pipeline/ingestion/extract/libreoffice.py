"""Old Word and PowerPoint files to new ones, by LibreOffice.

Belongs here: starting LibreOffice for one document, safely. Not here: which files need it, reading what comes out.

Macros never run, links are never updated, and the process cannot reach the network (it inherits the worker's limits). Each run has a
profile of its own, so that two workers can convert at once and a user's open LibreOffice is left alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.programs import find_program, missing_program, run_program

_MACOS = "/Applications/LibreOffice.app/Contents/MacOS/soffice"
_PACKAGES = {
    "doc": ("A Word file of the old format", "libreoffice-writer-nogui"),
    "ppt": ("A deck of the old format", "libreoffice-impress-nogui"),
}
_RESTART = 81
"""LibreOffice ends so once it has filled a new profile (EXITHELPER_NORMAL_RESTART in desktop/source/app/app.cxx)."""
_SETTINGS = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Writer/Content/Update", "Link", "0"),
    ("Calc/Content/Update", "Link", "2"),
    ("Common/Misc", "FirstRun", "false"),
)
"""Names and values as in LibreOffice's expert configuration: no macros, no links, no questions."""


def libreoffice_program() -> str | None:
    """The program that does the work, None when LibreOffice is not installed.

    ``soffice`` is a script around it, and ending a script would leave the program running.
    """
    found = find_program("soffice", "libreoffice", _MACOS)
    if found is None:
        return None
    binary = Path(found).resolve().with_name("soffice.bin")
    return str(binary) if binary.exists() else found


def converted(content: bytes, old: str, new: str) -> bytes:
    """A document in another format.

    Args:
        content: the document.
        old: the extension of its format: ``doc`` or ``ppt``.
        new: the extension of the wanted one: ``docx`` or ``pptx``.

    Raises:
        DocumentError: LibreOffice is not installed (``missing_program``), or cannot read the file (``unreadable_content``).
    """
    program = libreoffice_program()
    if program is None:
        wanted_for, package = _PACKAGES[old]
        raise missing_program(wanted_for, "LibreOffice", package)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_profile_settings())
        (folder / f"document.{old}").write_bytes(content)
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo", "--nolockcheck"]
        command += ["--convert-to", new, "--outdir", str(folder / "out"), str(folder / f"document.{old}")]
        run_program(command, environment={"HOME": name}, again_code=_RESTART)
        result = folder / "out" / f"document.{new}"
        if not result.exists():
            message = "LibreOffice could not read the file; it may be damaged. Open it in its program and save it in a modern format."
            raise DocumentError("unreadable_content", message)
        return result.read_bytes()


def _profile_settings() -> str:
    item = '<item oor:path="/org.openoffice.Office.{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'
    items = "".join(item.format(*setting) for setting in _SETTINGS)
    return f'<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'
