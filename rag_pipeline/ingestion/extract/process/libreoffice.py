"""Old office files to new ones, by LibreOffice.

Belongs here: starting LibreOffice for one document, safely. Not here: which files need it, reading what comes out.

Macros never run, links are never updated, and the process cannot reach the network (it inherits the worker's limits). Each run has a
profile of its own, so that two workers can convert at once and a user's open LibreOffice is left alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.process.programs import find_program, missing_program, run_program

Component = Literal["writer", "impress", "calc", "draw"]

_MACOS = "/Applications/LibreOffice.app/Contents/MacOS/soffice"
_NEEDED: dict[str, tuple[str, Component]] = {
    "doc": ("A Word file of the old format", "writer"),
    "ppt": ("A deck of the old format", "impress"),
    "xls": ("A workbook of the old format", "calc"),
    "ods": ("A workbook that only LibreOffice reads", "calc"),
    "sxw": ("A text of OpenOffice.org 1", "writer"),
    "sxi": ("A deck of OpenOffice.org 1", "impress"),
    "sxc": ("A workbook of OpenOffice.org 1", "calc"),
    "wk1": ("A sheet of Lotus 1-2-3", "calc"),
    "wb1": ("A sheet of Quattro Pro", "calc"),
    "wks": ("A sheet or database of Works", "calc"),
    "sdc": ("A workbook of StarOffice", "calc"),
    "wps": ("A text of Works", "writer"),
    "wpd": ("A text of WordPerfect", "writer"),
    "wri": ("A text of Windows Write", "writer"),
    "dos": ("A text of Word for DOS", "writer"),
    "hwp": ("A text of Hangul", "writer"),
    "sdw": ("A text of StarOffice", "writer"),
    "sdd": ("A deck of StarOffice", "impress"),
    "sda": ("A drawing of StarOffice", "draw"),
    "vsd": ("A Visio drawing of the old format", "draw"),
    "pub": ("A publication of Publisher", "draw"),
}
_LIBRARIES: dict[Component, str] = {"writer": "libswlo.so", "impress": "libsdlo.so", "calc": "libsclo.so", "draw": "libsdlo.so"}
"""Half of what a Linux distribution leaves out with a component's package; the other half is the component's part of the registry."""
_FILTERS = {
    "xls": "MS Excel 97",
    "xlsb": "Calc MS Excel 2007 Binary",
    "ods": "calc8",
    "sxc": "StarOffice XML (Calc)",
    "wk1": "WPS_Lotus_Calc",
    "wb1": "WPS_QPro_Calc",
    "wks": "MS_Works_Calc",
    "sdc": "StarOffice_Spreadsheet",
    "wps": "MS_Works",
    "wpd": "WordPerfect",
    "wri": "MS_Write",
    "dos": "DosWord",
    "hwp": "writer_MIZI_Hwp_97",
    "sdw": "StarOffice_Writer",
    "sdd": "StarOffice_Presentation",
    "sda": "StarOffice_Drawing",
    "vsd": "Visio Document",
    "pub": "Publisher Document",
}
"""What reads a file that LibreOffice would otherwise take for a text, its bytes for words, where it cannot make it out."""
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


def libreoffice_program(component: Component) -> str | None:
    """The program that does the work, None when LibreOffice or this component of it is not installed.

    ``soffice`` is a script around it, and ending a script would leave the program running. Linux distributions package each component
    by itself, and without the right one LibreOffice says of any file only that it could not be loaded: so we look for what the package
    brings. Elsewhere (macOS) LibreOffice comes whole.
    """
    found = find_program("soffice", "libreoffice", _MACOS)
    if found is None:
        return None
    binary = Path(found).resolve().with_name("soffice.bin")
    if not binary.exists():
        return found
    registry = binary.parent.with_name("share") / "registry"
    parts = (registry / f"{component}.xcd", binary.with_name(_LIBRARIES[component]))
    return str(binary) if not registry.is_dir() or all(part.exists() for part in parts) else None


def converted(content: bytes, old: str, new: str) -> bytes:
    """A document in another format.

    Args:
        content: the document.
        old: the extension of its format, such as ``doc``.
        new: the extension of the wanted one, such as ``docx``.

    Raises:
        DocumentError: LibreOffice or its component is not installed (``missing_program``), or it cannot read the file
            (``unreadable_content``).
    """
    wanted_for, component = _NEEDED[old[:3]]
    program = libreoffice_program(component)
    if program is None:
        raise missing_program(wanted_for, f"LibreOffice {component.capitalize()}", f"libreoffice-{component}-nogui")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_profile_settings())
        (folder / f"document.{old}").write_bytes(content)
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo", "--nolockcheck"]
        command += [f"--infilter={_FILTERS[old]}"] if old in _FILTERS else []
        command += ["--convert-to", new, "--outdir", str(folder / "out"), str(folder / f"document.{old}")]
        ended = ""
        try:
            run_program(command, environment={"HOME": name}, again_code=_RESTART)
        except DocumentError as error:  # it crashed
            ended = f" {error}"
        result = folder / "out" / f"document.{new}"
        if ended or not result.exists():
            message = f"LibreOffice could not read the file: it may be damaged. Open it in its program and save it as .{new}.{ended}"
            raise DocumentError("unreadable_content", message)
        return result.read_bytes()


def _profile_settings() -> str:
    item = '<item oor:path="/org.openoffice.Office.{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'
    items = "".join(item.format(*setting) for setting in _SETTINGS)
    return f'<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'
