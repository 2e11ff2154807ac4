"""The characters of a LaTeX document in the order in which TeX reads them: those of its files, and of its macros.

Belongs here: tokens, groups, arguments, macros and what they stand for. Not here: what a command means for the reader.

Nothing calls itself for a group in a group, and each character's group is looked for once: a file may hold a million of them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

_PIECES = (
    r"(?P<comment>%[^\n]*(?:\n[ \t]*(?![ \t\n]))?)"
    r"|(?P<word>\\(?P<name>[A-Za-z@]+)(?P<star>\*?)(?P<space>[ \t]*(?:\n(?![ \t]*\n)[ \t]*)?))"
    r"|(?P<sign>\\(?P<character>.))"
    r"|(?P<blank>\n[ \t]*\n\s*)"
    r"|(?P<text>[^\\%${}&~^_\n\"OTHERS]+)"
    r"|(?P<other>.)"
)
_GROUP = re.compile(r"\\.|%[^\n]*|[{}\[\]]", re.DOTALL)
_SPACE = re.compile(r"(?:[ \t]|\n(?![ \t]*\n)|%[^\n]*\n)*")
_ONE_PIECES = re.compile(r"\\[A-Za-z@]+|\\.|[^\s{}\\%]", re.DOTALL)
_PARAMETER = re.compile(r"#([1-9])")
_MOST_GROUPS = 1_000_000
"""Of one text, so that places take no more than 150 MB; what stands in those behind is read as if it stood in none."""
_MOST_FRAMES = 1000
"""Macros in macros, notes in notes: what is deeper is read as if it had no name."""
_MOST_EXPANSIONS = 100_000
_MOST_EXPANDED_CHARACTERS = 2_000_000
"""What macros may stand for, beside four times the file: a few lines can stand for more text than there is room for."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text, and where the groups in that text end."""

    text: str
    start: int
    end: int
    closing: dict[int, int]

    @property
    def words(self) -> str:
        """Its characters."""
        return self.text[self.start : self.end]


@dataclass(slots=True)
class _Frame:
    span: Span
    place: int
    done: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Macro:
    """What a command stands for: its arguments (``m`` in braces, ``o`` in brackets), what those in brackets are else, its text."""

    kinds: str
    defaults: tuple[str, ...]
    body: str


def span_of(text: str) -> Span:
    """A text with its groups: braces and brackets that belong together, brackets within a group only."""
    closing: dict[int, int] = {}
    opened = array("q")
    for found in _GROUP.finditer(text):
        sign, place = found[0], found.start()
        if sign in "{[":
            opened.append(place)
        elif sign == "]" and opened and text[opened[-1]] == "[":
            closing[opened.pop()] = place
        elif sign == "}":
            while opened and text[opened[-1]] == "[":
                opened.pop()
            if opened:
                closing[opened.pop()] = place
        if len(closing) > _MOST_GROUPS:
            break
    return Span(text, 0, len(text), closing)


