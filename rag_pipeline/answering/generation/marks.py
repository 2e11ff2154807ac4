"""The marks ``[n]`` of an answer: where in a text they are citations, and how a document's own are told from them.

Belongs here: the one place that finds marks, in text that streams or is there already. Not here: which page a mark cites
(``citations.py``), how it is shown. Readers of an answer are handed its marks (:class:`rag_pipeline.models.Mark`) and look for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rag_pipeline.answering.tuning import TUNING, MarkReading
from rag_pipeline.models import Mark, Token

FOREIGN_BRACKETS = ("⟦⟧", "⦋⦌", "〚〛")
"""What a document's own ``[3]`` is put into for the language model: the first pair that the documents do not use."""

_MARK = re.compile(r"\[ *(\d+(?: *[,;] *\d+)*) *\]")
_UNFINISHED_MARK = re.compile(r"\[[\d ,;]*\Z")
_DOCUMENTS_OWN = re.compile(r"\[(\s*\d+(?:\s*[,;–-]\s*\d+)*\s*)\]")
_PLAIN = re.compile(r"[^\s`$\[\\]+")
_BLANKS = re.compile(r"[ \t\u00a0\u202f]+")
_OPENING = re.compile(
    r"(?P<code>`+) | \\(?:[`\\$]|(?P<formula>[(\[])) | (?P<display>\$\$) | (?P<dollar>\$)(?=[A-Za-z\\({|-]) | [\\$](?=.)",
    re.DOTALL | re.VERBOSE,
)
_QUOTED_OR_LISTED = r"(?:[ \t>]|(?:[-*+]|\d{1,9}[.)])[ \t])*"
_FENCE = re.compile(rf"{_QUOTED_OR_LISTED}(?:(?P<ticks>`{{3,}})[^`\n]*|(?P<tildes>~{{3,}})[^\n]*)(?:\n|\Z)")
_MAYBE_FENCE = re.compile(rf"{_QUOTED_OR_LISTED}(?:[-*+]|\d{{1,9}}[.)]?|`{{1,2}}|~{{1,2}}|`{{3,}}[^`\n]*|~{{3,}}[^\n]*)?\Z")
_DOLLAR_CLOSES = re.compile(r"(?<![\s\\])\$(?!\d)")
_LINE_END = re.compile(r"\n")
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n")
_LINE_START = re.compile(rf"{_QUOTED_OR_LISTED}(?:#+[ \t]+)?[*_\"'“‘«|(]*\Z")
_CODE = re.compile(r"[=<>{}\\@#^~\[\]]|\w\(|->|:[:/]|\w/\w*[/.]|\$[A-Za-z]|\w_\w|[a-z][A-Z]|[A-Za-z]\.[A-Za-z]{2}|[A-Za-z]\d+$")
_CODE_SPAN = re.compile(r"`[^`]*`")
_NUMBER = re.compile(r"[(\"'“‘«*_~≈±+−-]*[$€£¥]?\d")
_NO_CITATION_AFTER = frozenset("=+<>([{\\/@#&^~$")
_GLUED_TO = frozenset(".!?…,;:)\"'”’»*_%°`。！？、，；：）」』")
_SENTENCE_ENDS = frozenset(".!?…。！？")
_CLAUSE_ENDS = frozenset(".,;:!?…)\"'”’»*|")
_A_MARK = "\ufdd0"
"""Stands for a mark in what was read of the line: a character that no text has."""
_JOINED = re.compile(rf"{_A_MARK} ?[-–—/&]\Z")
"""``[1]-[3]``"""


@dataclass(frozen=True, slots=True)
class Found:
    """Marks that stand where a citation stands: ``text`` is ``[1, 2]`` as it was written, ``gap`` the blanks before it.

    ``numbers`` is empty for one that was broken off at the end of the text.
    """

    gap: str
    text: str
    numbers: tuple[int, ...]


