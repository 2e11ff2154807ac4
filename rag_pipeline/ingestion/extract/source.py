"""What a family of formats is given to read, and what it says besides the elements.

Belongs here: the one contract between families and their callers. Not here: any format, any process.

A family is a function ``read(source) -> Iterator[Element]``. Elements are handed over as they are found, so that a file far larger
than the memory limit can pass through; what else the user is to know goes to ``source.pages`` and ``source.notes``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.archive.limits import ArchiveLimits
from rag_pipeline.models import Element, Extraction, Member

DEEPEST_INSIDE = 8
"""An attachment of an attachment of an attachment: nobody nests more, except to break readers."""
MOST_NOTES = 20
"""What is wrong with the first parts says enough; a file may have thousands of them."""
_LONGEST_DETAIL = 200
NO_LIBRARY_ERRORS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""Not the file's fault; all else that is raised while it is read is: a panic of a library written in Rust is no ``Exception``."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """The settings that decide how documents are read. Picklable: it travels to the worker processes.

    Attributes:
        passwords: tried, in this order, on protected documents.
        ocr_languages: Tesseract's names of languages joined by ``+``, such as ``eng+deu``.
        memory_bytes: what one worker may use.
        archives: what an archive may unpack to.
    """

    passwords: tuple[str, ...] = ()
    ocr_languages: str = "eng"
    memory_bytes: int = 800_000_000
    archives: ArchiveLimits = field(default_factory=ArchiveLimits)


def _no_reader(source: Source) -> Iterator[Element]:
    raise TypeError(f"{source.name} cannot be read inside a file that elements_of does not read.")


def _no_detection(name: str, head: bytes) -> str:
    raise TypeError(f"The type of {name} cannot be told inside a file that elements_of does not read.")


@dataclass(slots=True)
class Source:
    """A document that is being read.

    Attributes:
        stream: open for reading, at position 0, seekable.
        name: the file's name: for messages and, rarely, hints. It leads nowhere.
        options: the settings.
        path: where the file is, None for what is inside another file. For libraries that cannot read a stream.
        pages: set by the family where the format has pages.
        notes: filled by the family with what could not be read of a document that was read otherwise, in words for the user.
        unread_parts: how many parts could not be read.
        inside_depth: how many files this one is inside of.
        more_time: to be called before each part that deserves a time limit of its own, such as a scanned page.
        members: filled by the family of archives, which has no text: the files that are documents of their own.
        media_type_of: tells the type of a file inside this one by its name and first bytes. Set as ``read_inner``.
        read_inner: reads a file inside this one, told by its name and bytes (``inside.py``). Set by ``reading.elements_of``, so that
            families need not know of each other.
    """

    stream: BinaryIO
    name: str
    options: ReadingOptions = field(default_factory=ReadingOptions)
    path: Path | None = None
    pages: int | None = None
    notes: list[str] = field(default_factory=list)
    unread_parts: int = 0
    inside_depth: int = 0
    more_time: Callable[[], None] = lambda: None
    members: list[Member] = field(default_factory=list)
    media_type_of: Callable[[str, bytes], str] = _no_detection
    read_inner: Callable[[Source], Iterator[Element]] = _no_reader

    def inside(self, content: bytes, name: str) -> Source:
        """A file inside this one: an attachment, a member of an archive. Its notes are its own.

        Raises:
            DocumentError: files inside files go too deep (``too_deep``).
        """
        if self.inside_depth >= DEEPEST_INSIDE:
            raise DocumentError("too_deep", f"Files are nested in it more than {DEEPEST_INSIDE} levels deep.")
        depth = self.inside_depth + 1
        return replace(
            self, stream=io.BytesIO(content), name=name, path=None, pages=None, notes=[], members=[], unread_parts=0, inside_depth=depth
        )

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part that the rest can do without: whatever goes wrong in it is noted, and the rest is read.

        Around a generator's ``yield from``, what the part gave before it failed is kept. Where no part can be read the document
        fails (``reading.elements_of``).

        Args:
            name: begins a sentence for the user: ``Slide 7``, ``The chart chart3.xml``.

        Raises:
            MemoryError, TransientError: they concern the whole document.
        """
        try:
            yield
        except (MemoryError, TransientError):
            raise
        except RecursionError:
            self._unread(f"{name} was not read: it nests its parts too deeply.")
        except DocumentError as error:
            self._unread(f"{name} was not read: {error}")
        except NO_LIBRARY_ERRORS:
            raise
        except BaseException as error:  # noqa: BLE001 - libraries raise anything on what they do not understand
            detail = " ".join(str(error).split())[:_LONGEST_DETAIL]
            self._unread(f"{name} was not read ({type(error).__name__}{': ' if detail else ''}{detail}).")

    def _unread(self, note: str) -> None:
        self.unread_parts += 1
        if len(self.notes) < MOST_NOTES and note not in self.notes:
            self.notes.append(note)
        elif len(self.notes) == MOST_NOTES:
            self.notes.append("More parts were not read.")


def password_protected(what: str) -> DocumentError:
    """The error of a document that none of the listed passwords opens (``password_protected``); ``what`` begins the sentence."""
    advice = "Put it into the passwords file (RAG_PASSWORDS_FILE), or save a copy without one."
    return DocumentError("password_protected", f"{what} is protected with a password. {advice}")


Reader = Callable[[Source], Iterator[Element]]
"""A family's entry point."""


def whole(source: Source, elements: Iterator[Element]) -> Extraction:
    """All elements at once, with what the family said about the source."""
    found = tuple(elements)
    return Extraction(found, source.pages, tuple(source.notes))
