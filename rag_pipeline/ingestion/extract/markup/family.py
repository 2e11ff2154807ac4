"""The records of text with marks.

Belongs here: how its formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format, Opening
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

HTML = "text/html"
MARKDOWN = "text/markdown"
RESTRUCTURED_TEXT = "text/x-rst"
ORG = "text/x-org"
XML = "application/xml"
SUBTITLES = "text/vtt"
RTF = "application/rtf"
EPUB = "application/epub+zip"
LATEX = "text/x-tex"
BIBTEX = "text/x-bibtex"
ASCIIDOC = "text/asciidoc"
WIKITEXT = "text/x-wiki"
MANUAL_PAGE = "text/troff"
TEXTILE = "text/x-textile"
TYPST = "text/x-typst"
WIKI_EXPORT = "application/x-mediawiki+xml"
_HTML_OPENINGS = (
    Opening(re.compile(rb"(<!--.*?-->\s*)?<(!doctype html|html)\b"), (None, PLAIN)),
    Opening(re.compile(rb".*<html", re.DOTALL), (XML,)),
)
_LATEX_OPENINGS = (Opening(re.compile(rb"(?:%[^\n]*\s+)*\\document(?:class|style)\s*[\[{]"), (None, PLAIN)),)
_EXPORT_OPENINGS = (Opening(re.compile(rb"(<\?xml[^>]*>\s*)?<mediawiki\b"), (None, PLAIN, XML)),)
_MANUAL_OPENINGS = (Opening(re.compile(rb"[.']\s*(?:\\[\"#]|(?:th|dd|so|ig|if|nr|ds|de|tr)\s)"), (None, PLAIN)),)
"""A comment or a request of roff; a file's name says nothing, as copies of logs are numbered too."""
_XML_OPENINGS = (Opening(re.compile(rb"<\?xml"), (None,)),)


def _read_html(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.html import read_html

    return read_html(source)


def _read_markdown(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.markdown import read_markdown

    return read_markdown(source)


def _read_restructured_text(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.pandoc_markup import read_restructured_text

    return read_restructured_text(source)


def _read_org(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.pandoc_markup import read_org

    return read_org(source)


def _read_epub(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.pandoc_markup import read_epub

    return read_epub(source)


def _read_rtf(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.rtf.reader import read_rtf

    return read_rtf(source)


def _read_xml(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.xml_text import read_xml

    return read_xml(source)


def _read_subtitles(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.subtitles import read_subtitles

    return read_subtitles(source)


def _read_latex(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.latex.reader import read_latex

    return read_latex(source)


def _read_bibliography(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.latex.bibliography import read_bibliography

    return read_bibliography(source)


def _read_asciidoc(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.asciidoc.reader import read_asciidoc

    return read_asciidoc(source)


def _read_wikitext(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.wiki.reader import read_wikitext

    return read_wikitext(source)


def _read_wiki_export(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.wiki.reader import read_wiki_export

    return read_wiki_export(source)


def _read_manual_page(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.manual_pages import read_manual_page

    return read_manual_page(source)


def _read_textile(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.pandoc_markup import read_textile

    return read_textile(source)


def _read_typst(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.markup.typst.reader import read_typst

    return read_typst(source)


FAMILIES = (
    Family("rtf", "RTF", "Documents", (Format(RTF, _read_rtf, ("rtf",), "text", re.compile(rb"\{\\rtf")),), version="14"),
    Family(
        "epub", "EPUB", "Documents", (Format(EPUB, _read_epub, ("epub",), "zip", zip_mimetype=re.compile(re.escape(EPUB))),), version="12"
    ),
    Family(
        "html",
        "HTML",
        "Web and markup",
        (Format(HTML, _read_html, ("html", "htm", "xhtml", "shtml"), "text", openings=_HTML_OPENINGS),),
        version="14",
    ),
    Family(
        "markdown", "Markdown", "Web and markup", (Format(MARKDOWN, _read_markdown, ("md", "markdown", "mkd", "qmd", "rmd"), "text"),), "9"
    ),
    Family(
        "rst", "reStructuredText", "Web and markup", (Format(RESTRUCTURED_TEXT, _read_restructured_text, ("rst", "rest"), "text"),), "12"
    ),
    Family(
        "latex", "LaTeX", "Web and markup", (Format(LATEX, _read_latex, ("tex", "latex", "ltx"), "text", openings=_LATEX_OPENINGS),), "1"
    ),
    Family("bibtex", "BibTeX", "Web and markup", (Format(BIBTEX, _read_bibliography, ("bib",), "text"),), version="1"),
    Family("asciidoc", "AsciiDoc", "Web and markup", (Format(ASCIIDOC, _read_asciidoc, ("adoc", "asciidoc", "asc"), "text"),), version="2"),
    Family(
        "wikitext",
        "MediaWiki's wikitext and exports",
        "Web and markup",
        (
            Format(WIKITEXT, _read_wikitext, ("wiki", "mediawiki", "wikitext"), "text"),
            Format(WIKI_EXPORT, _read_wiki_export, openings=_EXPORT_OPENINGS),
        ),
        version="2",
    ),
    Family(
        "manual_page",
        "manual pages of Unix",
        "Web and markup",
        (Format(MANUAL_PAGE, _read_manual_page, ("man", "mdoc"), "text", openings=_MANUAL_OPENINGS),),
        version="1",
    ),
    Family("typst", "Typst", "Web and markup", (Format(TYPST, _read_typst, ("typ",), "text"),), version="2"),
    Family("textile", "Textile", "Web and markup", (Format(TEXTILE, _read_textile, ("textile",), "text"),), version="2"),
    Family("org", "Org", "Web and markup", (Format(ORG, _read_org, ("org",), "text"),), version="12"),
    Family(
        "xml",
        "XML",
        "Web and markup",
        (Format(XML, _read_xml, ("xml", "rss", "atom", "xsd", "dita", "docbook"), "text", openings=_XML_OPENINGS),),
        version="10",
    ),
    Family("subtitles", "subtitles", "Web and markup", (Format(SUBTITLES, _read_subtitles, ("srt", "vtt"), "text"),), version="9"),
)