class MarkScanner:
    """Takes a text apart into text and marks, however it is cut into pieces; what is undecided is held back.

    A mark is a citation where it follows a word, a number or the end of a clause, outside of code, formulas, links and identifiers.
    """

    def __init__(self, reading: MarkReading = TUNING.marks) -> None:
        self._reading = reading
        self._held = ""
        self._line = ""
        self._fence = ""
        self._glued_before = self._detached_before = False

    def feed(self, piece: str) -> list[str | Found]:
        """What is decided by now."""
        self._held += piece
        return self._decided(final=False)

    def finish(self) -> list[str | Found]:
        """The rest."""
        return self._decided(final=True)

    def _decided(self, *, final: bool) -> list[str | Found]:
        parts: list[str | Found] = []
        at = 0
        while at < len(self._held) and (part := self._next(at, final)) is not None:
            at += len(part) if isinstance(part, str) else len(part.gap) + len(part.text)
            read = part if isinstance(part, str) else _A_MARK
            self._line = (self._line + read).rpartition("\n")[2][-self._reading.look_behind_characters :]
            parts.append(part)
        self._held = self._held[at:]
        return parts

    def _next(self, at: int, final: bool) -> str | Found | None:
        """What stands at a place of what is held; None where it takes more text to decide."""
        held = self._held
        if self._fence:
            return self._in_fence(at, final)
        if not self._line:
            if not final and _MAYBE_FENCE.match(held, at):
                return None
            if fence := _FENCE.match(held, at):
                self._fence = fence["ticks"] or fence["tildes"]
                return fence[0]
        if plain := _PLAIN.match(held, at):
            return plain[0]
        if held[at] in "`$\\":
            return self._span(at, final)
        return self._maybe_mark(at, final)

    def _in_fence(self, at: int, final: bool) -> str | None:
        end = self._held.find("\n", at) + 1
        line = self._held[at : end or len(self._held)]
        if self._line:
            return line
        bare = line.lstrip(" \t>").rstrip()
        if bare.strip(self._fence[0]) == "":
            if not end and not final:
                return None
            if len(bare) >= len(self._fence):
                self._fence = ""
        return line

    def _span(self, at: int, final: bool) -> str | None:
        """Code or a formula, whole; an opening that nothing closes before the paragraph ends is text."""
        window = self._held[at : at + self._reading.longest_span_characters]
        complete = final or len(window) == self._reading.longest_span_characters
        opening = _OPENING.match(window)
        if not complete and (opening is None or opening.end() == len(window)):
            return None  # more backticks may follow
        if opening is None or opening.lastgroup is None:
            return opening[0] if opening else window[0]
        closing = _closing(opening).search(window, opening.end())
        paragraph = (_LINE_END if opening["dollar"] else _PARAGRAPH_END).search(window, opening.end())
        if closing and not (paragraph and paragraph.start() < closing.start()):
            return window[: closing.end()] if complete or closing.end() < len(window) else None
        return opening[0] if paragraph or complete else None

    def _maybe_mark(self, at: int, final: bool) -> str | Found | None:
        """Blanks, and what follows them, if that is a mark."""
        blanks = _BLANKS.match(self._held, at)
        gap = blanks[0] if blanks else ""
        at += len(gap)
        if at == len(self._held):
            return gap if final else None
        mark = _MARK.match(self._held, at)
        if mark is None:
            return self._no_mark(gap, at, final)
        after = self._held[mark.end() : mark.end() + 2]
        if len(after) <= 1 and "\n" not in after and not final:
            return None
        numbers = tuple(dict.fromkeys(int(number) for number in re.findall(r"\d+", mark[1])))
        if self._is_citation(gap, after, mark[0], numbers):
            return Found(gap, mark[0], numbers)
        return gap + "["

    def _no_mark(self, gap: str, at: int, final: bool) -> str | Found | None:
        unfinished = _UNFINISHED_MARK.match(self._held, at)
        if unfinished and len(unfinished[0]) <= self._reading.longest_mark_characters:
            if not final:
                return None
            if self._stands_as_citation(gap, ""):
                return Found(gap, unfinished[0], ())
        return gap or self._held[at]

    def _is_citation(self, gap: str, after: str, written: str, numbers: tuple[int, ...]) -> bool:
        index = 0 in numbers and (len(numbers) > 1 or not gap)  # or an interval
        if len(written) > self._reading.longest_mark_characters or max(numbers) > self._reading.largest_number or index:
            return False
        return self._stands_as_citation(gap, after)

    def _stands_as_citation(self, gap: str, after: str) -> bool:
        if not self._may_be_followed_by(gap, after):
            return False
        line = _CODE_SPAN.sub("`", self._line)
        if line.endswith(_A_MARK) or _JOINED.search(line):
            return True
        if _LINE_START.match(line):
            return after[:1] != ":"
        if not gap:
            return self._may_be_glued(line, after)
        operator = line[-1] in _NO_CITATION_AFTER or (line[-1] in "-*" and line[-2:-1].isspace())
        self._detached_before = self._detached_before or not operator
        return not operator

    def _may_be_followed_by(self, gap: str, after: str) -> bool:
        """``[1](link)``, ``[1][reference]``, ``[2]nd``, ``[4]He`` are no citations; ``said.[1]The next`` is one."""
        following = after[:1]
        if following in ("(", "{", "\\", "_"):
            return False
        if following == "[":
            return after[1:].isdigit() or after[1:].isspace() or len(after) == 1
        if following.isascii() and following.isalnum():
            return not gap and self._line[-1:] in _SENTENCE_ENDS
        return True

    def _may_be_glued(self, line: str, after: str) -> bool:
        """``1781[1]``, ``opened.[1]``, ``museum[1].``, but not ``x[1]``, ``rows[2] = 0``, ``\\sqrt[3]``."""
        run = re.split(r"\s", line.rpartition(_A_MARK)[2])[-1]
        if run == "(":
            return True
        if _CODE.search(run.strip("*_")) or after[:1] in ("=", "+"):
            return False
        last = run[-1:]
        if not last.isalnum():
            return last in _GLUED_TO
        if not last.isascii() or _NUMBER.match(run):
            self._glued_before = True
            return True
        return self._word_may_be_glued(run, after)

    def _word_may_be_glued(self, run: str, after: str) -> bool:
        """An English word and the name of an array look alike; what the answer did before, and the end of a clause, tell."""
        letters = run.lstrip("(\"'“‘«*_")
        if len(letters) <= 1:
            return False
        if after[:1] == "[":
            return len(letters) > self._reading.short_word_characters and not self._detached_before
        if after[:1] not in ("", "\n") and (after[0] not in _CLAUSE_ENDS or after[1:].isalnum()):
            return self._glued_before and not self._detached_before
        glued = len(letters) > self._reading.short_word_characters or not self._detached_before
        self._glued_before = self._glued_before or glued
        return glued


