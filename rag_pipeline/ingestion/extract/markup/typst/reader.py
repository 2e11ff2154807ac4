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
_CODE_PIECE = re.compile(rf"{_GROUP.pattern}|\$[^$]*\$|,", re.DOTALL)
_SETTING = re.compile(r"([\w-]+)\s*:\s*$")
_NAMED_VALUE = re.compile(r"\s*(?:([\w-]+)\s*:\s*)?([A-Za-z_][\w-]*)\s*")
_ARGUMENT_NAME = re.compile(r"\s*([\w-]+)\s*:")
_PART_OF_TABLE = re.compile(r"\s*(?:table|grid)\.(header|footer|hline|vline)\b")
_SPANNED = re.compile(r"\bcolspan\s*:\s*(\d{1,2})\b")
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
        """The words in code: its markup, formulas, strings that are no settings, what is defined by a name, and calls."""
        while place < end:
            found = _CODE_PIECE.search(self._text, place, end)
            before = self._text[place : found.start() if found else end]
            if found is None or found[0] == ",":
                self._write_named(before)
                place = found.end() if found else end
                continue
            calls = _NAME.search(before)
            setting = _SETTING.search(before)
            is_shown = setting is None or setting[1] in _SHOWN
            place = found.end()
            if found[0][0] in '"$':
                said = found[0][1:-1]
                self._write_if(is_shown, f"{_formula(said) if found[0][0] == '$' else said} ")
            elif found.start() in self._ends and depth + 1 >= _DEEPEST:  # nobody would look into its arguments
                place = self._ends[found.start()] + 1
                self._page.write(self._text[found.end() : place - 1])
            elif found.start() in self._ends and self._ends[found.start()] <= end:
                place = self._ends[found.start()] + 1
                last = _NAME.findall(before)[-1:] if calls else []
                if is_shown or found[0] == "[":
                    name = last[0] if last and before.rstrip().endswith(last[0]) else ""
                    place = max(place, self._arguments(name, found.start(), end, depth + 1))  # with what stands behind it in brackets
                    self._page.write(" ")

    def _write_if(self, is_shown: bool, words: str) -> None:
        if is_shown:
            self._page.write(words)

    def _write_named(self, argument: str) -> None:
        """What an argument that is a name stands for."""
        found = _NAMED_VALUE.fullmatch(argument)
        if found and found[2] in self._named and (found[1] is None or found[1] in _SHOWN):
            self._page.write(f"{self._named[found[2]]} ")

    def _table(self, place: int, end: int, depth: int) -> None:
        """Each argument without a name is a cell, whatever it is made of: markup, a string, a formula, a call."""
        cells: list[str] = []
        width, is_headed = 1, False
        for start, stop in self._arguments_between(place, end):
            part, name = _PART_OF_TABLE.match(self._text, start, stop), _ARGUMENT_NAME.match(self._text, start, stop)
            if part and part[1] in ("header", "footer"):
                is_headed = is_headed or (part[1] == "header" and not cells)
                cells += self._cells_of(part.end(), stop, depth)
            elif name and name[1] == "columns":
                width = self._width(name.end(), stop)
            elif not name and not part:
                cells += self._cell(start, stop, depth)
        self._page.table([cells[start : start + width] for start in range(0, len(cells), width)], is_headed)

    def _arguments_between(self, place: int, end: int) -> Iterator[tuple[int, int]]:
        """Where each argument begins and ends."""
        start = place
        while found := _CODE_PIECE.search(self._text, place, end):
            place = found.end()
            if found[0] == ",":
                yield start, found.start()
                start = place
            elif self._ends.get(found.start(), end) < end:
                place = self._ends[found.start()] + 1
        yield start, end

    def _cells_of(self, place: int, end: int, depth: int) -> list[str]:
        """Those of a header or footer: its arguments, and each block of markup behind them."""
        cells: list[str] = []
        while place in self._ends and self._ends[place] < end:
            stop = self._ends[place]
            within = [(place, stop + 1)] if self._text[place] == "[" else self._arguments_between(place + 1, stop)
            for argument in within:
                cells += [] if _ARGUMENT_NAME.match(self._text, *argument) else self._cell(*argument, depth)
            place = stop + 1
        return cells

    def _cell(self, start: int, end: int, depth: int) -> list[str]:
        """A cell with empty ones for the other columns that it spans; none where there is no argument."""
        if not self._text[start:end].strip():
            return []
        aside = self._page.put_aside()
        self._words_in(start, end, depth + 1)
        spanned = _SPANNED.search(self._text, start, end)
        return [self._page.taken(aside).replace("\n", " "), *[""] * (int(spanned[1]) - 1 if spanned else 0)]

    def _width(self, place: int, end: int) -> int:
        """How many columns are told: by a number, or by their widths."""
        said = self._text[place:end].strip()
        if said.isdecimal():
            return max(int(said[:3]), 1)
        return max(self._counted(place + self._text[place:end].find("(")), 1)

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
