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
_PACKAGES = {"doc": ("A Word file of the old format", "libreoffice-writer-nogui"), "ppt": ("A deck of the old format", "libreoffice-impress-nogui")}
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
</oor:items>
"""


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
        (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS)
        (folder / f"document.{old}").write_bytes(content)
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo", "--nolockcheck"]
        run_program([*command, "--convert-to", new, "--outdir", str(folder / "out"), str(folder / f"document.{old}")], environment={"HOME": name})
        result = folder / "out" / f"document.{new}"
        if not result.exists():
            message = "LibreOffice could not read the file; it may be damaged. Open it in its program and save it in a modern format."
            raise DocumentError("unreadable_content", message)
        return result.read_bytes()
