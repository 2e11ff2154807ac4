"""Rich Text Format, and what Outlook wraps in it.

Belongs here: destinations, paragraphs and their styles, notes, the text of a mail inside its RTF. Not here: characters
(``characters``), tables (``story``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.markup.bold_headings import with_bold_headings
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.markup.rtf.characters import RtfEvent, rtf_events
from rag_pipeline.ingestion.extract.markup.rtf.story import Paragraph, Story
from rag_pipeline.ingestion.extract.markup.rtf.symbols import symbol_shown
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.picture.pictures_inside import description
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element, ElementKind

_LEFT_OUT = frozenset((
    "fonttbl", "colortbl", "info", "pict", "fldinst", "listtable", "listoverridetable", "nonshppict", "shprslt", "objdata", "objclass",
    "objname", "objalias", "objsect", "pntxta", "pntxtb", "xe", "tc", "tcn", "txe", "rxe", "nonesttables",
    "template", "nextfile", "private", "upr", "revtbl", "filetbl", "mmathPict", "bkmkstart", "bkmkend",
))  # fmt: skip
"""Destinations without text for a reader; so are all that are marked as optional and not named here."""
_TEXT = frozenset(("ud", "fldrslt", "result", "mr"))
"""Destinations inside optional ones, or ``\\upr``, that hold text of the paragraph around them."""
_EDGES: dict[str, ElementKind] = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "Header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "Footer"),
}
_NOTES = frozenset(("footnote", "annotation", "shptxt", "dptxbxtext", "atnauthor", "sn", "sv", *_EDGES))
"""Destinations that are a text of their own beside the one that they stand in."""
_PROPERTIES = {
    "title": "Title",
    "author": "Author",
    "subject": "Subject",
    "keywords": "Keywords",
    "category": "Category",
    "doccomm": "Description",
}
_WORDART = "gtextUNICODE"
"""The property of a shape that holds its words as a drawing."""
_ALTERNATIVE_TEXT = "wzDescription"
_LABELS = frozenset(("listtext", "pntext"))
"""What is shown before an item of a list."""
_BULLET = re.compile(r"[^\W\d]?|\W+")
"""A label that numbers nothing: single letters are bullets of fonts of symbols, or Word's \"o\"."""
_HEADING_STYLE = re.compile(r"heading ([1-9])\b", re.IGNORECASE)
_WRAPPED = re.compile(rb"\\from(html|text)\d?\b")
_HEAD_BYTES = 4096
_DEEPEST_NOTE = 10
_CHARACTERS = {"v": "hidden", "deleted": "deleted", "b": "bold"}
"""What control words say of the characters behind them."""
_NO_MARKUP = frozenset(("fonttbl", "colortbl", "stylesheet", "info", "pict", "mhtmltag", "generator", "formatConverter", "listtable"))


@dataclass(slots=True)
class _State:
    """What a group inherits from the one around it."""

    story: Story
    paragraph: Paragraph
    left_out: bool = False
    buried: bool = False
    """Left out with all that is in it, such as the second form of a shape."""
    in_styles: bool = False
    hidden: bool = False
    deleted: bool = False
    bold: bool = False
    instructs: bool = False
    """Makes a field."""
    depth: int = 0
    """How many notes this one is inside of."""
    name: str = ""
    """The destination that began with this group."""


