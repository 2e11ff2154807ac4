"""LaTeX and plain TeX: what a reader of the typeset document sees, as far as the file itself says it.

Belongs here: walking through a document and telling what its commands do. Not here: characters and arguments (``source``), names of
commands (``commands``, ``symbols``), definitions, tables.

A command that nobody here knows loses its name and keeps its arguments, so that no word is lost for a package that is not known. Files
that a document includes are not read: they are documents of their own where they are in the folder, and a note names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.markup.latex import commands, symbols
from rag_pipeline.ingestion.extract.markup.latex.definitions import Definitions, own_verbatim
from rag_pipeline.ingestion.extract.markup.latex.environments import Environments
from rag_pipeline.ingestion.extract.markup.latex.formulas import accented, bracketed, typographic
from rag_pipeline.ingestion.extract.markup.latex.source import Input, Span
from rag_pipeline.ingestion.extract.markup.page import LINE_END, Page
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_ENCODING = re.compile(
    rb"\\usepackage\s*\[(?:[^\]]*,)?\s*(latin[1-9]|ansinew|cp\d+|applemac|koi8-r|utf8)\s*[\],]|\\inputencoding\{([\w-]+)\}"
)
_ENCODINGS = {"ansinew": "cp1252", "applemac": "mac-roman", "latin9": "iso8859-15", "utf8": "utf-8"}
_BEGIN_DOCUMENT = re.compile(r"^[^%\n]*\\begin\s*\{document\}", re.MULTILINE)
_GERMAN = re.compile(r"\\(?:usepackage|documentclass|documentstyle)\s*\[[^\]]*german[^\]]*\]|\\usepackage\{n?german\}")
_BEAMER = re.compile(r"\\documentclass\s*(?:\[[^\]]*\])?\s*\{beamer\}")
_OVERLAY = re.compile(r"<[\d,\-+.|a-z: ]{1,40}>")
_SETTING = re.compile(r"[ \t]*=[ \t]*\\?[\w.@+-]*(?:[ \t]+(?:plus|minus)[ \t]*[\w.]+)*")
_LENGTH = re.compile(
    r"[ \t]*=?[ \t]*-?(?:\d[\d.,]*[ \t]*(?:true)?(?:pt|cm|mm|in|e[mx]|p[ct]|sp|bp|dd|mu|fil+|\\\w+)|\\\w+)"
    r"(?:[ \t]*(?:plus|minus)[ \t]*[\d.\w]+)*"
)
_OPTIONS = re.compile(r"[^\[\]{}]*=|\s*[-\d.]*\s*(?:pt|cm|mm|in|em|ex|\\\w+)?\s*$|[htbpcHlr!]{1,5}$")
_IN_WORDS = re.compile(r"(?=[^\\{}]*[^\W\d_]{2,}[,.]?\s+[^\W\d_]{2,})(?:[^=#@{}\\\[\]_&$<>]|\\[\\&%.,'\"` ])+")
_CODE = re.compile(r"[ \t]*(?:(\d{1,6})|\"([0-9A-F]{1,5})|'([0-7]{1,6})|`\\?(.))")
_VERB = re.compile(r"\*?[ \t]*(?:\[[^\]\n]*\])?([^A-Za-z\s*{\[])([^\n]*?)\1")
_LOGO = re.compile(r"[A-Za-z]*(?:TeX|LaTeX[A-Za-z]*|METAFONT|METAPOST|MF|MP)$")
_STATED = {"title": "Title", "subtitle": "Subtitle", "author": "Author", "date": "Date", "subject": "Subject", "keywords": "Keywords"}
_MOST_NAMED = 8
_LONGEST_IN_WORDS = 2000


def read_latex(source: Source) -> Iterator[Element]:
    """Title, author and date, headings, paragraphs, items, tables, formulas, notes and code of a LaTeX document, or of a part of one."""
    content = source.stream.read()
    text = decode_text(content, _declared_encoding(content)).replace("\r\n", "\n").replace("\r", "\n")
    reader = LatexReader(text)
    elements = reader.read()
    if not (elements or reader.stated or reader.included):
        elements = paragraphs(text)
    if reader.included:
        names = ", ".join(list(dict.fromkeys(reader.included))[:_MOST_NAMED])
        source.notes.append(f"Files that it includes are no part of it here: {names}.")
    title = reader.stated.pop("Title", "")
    front = [Element("Title", title)] if title else []
    front += [Element("NarrativeText", "\n".join(reader.told))] if reader.told else []
    lines = [f"{name}: {value}" for name, value in reader.stated.items()]
    yield from front
    yield from [Element("NarrativeText", "\n".join(lines))] if lines else []
    yield from elements


def _declared_encoding(content: bytes) -> str | None:
    found = _ENCODING.search(content[:20_000])
    name = (found[1] or found[2]).decode("ascii") if found else None
    return _ENCODINGS.get(name, name) if name else None


class LatexReader:
    """Reads one document.

    Args:
        text: its characters, with line ends ``\\n``.
    """

    def __init__(self, text: str) -> None:
        self.page = Page()
        self.input = Input(text)
        self.definitions = Definitions()
        self.stated: dict[str, str] = {}
        self.told: list[str] = []
        self.included: list[str] = []
        self.in_formula = False
        self.preamble = self.page.put_aside() if _BEGIN_DOCUMENT.search(text) else None
        self.verbatim = {*commands.VERBATIM, *own_verbatim(text)}
        self.environments = Environments(self)
        self._german = _GERMAN.search(text) is not None
        self._beamer = _BEAMER.search(text) is not None

    def read(self) -> list[Element]:
        """All of it."""
        while (token := self.input.token()) is not None:
            self._read_token(token)
        self.environments.end_all()
        if self.preamble is not None:
            self.page.write(self.page.taken(self.preamble))
        self.page.end_paragraph()
        return self.page.elements

    def inline(self) -> str:
        """All of it as one text."""
        aside = self.page.put_aside()
        while (token := self.input.token()) is not None:
            self._read_token(token)
        return self.page.taken(aside).replace("\n", " ")

    def begin_text(self) -> None:
        """The document begins: what stood before it is not seen."""
        if self.preamble is not None:
            self.page.taken(self.preamble)
            self.preamble = None

    def _read_token(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "comment":
                pass
            case "space":
                pass
            case "word":
                self._command(token["name"], token["space"])
            case "sign":
                self._sign(token["character"])
            case "blank":
                self._blank()
            case "text":
                self.page.write(token[0] if self.in_formula else typographic(token[0]))
            case _:
                self._other(token[0])

    def _blank(self) -> None:
        if self.environments.in_formula:
            self.page.write(" ")
        else:
            self.in_formula = False
            self.page.end_paragraph()

    def _other(self, sign: str) -> None:
        if sign in self.input.marks:
            self.page.write(self.input.until_in_line(sign))
        elif sign == "$":
            self.in_formula = not self.in_formula or self.environments.in_formula
        elif sign == "&":
            self.environments.end_cell()
        elif sign in "^_" and self.in_formula:
            self._script(sign)
        elif sign == '"' and self._german and not self.in_formula:
            shorthand = self.input.after(_SHORTHAND)
            self.page.write(symbols.GERMAN[shorthand[0]] if shorthand else sign)
        elif sign == "}":
            if not self.in_formula and self.input.after(_NEXT_GROUP):
                self.page.write(" ")
        elif sign == "~" or sign == "\n":
            self.page.write(" ")
        elif sign != "{":
            self.page.write(sign)

    def _script(self, sign: str) -> None:
        span = self.input.argument()
        self.page.write(sign)
        if span:
            self.collect(span, lambda text: self.page.write(bracketed(text)))

    def collect(self, span: Span, then: Callable[[str], None]) -> None:
        """Read a piece apart, and hand on its text."""
        if self.input.is_deep:
            self.input.push(span)
            return
        aside = self.page.put_aside()
        self.input.push(span, lambda: then(self.page.taken(aside)))

    def _sign(self, character: str) -> None:
        if character == "\\":
            self.input.after(_LINE_END_OPTIONS)
            self.environments.end_row()
        elif character in "()[]":
            self.in_formula = character in "(["
            self.page.write(" " if character in "[]" else "")
        elif character in symbols.ACCENTS and not (self.in_formula or self.environments.is_open("tabbing")):
            self._accent(symbols.ACCENTS[character])
        else:
            self.page.write(symbols.SIGNS.get(character, "" if character in "=>`'" else character))

    def _accent(self, mark: str) -> None:
        span = self.input.argument()
        if span:
            self.collect(span, lambda text: self.page.write(accented(text, mark)))

    def _command(self, name: str, space: str) -> None:
        handler = _HANDLERS.get(name)
        if handler:
            handler(self)
        elif self.definitions.read(name, self.input):
            pass
        elif name in self.definitions.macros and self.input.expand(self.definitions.macros[name]):
            if not space:
                return
        elif not self._symbol(name, space):
            self._skip_unseen(name)
            if self.preamble is not None and self.page.is_innermost(self.preamble) and name not in commands.UNSEEN:
                self._state_in_words()
            self.page.write(" " if space else "")

    def _state_in_words(self) -> None:
        """What a command that nobody knows is given before the document begins: words are for the title page, all else sets something."""
        while (span := self.input.group()) is not None:
            if span.end - span.start < _LONGEST_IN_WORDS and _IN_WORDS.fullmatch(span.words):
                self.collect(span, self.told.append)

    def _symbol(self, name: str, space: str) -> bool:
        if len(name) == 1 and name in symbols.ACCENTS and not self.in_formula:
            self._accent(symbols.ACCENTS[name])
        elif name in symbols.MATHS_ACCENTS and self.in_formula:
            self._accent(symbols.MATHS_ACCENTS[name])
        elif name in symbols.TEXT or name in symbols.MATHS:
            self.page.write(symbols.TEXT.get(name) or symbols.MATHS[name])
            self.page.write(" " if space and self.in_formula else "")
        elif _LOGO.match(name):
            self.page.write(name)
        elif self.in_formula and name not in commands.UNSEEN and name not in commands.UNSEEN_IN_FORMULAS and not name.startswith("math"):
            self.page.write(f"{name} ")
        else:
            return self.in_formula and name not in commands.UNSEEN
        return True

    def _skip_unseen(self, name: str) -> None:
        self.skip_overlay()
        kinds = commands.UNSEEN.get(name)
        if name in commands.TAKE_LENGTH:
            self.input.after(_LENGTH)
        elif kinds is None:
            self.input.after(_SETTING)
            self.skip_options()
        else:
            self.skip(kinds)

    def skip_overlay(self) -> None:
        """Read past what says on which slides something is shown."""
        if self._beamer:
            self.input.after(_OVERLAY)

    def skip(self, kinds: str) -> None:
        """Read past arguments that are not seen."""
        for kind in kinds:
            if kind == "m":
                _ = self.input.group() or self.input.after(_COMMAND)
            else:
                self.input.optional("[" if kind == "o" else "(")

    def skip_options(self) -> None:
        """Read past what stands in brackets, if it sets something."""
        span = self.input.optional()
        if span and not _OPTIONS.match(span.words):
            self.input.push(Span("] ", 0, 2, {}))
            self.input.push(span)
            self.page.write("[")

    def heading(self, level: int) -> None:
        """A heading of a level."""
        self.input.after(_STAR)
        self.input.optional()
        span = self.input.argument()
        self.page.end_paragraph()
        if span:
            self.collect(span, lambda text: self.page.heading(text, level))

    def caption(self) -> None:
        """A paragraph of its own."""
        self.input.after(_STAR)
        self.input.optional()
        span = self.input.argument()
        self.page.end_paragraph()
        if span:
            self.input.push(span, self.page.end_paragraph)

    def note(self) -> None:
        """A note below the paragraph."""
        self.input.optional()
        span = self.input.argument()
        if span:
            self.collect(span, self.page.note)

    def state(self, name: str) -> None:
        """What the document says of itself."""
        self.input.optional()
        span = self.input.argument()
        if span:
            self.collect(span, lambda text: self.stated.update({name: text.replace("\n", ", ").replace(" ,", ",")}) if text else None)

    def cite(self) -> None:
        """The keys of sources, in brackets, and what is said beside them."""
        spans = [span for span in (self.input.optional(), self.input.optional()) if span]
        keys = self.input.group()
        if keys:
            self.page.write(f"[{', '.join(key.strip() for key in keys.words.split(','))}")
            self.input.push(Span("]", 0, 1, {}))
            for span in reversed(spans):
                self.input.push(span)
                self.input.push(Span(", ", 0, 2, {}))

    def mark_verb(self) -> None:
        """From here on a character begins and ends pieces that are kept as they are."""
        self.input.after(_STAR)
        self.input.optional()
        span = self.input.argument()
        mark = span.words.strip().removeprefix("\\") if span else ""
        if len(mark) == 1 and not (mark.isalnum() or mark in self.input.marks or mark in "\\{}%$&"):
            self.input.mark(mark)

    def address(self) -> None:
        """An address or path, in which no sign has a meaning."""
        span = self.input.group()
        self.page.write(span.words.replace("\\", "") if span else "")

    def verb(self) -> None:
        """A piece of a line that is kept as it is."""
        found = self.input.after(_VERB)
        span = None if found else self.input.group()
        self.page.write(found[2] if found else span.words if span else "")

    def verb_in_language(self) -> None:
        """As :meth:`verb`, with the name of a language before it."""
        self.input.group()
        self.verb()

    def include(self) -> None:
        """The name of a file, for the note."""
        self.input.optional()
        spans = [self.input.group() or self.input.after(_FILE), self.input.group()]
        names = [one.words if isinstance(one, Span) else one[0] for one in spans if one]
        if self.preamble is None and names and len("".join(names)) < 200:
            self.included.append("".join(names).strip())

    def fraction(self, between: str = "/") -> None:
        """One above another."""
        above, below = self.input.argument(), self.input.argument()
        for span, before in ((below, between), (above, "")):
            if span:
                self.collect_later(span, before)

    def collect_later(self, span: Span, before: str) -> None:
        """Read a piece when what was pushed after it is done."""

        def begin() -> None:
            self.page.write(before)
            self.collect(span, self._write_bracketed)

        self.input.push(Span("", 0, 0, {}), begin)

    def _write_bracketed(self, text: str) -> None:
        self.page.write(bracketed(text))

    def root(self) -> None:
        """A root, which may say which."""
        order, span = self.input.optional(), self.input.argument()
        self.page.write(f"{order.words if order else ''}√")
        if span:
            self.collect(span, self._write_bracketed)

    def text_in_formula(self) -> None:
        """Words within a formula."""
        span, before = self.input.argument(), self.in_formula
        if span:
            self.in_formula = False
            self.input.push(span, lambda: setattr(self, "in_formula", before))

    def quantity(self) -> None:
        """Numbers and units: names of units are words."""
        self.input.optional()
        spans, before = [self.input.group() for _ in range(2)], self.in_formula
        self.in_formula = True
        for number, span in enumerate([span for span in reversed(spans) if span]):
            self.input.push(span, partial(self._set_formula, before) if number == 0 else partial(self.page.write, " "))

    def _set_formula(self, value: bool) -> None:
        self.in_formula = value

    def end_all(self) -> None:
        """The document is over, unless what ends it stands in an example."""
        if self.preamble is None and self.input.is_last(_ENDS):
            self.input.end()

    def character(self) -> None:
        """A character by its number."""
        found = self.input.after(_CODE)
        if found:
            number = int(found[1] or found[2] or found[3] or "0", 10 if found[1] else 16 if found[2] else 8)
            self.page.write(found[4] or (chr(number) if 31 < number < 0xD800 else " "))

    def line_end(self) -> None:
        """A line ends for the reader too."""
        self.page.write(LINE_END)

    def end_paragraph(self) -> None:
        """A paragraph ends."""
        self._blank()

    def skip_condition(self) -> None:
        """What no version of the document shows."""
        self.definitions.skip_condition(self.input)

    def begin(self) -> None:
        """An environment begins."""
        self.environments.begin()

    def end_environment(self) -> None:
        """An environment ends."""
        self.environments.end()


_ENDS = re.compile(r"^[^%\n|]{0,40}\\(?:end\s*\{document\}|endinput(?![a-z])|bye(?![a-z]))", re.MULTILINE)
_SHORTHAND = re.compile("|".join(re.escape(one) for one in symbols.GERMAN))
_NEXT_GROUP = re.compile(r"(?=\{)")
_LINE_END_OPTIONS = re.compile(r"\*?(?:[ \t]*\[[^\]\n]{0,20}\])?")
_STAR = re.compile(r"\*")
_COMMAND = re.compile(r"[ \t]*\\[A-Za-z@]+")
_FILE = re.compile(r"[ \t]*[\w./-]+")
_Handler = Callable[[LatexReader], None]


def _heading(level: int, reader: LatexReader) -> None:
    reader.heading(level)


def _state(name: str, reader: LatexReader) -> None:
    reader.state(name)


_HANDLERS: dict[str, _Handler] = {
    **{name: partial(_heading, level) for name, level in commands.HEADINGS.items()},
    **{name: partial(_state, shown) for name, shown in _STATED.items()},
    **dict.fromkeys(("footnote", "footnotetext", "endnote", "thanks", "sidenote", "tablefootnote"), LatexReader.note),
    **dict.fromkeys(
        ("cite", "citep", "citet", "parencite", "textcite", "autocite", "footcite", "citeauthor", "citeyear"), LatexReader.cite
    ),
    **dict.fromkeys(("url", "nolinkurl", "path"), LatexReader.address),
    **dict.fromkeys(("verb", "lstinline", "Verb"), LatexReader.verb),
    **dict.fromkeys(commands.INCLUDED, LatexReader.include),
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"), LatexReader.fraction),
    **dict.fromkeys(commands.TEXT_IN_FORMULAS, LatexReader.text_in_formula),
    **dict.fromkeys(("SI", "si", "unit", "qty", "num"), LatexReader.quantity),
    **dict.fromkeys(("newline", "linebreak", "cr"), LatexReader.line_end),
    **dict.fromkeys(("par", "endgraf", "bigskip", "medskip", "smallskip"), LatexReader.end_paragraph),
    **dict.fromkeys(("endinput", "bye"), LatexReader.end_all),
    **dict.fromkeys(("MakeShortVerb", "DefineShortVerb", "lstMakeShortInline"), LatexReader.mark_verb),
    "char": LatexReader.character,
    "mintinline": LatexReader.verb_in_language,
    "caption": LatexReader.caption,
    "sqrt": LatexReader.root,
    "iffalse": LatexReader.skip_condition,
    "begin": LatexReader.begin,
    "end": LatexReader.end_environment,
    "item": lambda reader: reader.environments.item(),
    "tabularnewline": lambda reader: reader.environments.end_row(),
    "multicolumn": lambda reader: reader.environments.wide_cell(),
    "multirow": lambda reader: reader.environments.high_cell(),
    "bibitem": lambda reader: reader.environments.source_item(),
}


def latex_text(text: str) -> str:
    """A piece of LaTeX as one line of text: a field of a bibliography."""
    return clean_text(LatexReader(text).inline())
