"""Markup that Pandoc knows: reStructuredText, Org, Textile and EPUB, by way of HTML.

Belongs here: calling the packaged binary of Pandoc, and what must be mended before. Not here: HTML.
Pandoc runs in its sandbox mode: it reads nothing but what it is given.
"""

from __future__ import annotations

import html
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.office.office_file import check_archive
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.process.programs import run_program
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_RST_INCLUDE = re.compile(r"^([ \t]*)\.\. ((?:literal)?include::.*)$", re.MULTILINE)
_ORG_INCLUDE = re.compile(r"^[ \t]*#(\+INCLUDE:.*)$", re.MULTILINE | re.IGNORECASE)
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_PROPERTIES = {"title": "Title", "creator": "Author", "subject": "Subject", "description": "Description"}
_TAG = re.compile(r"<[^<>]*>")
_NUMBERED = re.compile(rb"<li\b[^>]*\svalue\s*=|<ol\b[^>]*\sreversed\b")
_ROLE = re.compile(r'(<code class="interpreted-text" role="([^"]*)">)([^<]*)(?=</code>)')
_TARGET = re.compile(r"\s*<[^<>]*>\Z")
_OF_OBJECTS = re.compile(r"(?:\w+:)?(?:mod|func|data|const|class|meth|attr|exc|obj|type|any)")
"""Roles of Sphinx whose text may be a path of names, of which ``~`` asks for the last."""
_CHANGES = {"versionadded": "New in version", "versionchanged": "Changed in version", "deprecated": "Deprecated since version"}
_CHANGE = re.compile(rf'(<div class="({"|".join(_CHANGES)})"[^>]*>\s*<p>)')
_CAPTION = re.compile(r'(?=<div [^>]*\bdata-caption="([^"]*)")')
"""Of code and of a table of contents, which readers see above it; Pandoc keeps options as attributes."""
_BACK_REFERENCE = "↩︎"


