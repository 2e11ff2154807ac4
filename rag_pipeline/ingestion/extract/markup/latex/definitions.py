"""What a LaTeX document defines for itself: commands, environments, theorems, conditions.

Belongs here: reading definitions. Not here: carrying them out (``reader``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rag_pipeline.ingestion.extract.markup.latex.source import Input, Macro, Span

_STAR = re.compile(r"\s*\*?\s*")
_NAME = re.compile(r"\s*\\([A-Za-z@]+|.)", re.DOTALL)
_PLAIN_PARAMETERS = re.compile(r"((?:#\d)*)(?=\{)")
_PARAMETERS = re.compile(r"[^{}]{0,200}")
_EQUALS = re.compile(r"[ \t]*=?[ \t]?")
_TARGET = re.compile(r"\\(?:[A-Za-z@]+|.)|[^\s\\]", re.DOTALL)
_KINDS = re.compile(r"[mrRvb]|[oO]|[sdDtg]")
_CONDITION = re.compile(r"\\(if[A-Za-z@]*|fi)(?![A-Za-z@])")
_OWN_VERBATIM = re.compile(r"\\(?:lstnewenvironment|DefineVerbatimEnvironment|newtcblisting|newminted(?:\[(\w+)\])?)\s*\{([A-Za-z*]+)\}")
_MOST_CONDITIONS = 20


@dataclass(slots=True)
class Definitions:
    """What was defined so far."""

    macros: dict[str, Macro] = field(default_factory=dict)
    environments: dict[str, tuple[Macro, str]] = field(default_factory=dict)
    theorems: dict[str, str] = field(default_factory=dict)
    _open_conditions: int = 0

    def read(self, command: str, text: Input) -> bool:
        """Read the definition that a command begins; False where it begins none."""
        reader = _READERS.get(command)
        if reader:
            reader(self, text)
        return reader is not None

    def _new_command(self, text: Input) -> None:
        name, kinds, defaults = _head(text)
        body = text.argument()
        if name and body:
            self.macros[name] = Macro(kinds, defaults, body.words)

    def _document_command(self, text: Input) -> None:
        text.after(_STAR)
        name, specification, body = _command_name(text.argument()), text.argument(), text.argument()
        kinds = _KINDS.findall(specification.words) if specification else []
        if name and body and not any(kind in "sdDtg" for kind in kinds):
            self.macros[name] = Macro("".join("o" if kind in "oO" else "m" for kind in kinds), (), body.words)

    def _define(self, text: Input) -> None:
        name = text.after(_NAME)
        plain = text.after(_PLAIN_PARAMETERS) if name else None
        if name and plain is None:
            text.after(_PARAMETERS)
        body = text.group()
        if name and plain and body:
            self.macros[name[1]] = Macro("m" * (len(plain[1]) // 2), (), body.words)

    def _let(self, text: Input) -> None:
        name = text.after(_NAME)
        text.after(_EQUALS)
        target = text.after(_TARGET) if name else None
        if name and target and target[0] != f"\\{name[1]}" and name[1].isalpha():
            self.macros[name[1]] = self.macros.get(target[0][1:], Macro("", (), target[0]))

    def _operator(self, text: Input) -> None:
        text.after(_STAR)
        name, body = _command_name(text.argument()), text.argument()
        if name and body:
            self.macros[name] = Macro("", (), body.words)

    def _environment(self, text: Input) -> None:
        name, kinds, defaults = _head(text)
        beginning, end = text.argument(), text.argument()
        if name and beginning and end:
            self.environments[name] = Macro(kinds, defaults, beginning.words), end.words

    def _theorem(self, text: Input) -> None:
        text.after(_STAR)
        name = text.argument()
        text.optional()
        title = text.argument()
        text.optional()
        if name and title:
            self.theorems[name.words.strip()] = title.words

    def skip_condition(self, text: Input) -> None:
        """Leave out what stands between ``\\iffalse`` and its ``\\fi``."""
        depth, here = 1, text.rest()
        if here is None or self._open_conditions > _MOST_CONDITIONS:
            return
        for found in _CONDITION.finditer(here.text, here.start, here.end):
            depth += -1 if found[1] == "fi" else 1
            if depth == 0:
                text.skip_to(found.end())
                return
        self._open_conditions += 1


def own_verbatim(text: str) -> set[str]:
    """Environments for lines as they are that a document defines itself."""
    return {found[2] or f"{found[1]}code" for found in _OWN_VERBATIM.finditer(text)} | {
        f"{found[2]}code" for found in _OWN_VERBATIM.finditer(text) if "newminted" in found[0]
    }


def _head(text: Input) -> tuple[str, str, tuple[str, ...]]:
    """Name, kinds of arguments and defaults of ``\\newcommand`` and ``\\newenvironment``."""
    text.after(_STAR)
    name = _command_name(text.argument())
    number, default = text.optional(), None
    if number:
        default = text.optional()
    count = int(number.words) if number and number.words.strip() in tuple("123456789") else 0
    kinds = ("o" if default and count else "") + "m" * (count - bool(default and count))
    return name, kinds, (default.words,) if default and count else ()


def _command_name(span: Span | None) -> str:
    return span.words.strip().removeprefix("\\") if span else ""


_READERS: dict[str, Callable[[Definitions, Input], None]] = {
    **dict.fromkeys(("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand"), Definitions._new_command),
    **dict.fromkeys(
        (f"{verb}{kind}" for verb in ("New", "Renew", "Provide", "Declare") for kind in ("DocumentCommand", "ExpandableDocumentCommand")),
        Definitions._document_command,
    ),
    **dict.fromkeys(("def", "gdef", "edef", "xdef"), Definitions._define),
    "let": Definitions._let,
    "DeclareMathOperator": Definitions._operator,
    **dict.fromkeys(("newenvironment", "renewenvironment"), Definitions._environment),
    **dict.fromkeys(("newtheorem", "spnewtheorem"), Definitions._theorem),
}
