"""Typst: markup as it is written, code as far as it holds words (Typst documentation: Syntax, Scripting).

Belongs here: lines, marks and calls. Not here: running any code: what a function makes of its arguments is not known here, so the words
in them are kept.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.markup.page import LINE_END, Page
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_PIECE = re.compile(
    r"(?P<comment>//[^\n]*|/\*)"
    r"|(?P<fence>`{3,})"
    r"|(?P<raw>`(?P<code>[^`\n]*)`)"
    r"|(?P<formula>\$)"
    r"|(?P<escape>\\u\{(?P<number>[0-9A-Fa-f]{1,6})\}|\\(?P<sign>.?))"
    r"|(?P<address>https?://[^\s\[\]()<>]+)"
    r"|(?P<call>\#)"
    r"|(?P<blank>\n[ \t]*\n\s*)"
    r"|(?P<line>\n[ \t]*(?=\S))"
    r"|(?P<label><[\w:.-]+>)"
    r"|(?P<reference>@[\w:.-]*[\w])"
    r"|(?P<bracket>[\[\]])"
    r"|(?P<mark>(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))"
    r"|(?P<text>[^\n`$\\#<@\[\]*_/h]+|.)",
    re.DOTALL,
)
_LINE_MARK = re.compile(r"(?:(?P<heading>={1,6})|(?P<item>[-+])|(?P<number>\d{1,4}\.)|(?P<term>/)[ \t]+(?P<named>[^\n:]{1,200}):)[ \t]+")
_STATEMENT = re.compile(r"(?:let|set|show|import|include)\b")
_CODE_WORD = re.compile(r"(?:if|else|for|while|return|context|in|not|and|or)\b")
_CONDITION = re.compile(r"[^\n\[{]*")
_ELSE = re.compile(r"\s*else\b[^\n\[{]*(?=[\[{])")
_DEFINITION = re.compile(r"\s*([\w-]+)\s*=\s*(?:\"([^\"\n]*)\"|\[([^\[\]#$]*)\])")
_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_FORMULA_WORD = re.compile(r"\\(.)|\"([^\"]*)\"|([A-Za-z][A-Za-z.]+)|(.)", re.DOTALL)
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_GROUP = re.compile(r"\\.|\"(?:[^\"\\\n]|\\.)*\"|//[^\n]*|[()\[\]{}]", re.DOTALL)
_SETTING = re.compile(r"([\w-]+)\s*:\s*$")
_PARTNERS = {"(": ")", "[": "]", "{": "}"}
_SHOWN = (
    "title",
    "subtitle",
    "caption",
    "author",
    "authors",
    "name",
    "abstract",
    "date",
    "body",
    "supplement",
    "attribution",
    "description",
)
"""Arguments with names of which the reader sees the words, in Typst's own functions and in most templates."""
_DEEPEST = 50
_MOST_GROUPS = 1_000_000
"""So that their places take no more than 150 MB."""
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π",
          "sigma": "σ", "phi": "φ", "omega": "ω", "sum": "∑", "integral": "∫", "infinity": "∞", "times": "×", "dot": "·", "in": "∈",
          "arrow": "→", "arrow.r": "→", "approx": "≈", "eq.not": "≠", "partial": "∂", "nabla": "∇", "dots": "…", "sqrt": "√"}  # fmt: skip


