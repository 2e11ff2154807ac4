"""AsciiDoc: blocks line by line (AsciiDoc Language Documentation: Blocks, Sections, Lists).

Belongs here: what a line begins. Not here: marks within lines (``words``), tables.

Files that it includes are not read, a note names them. All branches of conditions are read: what decides is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.markup.asciidoc.tables import rows_of
from rag_pipeline.ingestion.extract.markup.asciidoc.words import first_value, with_attributes, words_of
from rag_pipeline.ingestion.extract.markup.page import LINE_END, Page
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_CONDITION = re.compile(r"(?:ifdef|ifndef|ifeval|endif)::[^\[\]]*\[(.*)\]\s*$")
_INCLUDE = re.compile(r"include::([^\[\]]+)\[.*\]\s*$")
_ATTRIBUTE = re.compile(r":(!?[\w][\w-]*!?):(?:[ \t]+(.*))?$")
_SECTION = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_UNDERLINES = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}
_UNDERLINE = re.compile(r"(={2,}|-{2,}|~{2,}|\^{2,}|\+{2,})\s*$")
_DELIMITER = re.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|```[\w+-]*|~~~~+)\s*$")
_TABLE = re.compile(r"[|,:!]={3,}\s*$")
_BLOCK_ATTRIBUTES = re.compile(r"\[(?:\[[^\[\]]*\]|[^\[\]]*|[^\[\]]*\"[^\"]*\"[^\[\]]*)\]\s*$")
_CAPTION = re.compile(r"\.([^\s.].*)$")
_BREAK = re.compile(r"(?:'{3,}|<{3,}|-{3}|\*{3}|_{3})\s*$")
_BLOCK_MACRO = re.compile(r"(image|video|audio|toc)::([^\[\]]*)\[(.*)\]\s*$")
_ITEM = re.compile(r"[ \t]*(\*{1,6}|-|\.{1,6}|\d{1,4}\.|[a-zA-Z]\.|[ivxIVX]{1,6}\)|<(?:\d{1,3}|\.)>)[ \t]+(\S.*)$")
_TERM = re.compile(r"[ \t]*(\S.{0,1000}?|\S)(?::{2,4}|;;)(?:[ \t]+(.*))?$")
_SETTING = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|([^,\]]*))")
_HARD_BREAK = re.compile(r"[ \t]\+$", re.MULTILINE)
_CODE_STYLES = ("source", "listing", "literal", "ditaa", "graphviz", "plantuml", "mermaid", "latexmath", "asciimath", "stem")
_LABELS = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,1000}>")
_MOST_NAMED = 8
_LONGEST_VALUE = 10_000
"""Characters of an attribute, which may be made of others."""


def read_asciidoc(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, items, tables, code and notes of an AsciiDoc document."""
    text = decode_text(source.stream.read()).replace("\r\n", "\n").replace("\r", "\n")
    reader = _AsciidocReader(text.split("\n"))
    elements = reader.read()
    if reader.included:
        names = ", ".join(list(dict.fromkeys(reader.included))[:_MOST_NAMED])
        source.notes.append(f"Files that it includes are no part of it here: {names}.")
    yield from elements


