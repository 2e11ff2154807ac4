"""The parts of an Office Open XML file and how they refer to each other (ECMA-376, part 2: Open Packaging Conventions).

Belongs here: finding a part by what it is to another one. Not here: what parts mean, opening and checking the file (``office_file``).

The libraries that know the formats open all parts or none, so one damaged part would cost the file; here each is read by itself.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from rag_pipeline.ingestion.extract.office.office_file import safe_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part has another one for: ``kind`` is the last step of the relation's type (``slide``), ``part`` a member's name."""

    kind: str
    part: str

    @property
    def name(self) -> str:
        """The part's name without its folder."""
        return posixpath.basename(self.part)


class Package:
    """An open file. Names are those of the archive's members; ``""`` stands for the package itself."""

    def __init__(self, content: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(content)
        self._names = {name.lower(): name for name in self._archive.namelist()}  # names of parts know no case (part 2, 6.2.2.3)

    def names(self, folder: str = "") -> list[str]:
        """The members below a folder, in the order of their names."""
        return sorted(name for name in self._archive.namelist() if name.startswith(folder))

    def blob(self, part: str) -> bytes:
        """The bytes of a part.

        Raises:
            KeyError: there is none.
        """
        return self._archive.read(self._names.get(part.lower(), part))

    def xml(self, part: str) -> _Element:
        """The root of a part.

        Raises:
            KeyError: there is none. SyntaxError: it is no XML.
        """
        return safe_xml(self.blob(part))

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part refers to inside the package, by the ids that it uses for it.

        Raises:
            SyntaxError: the list is no XML.
        """
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed.lower() not in self._names:
            return {}
        return {
            one.get("Id", ""): Relation(one.get("Type", "").rpartition("/")[2], resolved(folder, one.get("Target", "")))
            for one in self.xml(listed).iter(RELATIONSHIP)
            if one.get("TargetMode") != "External"
        }

    def related(self, part: str, kind: str) -> list[Relation]:
        """What a part refers to as this, each once."""
        return list(dict.fromkeys(one for one in self.relations(part).values() if one.kind == kind))


def resolved(folder: str, target: str) -> str:
    """The member's name that a relation of a part in ``folder`` leads to."""
    return posixpath.normpath(posixpath.join("/", folder, unquote(target).replace("\\", "/"))).lstrip("/")