def read_rtf(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, notes, comments, text boxes, headers and footers, in any code page.

    Text that is formatted as hidden is left out, with a note. The body of a mail that is wrapped in RTF is read as what it was.
    """
    content = source.stream.read()
    wrapped = _WRAPPED.search(content[:_HEAD_BYTES])
    if wrapped:
        text = _unwrapped(content)
        yield from html_elements(text) if wrapped[1] == b"html" else paragraphs(text)
        return
    document = _Document()
    yield from with_properties(document.properties, document.elements(content), source.name)  # they are written before the text
    if document.hides:
        source.notes.append("Text that is formatted as hidden was left out.")


class _Document:
    """From event to event through a document."""

    def __init__(self) -> None:
        self.hides = False
        self.properties: dict[str, str] = {}
        """What the document says of itself, by the names to be shown."""
        self._outline = Outline()
        self._story = Story(self._outline)
        self._state = _State(self._story, Paragraph())
        self._around: list[_State] = []
        self._optional = False
        self._styles: dict[int, int] = {}
        self._style = [0, 0, 0]
        """The style being declared: its number, the one it is based on, its outline level (0: none)."""
        self._style_name = ""
        self._author = ""
        self._shape_property = ""
        self._instruction = ""
        """What makes the field at hand."""
        self._seen: set[tuple[str, str]] = set()
        self._footers: list[Element] = []

    def elements(self, content: bytes) -> Iterator[Element]:
        for event in rtf_events(content):
            self._event(event)
        while self._around:
            self._close()
        self._story.end(self._state.paragraph)
        yield from with_bold_headings(self._story.taken(), self._story.bold)
        yield from self._footers

    def _event(self, event: RtfEvent) -> None:
        if event.kind == "{":
            self._around.append(self._state)
            self._state = replace(self._state, paragraph=copy(self._state.paragraph), name="")
        elif event.kind == "}":
            self._close()
        elif event.kind == "text":
            self._text(event.text)
        elif event.text == "*":
            self._optional = True
            return
        else:
            self._word(event.text, event.number)
        self._optional = False

    def _text(self, text: str) -> None:
        state = self._state
        if state.instructs:
            self._instruction += text
        elif state.in_styles:
            self._style_name += text
        elif state.hidden and not state.left_out:
            self.hides = self.hides or any(map(str.isalnum, text))
        elif not state.left_out and not state.deleted:
            state.story.text(text, state.bold)

    def _word(self, word: str, number: int | None) -> None:
        state = self._state
        if (word in _LABELS or word == "pn") and self._around:
            self._around[-1].paragraph.listed = True
        if word == "stylesheet":
            state.in_styles = True
        elif state.in_styles:
            self._style_word(word, number or 0)
        elif word in _NOTES or word in _LABELS or word in _PROPERTIES:
            self._begin_note(word)
        elif word in _TEXT:
            state.left_out = state.buried or (word == "fldrslt" and self._shows_symbol())
        elif word in _LEFT_OUT or (self._optional and word != "nesttableprops"):
            state.left_out = True
            state.buried = state.buried or (word in _LEFT_OUT and word != "upr")
            if word == "fldinst":
                state.instructs, self._instruction = True, ""
        elif word in _CHARACTERS:
            setattr(state, _CHARACTERS[word], number != 0)
        elif word == "plain":
            state.hidden = state.deleted = state.bold = False
        elif not state.left_out:
            self._layout(word, number)

    def _shows_symbol(self) -> bool:
        """Whether the field at hand is a character, which then is part of the text: writers leave its result empty, or with a stand-in."""
        symbol, self._instruction = symbol_shown(self._instruction), ""
        if symbol and not self._state.buried:
            self._text(symbol)
        return bool(symbol)

    def _begin_note(self, word: str) -> None:
        state = self._state
        state.buried = state.buried and word not in _PROPERTIES
        state.left_out = state.buried
        state.depth += 1
        if state.depth <= _DEEPEST_NOTE:  # what is nested deeper stays in the note around it
            outline = Outline() if word in _LABELS else self._outline  # a heading's label may have the style of the heading
            state.story, state.paragraph, state.name = Story(outline), Paragraph(), word

    def _layout(self, word: str, number: int | None) -> None:
        state = self._state
        if word == "s":
            state.paragraph.level = self._styles.get(number or 0, 0)
        elif word == "sect":
            state.story.end_paragraph(state.paragraph)
            if not self._story.in_table:
                self._story.elements += self._footers
                self._footers = []
        elif word == "pard":
            state.paragraph = Paragraph()
        elif not state.paragraph.word(word, number):
            state.story.word(word, number, state.paragraph)

    def _style_word(self, word: str, number: int) -> None:
        if word in ("cs", "ds", "ts", "tsrowd"):
            self._style[0] = -1
        elif word == "s":
            self._style[0] = number
        elif word == "sbasedon":
            self._style[1] = self._styles.get(number, 0)
        elif word == "outlinelevel":
            self._style[2] = number + 1 if number < 9 else -1

    def _end_style(self) -> None:
        number, inherited, level = self._style
        named = _HEADING_STYLE.match(self._style_name.strip())
        if number >= 0:
            self._styles[number] = max(level, 0) if level else int(named[1]) if named else inherited
        self._style, self._style_name = [0, 0, 0], ""

    def _close(self) -> None:
        ended = self._state
        self._state = self._around.pop() if self._around else _State(self._story, Paragraph())
        if ended.in_styles:
            self._end_style()
        if ended.name:
            ended.story.end(ended.paragraph)
            self._end_note(ended.name, ended.story.taken())

    def _end_note(self, name: str, elements: list[Element]) -> None:
        if name in _LABELS:
            label = _joined(elements)
            self._state.story.label = "" if _BULLET.fullmatch(label) else label
        elif name == "atnauthor":
            self._author = _joined(elements)
        elif name in _PROPERTIES:
            self.properties[_PROPERTIES[name]] = _joined(elements)
        elif name == "sn":
            self._shape_property = _joined(elements)
        elif name in _EDGES:
            kind = _EDGES[name]
            new = [replace(element, kind=kind, table_header=None) for element in elements if (kind, element.text) not in self._seen]
            self._seen.update((kind, element.text) for element in new)
            if kind == "Footer":
                self._footers += new
            else:
                self._state.story.beside(new)
        elif name == "sv" and self._shape_property == _ALTERNATIVE_TEXT:
            told = description(_joined(elements))
            self._state.story.beside([replace(elements[0], text=told)] if told else [])
        elif name != "sv" or self._shape_property == _WORDART:
            if name == "annotation" and elements:
                by = f"Comment by {self._author}: " if self._author else "Comment: "
                elements = [replace(elements[0], text=by + elements[0].text, table_header=None), *elements[1:]]
                self._author = ""
            self._state.story.beside(elements)


def _joined(elements: list[Element]) -> str:
    return " ".join(element.text for element in elements)


def _unwrapped(content: bytes) -> str:
    """The HTML or plain text that Outlook wrapped in RTF (MS-OXRTFEX, 2.1 and 3.1)."""
    left_out = in_rtf_only = optional = False
    around: list[tuple[bool, bool]] = []
    parts: list[str] = []
    for kind, word, number in rtf_events(content):
        if kind == "{":
            around.append((left_out, in_rtf_only))
        elif kind == "}":
            left_out, in_rtf_only = around.pop() if around else (False, False)
        elif kind == "word" and word == "htmlrtf":
            in_rtf_only = number != 0
        elif kind == "word":
            left_out = left_out or word in _NO_MARKUP or (optional and word not in ("htmltag", "*"))
            parts += {"par": "\n", "line": "\n", "tab": "\t"}.get(word, "") if not left_out and not in_rtf_only else ""
        elif not left_out and not in_rtf_only:
            parts.append(word)
        optional = word == "*"
    return clean_text("".join(parts))