class _AsciidocReader:
    def __init__(self, lines: list[str]) -> None:
        self.included: list[str] = []
        self._lines = list(self._seen(lines))
        self._place = 0
        self._page = Page()
        self._attributes: dict[str, str] = {}
        self._settings: dict[str, str] = {}
        self._in_list = False
        self._numbers: list[int] = []

    def _seen(self, lines: list[str]) -> Iterator[str]:
        """Lines without conditions and inclusions."""
        for line in lines:
            condition, include = _CONDITION.match(line), _INCLUDE.match(line)
            if include:
                self.included.append(include[1])
            elif not condition:
                yield line.rstrip()
            elif not line.startswith("ifeval") and condition[1]:
                yield condition[1]

    def read(self) -> list[Element]:
        while self._place < len(self._lines):
            line = self._lines[self._place]
            if not any(part(self, line) for part in _PARTS):
                self._paragraph()
        self._page.end_paragraph()
        return self._page.elements

    def _words(self, text: str) -> str:
        return words_of(text, self._attributes, self._page.note)

    def _blank(self, line: str) -> bool:
        if line.strip():
            return False
        self._page.end_paragraph()
        self._place += 1
        return True

    def _comment(self, line: str) -> bool:
        if line.startswith("//") and not line.startswith("///"):
            self._place += 1
            return True
        return False

    def _attribute(self, line: str) -> bool:
        found = _ATTRIBUTE.match(line)
        if not found:
            return False
        self._place += 1
        value = found[2] or ""
        while value.endswith("\\") and self._place < len(self._lines):
            value = f"{value.removesuffix(chr(92)).removesuffix(' +').strip()} {self._lines[self._place].strip()}"
            self._place += 1
        self._attributes[found[1].strip("!").lower()] = with_attributes(value, self._attributes)[:_LONGEST_VALUE]
        return True

    def _block_attributes(self, line: str) -> bool:
        if not (line.startswith("[") and _BLOCK_ATTRIBUTES.match(line)):
            return False
        self._page.end_paragraph()
        self._place += 1
        inside = line.strip()[1:-1]
        if inside.startswith("["):
            name, _, title = inside.strip("[]").partition(",")
            self._attributes[f"#{name}"] = title.strip()
            return True
        self._settings |= {found[1]: found[2] or (found[3] or "").strip() for found in _SETTING.finditer(inside)}
        values = [part.strip().strip('"') for part in _SETTING.sub("", inside).split(",")]
        style, *shorthand = re.split(r"(?=[#.%])", values[0]) or [""]
        self._settings["style"] = style
        self._settings["options"] = f"{self._settings.get('options', '')} {' '.join(shorthand)}"
        if style in ("quote", "verse") and any(values[1:]):
            self._say(", ".join(filter(None, values[1:])))
        elif style in _LABELS:
            self._say(style.capitalize())
        return True

    def _say(self, text: str) -> None:
        self._page.end_paragraph()
        self._page.write(self._words(text))
        self._page.end_paragraph()

    def _caption(self, line: str) -> bool:
        found = _CAPTION.match(line)
        if found:
            self._say(found[1])
            self._place += 1
        return found is not None

    def _section(self, line: str) -> bool:
        found = _SECTION.match(line)
        if found:
            self._head(found[2], len(found[1]))
            self._place += 1
            self._header_lines(len(found[1]))
        return found is not None

    def _underlined(self, line: str) -> bool:
        below = self._lines[self._place + 1] if self._place + 1 < len(self._lines) else ""
        found = _UNDERLINE.match(below)
        if not found or abs(len(line) - len(found[1])) > 1 or not any(map(str.isalnum, line)) or line.startswith((" ", "|")):
            return False
        self._head(line, _UNDERLINES[found[1][0]])
        self._place += 2
        self._header_lines(_UNDERLINES[found[1][0]])
        return True

    def _head(self, title: str, level: int) -> None:
        self._in_list, self._numbers, self._settings = False, [], {}
        self._page.heading(self._words(title), level)

    def _header_lines(self, level: int) -> None:
        """Author and revision, each in a line below the title of the document."""
        if level > 1:
            return
        while self._place < len(self._lines) and (line := self._lines[self._place]).strip():
            if not (self._attribute(line) or self._comment(line)):
                if any(part(self, line) for part in _PARTS):
                    return
                self._page.write(self._words(line) + LINE_END)
                self._place += 1
        self._page.end_paragraph()

    def _delimited(self, line: str) -> bool:
        if not _DELIMITER.match(line):
            return False
        mark = "```" if line.startswith("```") else line.strip()
        settings, self._settings = self._settings, {}
        self._page.end_paragraph()
        self._place += 1
        as_is = settings.get("style") in (*_CODE_STYLES, "verse", "comment")
        if mark[0] in "=*" or ((mark[0] == "_" or mark == "--") and not as_is):
            return True
        end = self._end_of(mark)
        if end is not None:
            inside = self._lines[self._place : end]
            self._place = end + 1
            self._keep(inside, mark, settings.get("style", ""))
        return True

    def _keep(self, lines: list[str], mark: str, style: str) -> None:
        if mark[0] == "/" or style == "comment":
            return
        if mark[0] == "+" and style not in _CODE_STYLES:
            self._page.write(_TAG.sub(" ", LINE_END.join(lines)))
            self._page.end_paragraph()
        elif style == "verse":
            self._say(LINE_END.join(lines))
        else:
            self._page.code("\n".join(lines))

    def _end_of(self, mark: str) -> int | None:
        """The line that ends a block; None where there is none, and the line that began it says nothing."""
        try:
            return self._lines.index(mark, self._place)
        except ValueError:
            return None

    def _table(self, line: str) -> bool:
        if not _TABLE.match(line):
            return False
        settings, self._settings = self._settings, {}
        self._place += 1
        end = self._end_of(line.strip())
        if end is not None:
            rows, known = rows_of(self._lines[self._place : end], line, settings)
            self._place = end + 1
            self._page.end_paragraph()
            self._page.table([[" ".join(self._words(cell).split()) for cell in row] for row in rows], known)
        return True

    def _macro(self, line: str) -> bool:
        found = _BLOCK_MACRO.match(line)
        if not found:
            return bool(_BREAK.match(line)) and self._next()
        settings: dict[str, str] = {one[1]: one[2] for one in _SETTING.finditer(found[3])}
        words = " ".join(filter(None, (settings.get("title"), settings.get("alt"), first_value(found[3]).split(",")[0])))
        if found[1] == "image" and words:
            self._say(words)
        return self._next()

    def _next(self) -> bool:
        self._place += 1
        return True

    def _continuation(self, line: str) -> bool:
        if line.strip() != "+":
            return False
        self._page.end_paragraph()
        return self._next()

    def _item(self, line: str) -> bool:
        found = _ITEM.match(line)
        if not found:
            return False
        self._page.end_paragraph("ListItem")
        self._in_list = True
        self._place += 1
        self._page.write(f"{self._number(found[1])} " if found[1][0] not in "*-" else "")
        self._gathered([found[2]])
        return True

    def _number(self, mark: str) -> str:
        if mark[0] != ".":
            return mark
        depth = len(mark)
        self._numbers = [*self._numbers[:depth], *[0] * (depth - len(self._numbers))]
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}."

    def _term(self, line: str) -> bool:
        found = _TERM.match(line)
        if not found:
            return False
        self._page.end_paragraph("ListItem")
        self._in_list = True
        self._place += 1
        self._page.write(f"{self._words(found[1])}: ")
        if found[2]:
            self._gathered([found[2]])
        elif self._place < len(self._lines) and self._lines[self._place].strip() and not self._begins(self._lines[self._place]):
            self._gathered([])
        return True

    def _literal(self, line: str) -> bool:
        if not line[:1].isspace() or self._settings.get("style") == "normal":
            return False
        lines = self._until_blank()
        self._page.code("\n".join(lines))
        return True

    def _until_blank(self) -> list[str]:
        start = self._place
        while self._place < len(self._lines) and self._lines[self._place].strip() not in ("", "+"):
            self._place += 1
        return self._lines[start : self._place]

    def _paragraph(self) -> None:
        style = self._settings.get("style", "")
        self._settings = {}
        if style in (*_CODE_STYLES, "verse"):
            self._keep(self._until_blank() or [self._lines[self._place]], " ", style)
            self._page.end_paragraph()
            return
        self._page.end_paragraph()
        first = self._lines[self._place]
        self._place += 1
        self._gathered([first])

    def _gathered(self, lines: list[str]) -> None:
        """A paragraph: lines up to one that begins something else."""
        while self._place < len(self._lines) and not self._begins(line := self._lines[self._place]):
            if not (line.startswith("//") and not line.startswith("///")):
                lines.append(line.strip())
            self._place += 1
        text = _HARD_BREAK.sub(LINE_END, "\n".join(lines))
        self._page.write(self._words(text))

    def _begins(self, line: str) -> bool:
        if not line.strip() or line.strip() == "+" or _DELIMITER.match(line) or _TABLE.match(line):
            return True
        if line.startswith("[") and _BLOCK_ATTRIBUTES.match(line):
            return True
        return self._in_list and bool(_ITEM.match(line) or _TERM.match(line))


_PARTS = (
    _AsciidocReader._blank,
    _AsciidocReader._comment,
    _AsciidocReader._attribute,
    _AsciidocReader._block_attributes,
    _AsciidocReader._section,
    _AsciidocReader._underlined,
    _AsciidocReader._delimited,
    _AsciidocReader._table,
    _AsciidocReader._macro,
    _AsciidocReader._continuation,
    _AsciidocReader._item,
    _AsciidocReader._term,
    _AsciidocReader._caption,
    _AsciidocReader._literal,
)
"""What may begin with a line, in the order in which it is asked for."""
