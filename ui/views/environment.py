"""The templates, and how one becomes HTML.

Belongs here: the one Jinja environment. Not here: what is shown (the other modules of ``views``), markup (``templates/``).

Whatever a template is given is escaped by Jinja, and so are messages (``_("…")``), but for those that hold markup themselves
(``marked_up("…")``). Two rules are ours. A line break in a template, with the blanks around it, is nothing: it
is there for those who read the template. And what comes out is on one line, because Gradio's chat ends a block of HTML at an empty line
and reads what follows as Markdown; the line breaks of a text are written as character references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from ui.views.language import gettext, language, marked_up, ngettext
from ui.views.language.formats import day, moment_utc
from ui.views.language.told import told

_LINE_BREAK = re.compile(r"\s*\n\s*")
_LINE_BREAK_REFERENCE = "&#10;"


class JoinedLines(Extension):
    """Takes the line breaks out of a template's own text; values, and the numbers of lines in errors, stay as they are."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Called by Jinja while a template is compiled, which is once."""
        for token in stream:
            yield Token(token.lineno, token.type, _LINE_BREAK.sub("", token.value)) if token.type == "data" else token


_environment = Environment(
    loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, auto_reload=False, extensions=[JoinedLines]
)
_environment.globals.update(_=gettext, ngettext=ngettext, marked_up=marked_up, language=language, day=day, moment_utc=moment_utc, told=told)


def render(template: str, **shown: object) -> str:
    """A template as HTML on one line; undecodable bytes of a file name are shown as they are.

    Raises:
        jinja2.UndefinedError: the template names what is not among ``shown``.
    """
    markup = _environment.get_template(template).render(shown)
    return one_line(markup.encode("utf-8", "backslashreplace").decode("utf-8"))


def one_line(markup: str) -> str:
    """The same HTML without a line break in its source."""
    return markup.replace("\r\n", "\n").replace("\r", "\n").replace("\n", _LINE_BREAK_REFERENCE)