def read_restructured_text(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, directives. What it includes is not read; the line that includes it is kept as text."""
    text = _RST_INCLUDE.sub(lambda line: f"{line[1]}\n{line[1]}``{line[2]}``\n", decode_text(source.stream.read()))
    yield from marked_up(source, "rst", text)


def _as_sphinx_shows_it(page: str) -> str:
    """With words for what Pandoc keeps as it is written: roles and directives of Sphinx, which most of these files are written for."""
    changed = _CHANGE.sub(lambda found: f"{found[1]}{_CHANGES[found[2]]} ", page)
    return _ROLE.sub(_role_shown, _CAPTION.sub(lambda found: f"<p>{found[1]}</p>", changed))


def _role_shown(role: re.Match[str]) -> str:
    """A title without its target, of a path of names that asks for it the last, a button without its ``&``."""
    text = html.unescape(role[3])
    shown = _TARGET.sub("", text) or text
    if _OF_OBJECTS.fullmatch(role[2]):
        shown = shown.rpartition(".")[2] if shown.startswith("~") else shown.removeprefix("!")
    elif role[2] in ("guilabel", "menuselection"):
        shown = shown.replace("&&", "\0").replace("&", "").replace("\0", "&")
    return role[1] + html.escape(shown, quote=False)


def read_org(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, blocks. What it includes is not read; the line that includes it is kept as text."""
    text = _ORG_INCLUDE.sub(lambda line: f"\n={line[1]}=\n", decode_text(source.stream.read()))
    yield from marked_up(source, "org", text)


def read_textile(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, code."""
    yield from marked_up(source, "textile", decode_text(source.stream.read()))


def marked_up(source: Source, markup: str, text: str) -> Iterator[Element]:
    """The elements of a text; its paragraphs where Pandoc trips over a line of it, which would cost the document.

    Args:
        source: takes the note that it tripped.
        markup: Pandoc's name of it.
        text: its characters.
    """
    try:
        yield from _elements(markup, text.encode())
    except DocumentError as error:
        if error.code != "unreadable_content":
            raise
        source.notes.append(f"Its headings, lists and tables could not be told apart: it was read as plain text ({error})")
        yield from paragraphs(text)


def read_epub(source: Source) -> Iterator[Element]:
    """Title, author, subjects and description, then the chapters in reading order.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``password_protected`` when the publisher encrypted it.
    """
    content = source.stream.read()
    archive = check_archive(io.BytesIO(content))
    if "META-INF/rights.xml" in archive or "META-INF/license.lcpl" in archive:
        message = "The book is encrypted by its publisher (DRM) and opens only in the reader it was bought for."
        raise DocumentError("password_protected", message)
    elements = _book_elements(source, content)
    yield from with_properties(_stated_properties(content), elements, source.name)


def _book_elements(source: Source, content: bytes) -> list[Element]:
    """Pandoc reads a book whole or not at all, and forgets the numbers that items of its lists say that they have.

    A book with such, or that it does not take, is read chapter by chapter, each by itself.
    """
    refused: DocumentError | None = None
    if not _numbers_items(content):
        try:
            return list(_elements("epub", content))
        except DocumentError as error:
            refused = error
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        elements = [element for chapter in _chapters(archive) for element in _chapter_elements(source, archive, chapter)]
    if refused and not elements:
        raise refused
    return elements


def _numbers_items(book: bytes) -> bool:
    with (
        suppress(KeyError, ValueError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile),
        zipfile.ZipFile(io.BytesIO(book)) as archive,
    ):
        return any(_NUMBERED.search(archive.read(name)) for name in _chapters(archive) if name in archive.namelist())
    return False


def _chapters(archive: zipfile.ZipFile) -> list[str]:
    """The members that are chapters, in the order of the package's spine (EPUB 3.3, 5.7); those that are pages where it has none."""
    package, folder = _package(archive)
    if package is None:
        return [name for name in archive.namelist() if name.lower().endswith((".xhtml", ".html", ".htm"))]
    places = {item.get("id"): item.get("href", "") for item in package.iterfind(".//{*}manifest/{*}item")}
    hrefs = [places.get(entry.get("idref"), "") for entry in package.iterfind(".//{*}spine/{*}itemref")]
    return [posixpath.normpath(posixpath.join(folder, unquote(urlsplit(href).path))) for href in hrefs if href]


def _chapter_elements(source: Source, archive: zipfile.ZipFile, chapter: str) -> Iterator[Element]:
    with source.part(f"The chapter {posixpath.basename(chapter)}"):
        if chapter not in archive.namelist():
            raise DocumentError("damaged", "the file does not hold it.")
        yield from html_elements(clean_text(decode_text(archive.read(chapter))))


def _package(archive: zipfile.ZipFile) -> tuple[_Element | None, str]:
    """The package document, and the folder that its addresses start from; None where it cannot be found."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        place = etree.fromstring(archive.read("META-INF/container.xml"), parser).find(".//{*}rootfile")
        path = place.get("full-path", "")
        return etree.fromstring(archive.read(path), parser), posixpath.dirname(path)
    except (KeyError, AttributeError, ValueError, OSError, zlib.error, etree.XMLSyntaxError, zipfile.BadZipFile):
        return None, ""


def _stated_properties(book: bytes) -> dict[str, str]:
    """What the package document states (EPUB 3.3, 5.5.3); nothing where it cannot be found, as the text can be read without."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        package, _ = _package(archive)
    if package is None:
        return {}
    stated = {name: ["".join(one.itertext()) for one in package.iter(f"{_DUBLIN_CORE}{tag}")] for tag, name in _PROPERTIES.items()}
    plain = [_TAG.sub(" ", html.unescape(text)) for text in stated["Description"]]  # libraries write markup into it, escaped
    return {name: ", ".join(texts) for name, texts in {**stated, "Title": stated["Title"][:1], "Description": plain}.items()}


def _elements(markup: str, content: bytes) -> Iterator[Element]:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--sandbox", f"--from={markup}", "--to=html5", "--wrap=none", "--quiet", "--mathjax"]
    page = run_program(command, content).decode("utf-8", "replace").replace(_BACK_REFERENCE, "")
    yield from html_elements(clean_text(_as_sphinx_shows_it(page) if markup == "rst" else page))
