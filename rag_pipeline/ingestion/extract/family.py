"""What the product knows of a family of document formats: one record, from which all that lists formats is made.

Belongs here: the form of the record. Not here: any family (``pdf/family.py`` and its like), which there are (``registry``),
the order in which detection asks (``media_types``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag_pipeline.ingestion.extract.source import Reader

Group = Literal["Documents", "Web and markup", "Data and code", "Mail", "Scans and pictures", "Archives"]
"""What families are listed under, in the README and in this order."""
Container = Literal["text", "zip", "ole"]


@dataclass(frozen=True, slots=True)
class Opening:
    """A beginning that tells what a text is though its name says something else.

    Attributes:
        pattern: matched with the first 256 bytes in small letters, without byte order mark and blanks.
        overrules: the media types that give way to it where the name says them; None is a name that says nothing.
    """

    pattern: re.Pattern[bytes]
    overrules: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A media type, what tells it, and what reads it.

    Attributes:
        media_type: unique among all families.
        reader: a function that imports its module, and with it its libraries, when it is called.
        suffixes: of names, in small letters and without the dot. They decide where the bytes leave it open.
        container: what the bytes are like in which the suffixes decide; None where only a signature tells the format.
        signature: what the first bytes of any file of this format match.
        named_signature: what they match where the name has one of the suffixes too.
        zip_folder: a folder that the members of such an archive are in.
        zip_mimetype: what the member ``mimetype`` says that stands first in such an archive (OpenDocument 1.3 part 2, 3.3).
        openings: for texts.
    """

    media_type: str
    reader: Reader
    suffixes: tuple[str, ...] = ()
    container: Container | None = None
    signature: re.Pattern[bytes] | None = None
    named_signature: re.Pattern[bytes] | None = None
    zip_folder: bytes = b""
    zip_mimetype: re.Pattern[str] | None = None
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Formats that are read by the same code, and so are out of date together when it gets better.

    Attributes:
        name: a short one, unique.
        words: how the README, the app and errors name it, within a sentence.
        group: where the README lists it.
        formats: its media types.
        version: part of the key of what its documents say: raised when one of them may give other elements than before, which are
            then read again, and no others. A new family begins at "1".
    """

    name: str
    words: str
    group: Group
    formats: tuple[Format, ...]
    version: str

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of all its formats."""
        return tuple(suffix for one in self.formats for suffix in one.suffixes)