class CitationFilter:
    """The tokens of an answer in which ``[n]`` is a mark only where passage n exists; ``[1, 2]`` becomes ``[1][2]``.

    Args:
        passages: how many there are.
        brackets: those that the documents' own marks were put into; they are put back.
        reading: how marks are told from other text.
    """

    def __init__(self, passages: int, brackets: str = FOREIGN_BRACKETS[0], reading: MarkReading = TUNING.marks) -> None:
        self._passages = passages
        self._scanner = MarkScanner(reading)
        self._back = str.maketrans(dict(zip(brackets, "[]", strict=True)))

    def feed(self, piece: str) -> list[Token]:
        """What can be shown by now."""
        return list(self._tokens(self._scanner.feed(piece)))

    def finish(self) -> list[Token]:
        """The rest; a mark that was never closed is dropped."""
        return list(self._tokens(self._scanner.finish()))

    def _tokens(self, parts: list[str | Found]) -> Iterable[Token]:
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part.translate(self._back)
                continue
            valid = [number for number in part.numbers if 1 <= number <= self._passages]
            text += part.gap if valid else ""
            if valid and text:
                yield Token(text)
                text = ""
            yield from (Token(f"[{number}]", number) for number in valid)
        if text:
            yield Token(text)


def without_marks(text: str, reading: MarkReading = TUNING.marks) -> str:
    """An earlier answer without its marks, whose numbers are those of other passages."""
    return "".join(part for part in _parts(text, reading) if isinstance(part, str))


def marks_in(text: str, passages: int, reading: MarkReading = TUNING.marks) -> tuple[Mark, ...]:
    """The marks of an answer of which only the text was kept."""
    marks: list[Mark] = []
    place = 0
    for part in _parts(text, reading):
        if isinstance(part, Found):
            place += len(part.gap)
            if len(part.numbers) == 1 and 1 <= part.numbers[0] <= passages:
                marks.append(Mark(place, place + len(part.text), part.numbers[0]))
        place += len(part if isinstance(part, str) else part.text)
    return tuple(marks)


def _closing(opening: re.Match[str]) -> re.Pattern[str]:
    if opening["code"]:
        return re.compile(rf"(?<!`){opening['code']}(?!`)")
    if opening["dollar"]:
        return _DOLLAR_CLOSES
    return re.compile(re.escape({"\\(": "\\)", "\\[": "\\]"}.get(opening[0], opening[0])))


def foreign_brackets(texts: Iterable[str]) -> str:
    """The brackets for the documents' own marks."""
    every = set().union(*texts)
    return next((pair for pair in FOREIGN_BRACKETS if every.isdisjoint(pair)), FOREIGN_BRACKETS[0])


def told_apart(text: str, brackets: str = FOREIGN_BRACKETS[0]) -> str:
    """A document's text with its own marks in other brackets, so that none can be taken for ours."""
    return _DOCUMENTS_OWN.sub(rf"{brackets[0]}\1{brackets[1]}", text)


def _parts(text: str, reading: MarkReading) -> list[str | Found]:
    scanner = MarkScanner(reading)
    return scanner.feed(text) + scanner.finish()