@dataclass(slots=True)
class Input:
    """What is still to be read, innermost last.

    Attributes:
        marks: characters that begin and end a piece that is kept as it is.
    """

    text: str
    macros: dict[str, Macro] = field(default_factory=dict)
    marks: str = ""
    _pattern: re.Pattern[str] = re.compile(_PIECES.replace("OTHERS", ""), re.DOTALL)
    _frames: list[_Frame] = field(default_factory=list)
    _expansions: int = 0
    _expanded: int = 0

    def __post_init__(self) -> None:
        self._frames.append(_Frame(span_of(self.text), 0))

    def token(self) -> re.Match[str] | None:
        """The next token; None at the end."""
        while self._frames:
            frame = self._frames[-1]
            found = self._pattern.match(frame.span.text, frame.place, frame.span.end)
            if found:
                frame.place = found.end()
                return found
            self._frames.pop()
            if frame.done:
                frame.done()
        return None

    def mark(self, character: str) -> None:
        """Hand on a character by itself, as it begins a piece that is kept as it is."""
        self.marks += character
        self._pattern = re.compile(_PIECES.replace("OTHERS", re.escape(self.marks)), re.DOTALL)

    def push(self, span: Span, done: Callable[[], None] | None = None) -> None:
        """Read a piece next, then call ``done``."""
        self._frames.append(_Frame(span, span.start, done))

    @property
    def is_deep(self) -> bool:
        """Whether no more pieces should be begun within pieces."""
        return len(self._frames) > _MOST_FRAMES

    def end(self) -> None:
        """Read no more; what was begun is ended."""
        for frame in self._frames:
            frame.place = frame.span.end

    def _here(self) -> _Frame | None:
        """Where the next character is: what a macro stood for may be over while its arguments follow."""
        while len(self._frames) > 1 and self._frames[-1].place >= self._frames[-1].span.end and not self._frames[-1].done:
            self._frames.pop()
        return self._frames[-1] if self._frames else None

    def after(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What follows, if it matches; it is read with that."""
        frame = self._here()
        found = pattern.match(frame.span.text, frame.place, frame.span.end) if frame else None
        if frame and found:
            frame.place = found.end()
        return found

    def rest(self) -> Span | None:
        """What is left of the piece that is read now."""
        frame = self._here()
        return Span(frame.span.text, frame.place, frame.span.end, frame.span.closing) if frame else None

    def skip_to(self, place: int) -> None:
        """Read on at a place of that piece."""
        self._frames[-1].place = place

    def until(self, end: str) -> Span:
        """What stands before some characters, which are read too; all that is left of the piece where they do not come."""
        frame = self._here()
        if frame is None:
            return span_of("")
        found = frame.span.text.find(end, frame.place, frame.span.end)
        stop = frame.span.end if found < 0 else found
        piece = Span(frame.span.text, frame.place, stop, frame.span.closing)
        frame.place = stop if found < 0 else stop + len(end)
        return piece

    def until_in_line(self, end: str) -> str:
        """What stands before a character in the same line, which is read with it; that character where it does not come."""
        found = self.after(re.compile(f"([^{re.escape(end)}\n]*){re.escape(end)}"))
        return found[1] if found else end

    def is_last(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern does not occur in the rest of the document."""
        first = self._frames[0]
        return pattern.search(first.span.text, first.place) is None

    def optional(self, opening: str = "[") -> Span | None:
        """The argument in brackets that follows."""
        return self._group(opening)

    def argument(self) -> Span | None:
        """The argument that follows: a group, or one token."""
        group = self._group("{")
        frame = self._here()
        if group or frame is None:
            return group
        start = _skipped(frame)
        found = _ONE_PIECES.match(frame.span.text, start, frame.span.end)
        if found is None:
            return None
        frame.place = found.end()
        return Span(frame.span.text, found.start(), found.end(), frame.span.closing)

    def group(self) -> Span | None:
        """The argument in braces that follows."""
        return self._group("{")

    def _group(self, opening: str) -> Span | None:
        frame = self._here()
        if frame is None:
            return None
        start = _skipped(frame)
        if not frame.span.text.startswith(opening, start, frame.span.end):
            return None
        end = frame.span.closing.get(start, -1) if opening in "{[" else frame.span.text.find(")", start, min(start + 200, frame.span.end))
        if not start < end < frame.span.end:
            return None
        frame.place = end + 1
        return Span(frame.span.text, start + 1, end, frame.span.closing)

    def expand(self, macro: Macro) -> bool:
        """Read what a macro stands for, with its arguments; False where too much has been expanded already."""
        if self._is_full() or self.is_deep:
            return False
        words, defaults = [], list(macro.defaults)
        for kind in macro.kinds:
            span = self._group("[") if kind == "o" else self.argument()
            default = defaults.pop(0) if kind == "o" and defaults else ""
            words.append(span.words if span else default)
        self._expansions += 1
        self._expanded += len(macro.body) + macro.body.count("#") * max(map(len, words), default=0)
        if self._is_full():
            self.push(span_of(" ".join(words)))
        else:
            self.push(span_of(_PARAMETER.sub(lambda one: words[int(one[1]) - 1] if int(one[1]) <= len(words) else "", macro.body)))
        return True

    def _is_full(self) -> bool:
        return self._expansions > _MOST_EXPANSIONS or self._expanded > _MOST_EXPANDED_CHARACTERS + 4 * len(self.text)


def _skipped(frame: _Frame) -> int:
    found = _SPACE.match(frame.span.text, frame.place, frame.span.end)
    return found.end() if found else frame.place