def read_typst(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, items, tables, code and notes of a Typst document. Files that it includes are named in a note."""
    reader = _TypstReader(decode_text(source.stream.read()).replace("\r\n", "\n").replace("\r", "\n"))
    elements = reader.read()
    if reader.included:
        source.notes.append(f"Files that it includes are no part of it here: {', '.join(dict.fromkeys(reader.included))}.")
    yield from elements


class _TypstReader:
    def __init__(self, text: str) -> None:
        self.included: list[str] = []
        self._text = text
        self._page = Page()
        self._ends = _ends_of_groups(text)
        self._last_comment_end = text.rfind("*/")
        self._named: dict[str, str] = {}
        self._level = 0

    def read(self) -> list[Element]:
        self._markup(0, len(self._text))
        self._page.end_paragraph()
        return self._page.elements

    def _markup(self, place: int, end: int, depth: int = 0) -> None:
        """Read a piece of markup."""
        place = self._line_mark(place, end)
        while place < end and (found := _PIECE.match(self._text, place, end)):
            place = self._piece(found, end, depth)
        self._end_heading()

    def _piece(self, found: re.Match[str], end: int, depth: int) -> int:
        kind, place = found.lastgroup or "text", found.end()
        match kind:
            case "comment":
                place = self._comment(place, end) if found[0] == "/*" else place
            case "fence":
                place = self._fence(found[0], place, end)
            case "raw":
                self._page.write(found["code"])
            case "formula":
                stop = self._text.find("$", place, end)
                self._page.write(_formula(self._text[place : stop if stop >= 0 else end]))
                place = stop + 1 if stop >= 0 else end
            case "escape":
                self._page.write(_escaped(found))
            case "call":
                place = self._code(place, end, depth)
            case "blank" | "line":
                place = self._line(found, end)
            case "label" | "bracket" | "mark":
                self._page.write("" if kind != "bracket" else found[0])
            case "reference":
                pass
            case _:
                self._page.write(_printed(found[0]))
        return place

    def _comment(self, place: int, end: int) -> int:
        """What only the writer sees; one that does not end is none."""
        stop = self._text.find("*/", place, end) if place < self._last_comment_end else -1
        if stop < 0:
            self._page.write("/*")
        return place if stop < 0 else stop + 2

    def _line(self, found: re.Match[str], end: int) -> int:
        self._end_heading()
        if found.lastgroup == "blank":
            self._page.end_paragraph()
        else:
            self._page.write(" ")
        return self._line_mark(found.end(), end)

    def _line_mark(self, place: int, end: int) -> int:
        """What the marks at the beginning of a line say."""
        found = _LINE_MARK.match(self._text, place, end)
        if not found:
            return place
        if found["heading"]:
            self._page.end_paragraph()
            self._level, self._heading = len(found["heading"]), self._page.put_aside()
        else:
            self._page.end_paragraph("ListItem")
            self._page.write(f"{found['named']}: " if found["term"] else f"{found['number']} " if found["number"] else "")
        return found.end()

    _heading: list[str] | None = None

    def _end_heading(self) -> None:
        if self._heading is not None:
            aside, self._heading = self._heading, None
            self._page.heading(self._page.taken(aside), self._level)

    def _fence(self, mark: str, place: int, end: int) -> int:
        stop = self._text.find(mark, place, end)
        code = self._text[place : stop if stop >= 0 else end]
        self._end_heading()
        self._page.code(re.sub(r"^[\w+-]+(?=\s)", "", code))
        return stop + len(mark) if stop >= 0 else end

    def _code(self, place: int, end: int, depth: int) -> int:
        """Code in markup: a statement, or calls with their arguments."""
        statement = _STATEMENT.match(self._text, place, end)
        if statement:
            return self._statement(statement[0], statement.end(), end, depth)
        name = _NAME.match(self._text, place, end)
        place = name.end() if name else place
        if name and _CODE_WORD.match(name[0]):
            condition = _CONDITION.match(self._text, place, end)
            place = condition.end() if condition else place
        elif name and name[0] in self._named and place not in self._ends:
            self._page.write(self._named[name[0]])
        place = self._arguments(name[0] if name else "", place, end, depth)
        while name and (otherwise := _ELSE.match(self._text, place, end)):
            self._page.write(" ")
            place = self._arguments("", otherwise.end(), end, depth)
            if place == otherwise.end():
                break
        return place

    def _statement(self, word: str, place: int, end: int, depth: int) -> int:
        """A definition, a rule, an inclusion: to the end of its line, or of the groups that begin in it."""
        start = place
        while place < end and self._text[place] not in "\n;":
            place = self._ends[place] + 1 if place in self._ends and self._ends[place] < end else place + 1
        said = self._text[start:place]
        if word == "include" and (named := _STRING.search(said)):
            self.included.append(named[1])
        elif word == "let" and (defined := _DEFINITION.match(said)):
            self._named[defined[1]] = defined[2] or defined[3] or ""
        elif word == "show" and said.startswith(":"):  # a template is given what stands on its first page
            self._page.end_paragraph()
            self._words_in(start, place, depth)
            self._page.end_paragraph()
        return place

    def _arguments(self, name: str, place: int, end: int, depth: int) -> int:
        """The groups behind a name: code in parentheses and braces, markup in brackets."""
        note = self._page.put_aside() if name == "footnote" else None
        is_table = name.split(".")[-1] in ("table", "grid")
        while place in self._ends and self._ends[place] < end and depth < _DEEPEST:
            stop = self._ends[place]
            if self._text[place] == "[":
                self._markup(place + 1, stop, depth + 1)
            elif name == "link" and self._text.startswith("[", stop + 1):
                pass
            elif is_table:
                self._table(place + 1, stop, depth)
            elif name not in ("image", "h", "v", "bibliography", "cite", "ref", "label", "counter", "pagebreak", "line", "rect"):
                self._words_in(place + 1, stop, depth)
            place = stop + 1
        if note is not None:
            self._page.note(self._page.taken(note).replace("\n", " "))
        return place

    def _words_in(self, place: int, end: int, depth: int) -> None:
        """The words in code: its markup, strings that are no settings, and calls."""
        while place < end:
            found = _GROUP.search(self._text, place, end)
            calls = _NAME.search(self._text, place, found.start() if found else end)
            if found is None:
                return
            before = self._text[place : found.start()]
            setting = _SETTING.search(before)
            place = found.end()
            if found[0].startswith('"') and (setting is None or setting[1] in _SHOWN):
                self._page.write(f"{found[0][1:-1]} ")
            elif found.start() in self._ends and depth >= _DEEPEST:
                place = self._ends[found.start()] + 1
                self._page.write(self._text[found.end() : place - 1])
            elif found.start() in self._ends and self._ends[found.start()] <= end:
                place = self._ends[found.start()] + 1
                last = _NAME.findall(before)[-1:] if calls else []
                if setting is None or setting[1] in _SHOWN or found[0] == "[":
                    self._arguments(last[0] if last and before.rstrip().endswith(last[0]) else "", found.start(), end, depth + 1)
                    self._page.write(" ")

    def _table(self, place: int, end: int, depth: int) -> None:
        cells: list[str] = []
        header = 0
        columns = re.compile(r"\bcolumns\s*:\s*(?:(\d{1,3})|\()").search(self._text, place, end)
        width = int(columns[1]) if columns and columns[1] else self._counted(columns.end() - 1) if columns else 1
        while place < end and (found := _GROUP.search(self._text, place, end)):
            before = self._text[place : found.start()]
            place = found.end()
            if found.start() not in self._ends or self._ends[found.start()] > end:
                continue
            if re.search(r"\b(?:table|grid)\.(?:header|footer)\s*$", before):
                header = header or (len(cells) + 1 if before.rstrip().endswith("header") else 0)
                continue
            stop, aside = self._ends[found.start()], self._page.put_aside()
            if _SETTING.search(before):
                self._page.taken(aside)
            else:
                self._arguments("", found.start(), stop + 1, depth + 1)
                cells.append(self._page.taken(aside).replace("\n", " "))
            place = stop + 1
        self._page.table([cells[start : start + max(width, 1)] for start in range(0, len(cells), max(width, 1))], header > 0)

    def _counted(self, place: int) -> int:
        inside = self._text[place + 1 : self._ends.get(place, place)]
        return sum(bool(part.strip()) for part in re.sub(r"\([^()]*\)", "", inside).split(","))


def _ends_of_groups(text: str) -> dict[int, int]:
    """Where each group ends. Brackets that belong to nothing are text."""
    ends: dict[int, int] = {}
    opened = array("q")
    for found in _GROUP.finditer(text):
        sign = found[0]
        if sign in _PARTNERS:
            opened.append(found.start())
        elif opened and sign == _PARTNERS[text[opened[-1]]]:
            ends[opened.pop()] = found.start()
        if len(ends) > _MOST_GROUPS:
            break
    return ends


def _escaped(found: re.Match[str]) -> str:
    if found["number"]:
        number = int(found["number"], 16)
        return chr(number) if number < 0xD800 or 0xDFFF < number < 0x110000 else ""
    return LINE_END if found["sign"].isspace() or not found["sign"] else found["sign"]


def _printed(text: str) -> str:
    return text.replace("---", "—").replace("--", "–").replace("...", "…").replace("~", " ")


def _formula(text: str) -> str:
    """A formula on one line: strings are words, names of letters the letters."""

    def said(found: re.Match[str]) -> str:
        return found[1] or found[2] or (_GREEK.get(found[3], found[3]) if found[3] else found[4] if found[4] not in "&\n" else " ")

    return " ".join(_FORMULA_WORD.sub(said, text).split())
