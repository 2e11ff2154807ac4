"""The words of a line of AsciiDoc without what marks them (AsciiDoc Language Documentation: Text, Links, Macros).

Belongs here: inline markup. Not here: blocks (``reader``), tables.

What is no markup that is known stays as it is written, so a macro of an extension is shown as Asciidoctor shows it without that.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

_LONGEST = 1000
"""Characters that one piece of markup may span: a sign without its partner must not be looked for to the end of a large file."""
_IN_BRACKETS = rf"\[((?:\\\]|[^\[\]\\]|\\|\[[^\[\]]{{0,200}}\]){{0,{_LONGEST}}}?)\]"
_KEPT = re.compile(
    rf"(?<!\\)(?:\+\+\+(.{{1,{_LONGEST}}}?)\+\+\+|\$\$(.{{1,{_LONGEST}}}?)\$\$|`\+(.{{1,{_LONGEST}}}?)\+`|pass:[a-z,]*{_IN_BRACKETS})",
    re.DOTALL,
)
_MATHS = re.compile(rf"\b(?:stem|latexmath|asciimath):{_IN_BRACKETS}")
_FOOTNOTE = re.compile(rf"\s*\bfootnote(?:ref)?:([\w-]*){_IN_BRACKETS}", re.DOTALL)
_LINK = re.compile(rf"(?<![\\\w])(?:link:|mailto:|xref:|(?=(?:https?|ftp|irc)://))([^\s\[\]<>]{{1,{_LONGEST}}}){_IN_BRACKETS}", re.DOTALL)
_PICTURE = re.compile(rf"(?<!\\)\b(image|icon|video|audio):([^\s\[\]:][^\s\[\]]{{0,{_LONGEST}}}){_IN_BRACKETS}")
_KEYS = re.compile(rf"\b(?:kbd|btn):{_IN_BRACKETS}")
_MENU = re.compile(rf"\bmenu:([^\[\]\n]{{1,100}}){_IN_BRACKETS}")
_UNSEEN = re.compile(
    rf"\b(?:anchor:[\w-]+|indexterm:){_IN_BRACKETS}|\(\(\([^()]{{1,{_LONGEST}}}\)\)\)|\[\[[\w:.-]+(?:,[^\]\n]{{0,200}})?\]\](?!\])"
)
_TERM = re.compile(rf"\bindexterm2:{_IN_BRACKETS}|\(\(([^()\n]{{1,200}})\)\)")
_REFERENCE = re.compile(rf"(?<!\\)<<([^<>,\n]{{1,200}})(?:,\s*([^<>]{{0,{_LONGEST}}}))?>>")
_ATTRIBUTE = re.compile(r"(?<!\\)\{([\w-]{1,100})\}")
_QUOTED = re.compile(rf"\"`(\S|\S.{{0,{_LONGEST}}}?\S)`\"|'`(\S|\S.{{0,{_LONGEST}}}?\S)`'", re.DOTALL)
_FREE = re.compile(rf"(?<!\\)(?:\[[^\[\]\n]{{1,100}}\])?(\*\*|__|``|##)(?=\S)(.{{1,{_LONGEST}}}?)\1", re.DOTALL)
_BOUND = re.compile(rf"(?<![\w\\;:}}])(?:\[[^\[\]\n]{{1,100}}\])?([*_`#+])(?=\S)((?:(?!\1).){{0,{_LONGEST}}}?\S)\1(?!\w)", re.DOTALL)
_RAISED = re.compile(r"(?<!\\)\^([^\s^]{1,100})\^|(?<!\\)~([^\s~]{1,100})~")
_ESCAPED = re.compile(r"\\(?=[*_`#{^~<\[+]|https?:|\.\.\.|--|->|\([CR]\)|\w+:)")
_TAG = re.compile(r"<[a-zA-Z/][^<>]{0,1000}>")
_STASHED = re.compile("\ue000(\\d+)\ue001")
_PRINTED = (("(C)", "©"), ("(R)", "®"), ("(TM)", "™"), (" -- ", " — "), ("...", "…"), ("->", "→"), ("=>", "⇒"), ("<-", "←"), ("<=", "⇐"))
_BUILT_IN = {
    "nbsp": " ", "zwsp": "", "wj": "", "apos": "'", "quot": '"', "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "deg": "°",
    "plus": "+", "brvbar": "¦", "vbar": "|", "amp": "&", "lt": "<", "gt": ">", "startsb": "[", "endsb": "]", "caret": "^", "asterisk": "*",
    "tilde": "~", "backslash": "\\", "backtick": "`", "two-colons": "::", "two-semicolons": ";;", "cpp": "C++", "pp": "++", "blank": "",
    "empty": "", "sp": " ", "litdd": "--",
}  # fmt: skip
"""Attributes that every document has (AsciiDoc Language Documentation, Character Replacement Attributes)."""


def words_of(text: str, attributes: Mapping[str, str], note: Callable[[str], None]) -> str:
    """What the reader sees of a piece of text.

    Args:
        text: as it is written, of any number of lines.
        attributes: what names in braces stand for.
        note: is given each footnote.
    """
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return f"\ue000{len(kept) - 1}\ue001"

    text = _KEPT.sub(lambda one: keep(_TAG.sub("", next(filter(None, one.groups()), ""))), text.replace("\ue000", ""))
    text = with_attributes(text, attributes)
    text = _MATHS.sub(lambda one: keep(one[1]), text)
    text = _FOOTNOTE.sub(lambda one: _noted(note, _restored(words_of(one[2], attributes, note), kept)), text)
    text = _without_macros(text, attributes)
    text = _without_marks(text)
    for written, printed in _PRINTED:
        text = text.replace(written, printed)
    return _restored(html.unescape(_ESCAPED.sub("", text)), kept)


def with_attributes(text: str, attributes: Mapping[str, str]) -> str:
    """The text with what names in braces stand for; a name that stands for nothing stays."""
    return _ATTRIBUTE.sub(lambda one: _BUILT_IN.get(one[1], attributes.get(one[1].lower(), one[0])), text)


def _noted(note: Callable[[str], None], text: str) -> str:
    note(" ".join(text.split()))
    return ""


def _restored(text: str, kept: list[str]) -> str:
    return _STASHED.sub(lambda one: kept[int(one[1])] if int(one[1]) < len(kept) else "", text)


def _without_macros(text: str, attributes: Mapping[str, str]) -> str:
    text = _PICTURE.sub(lambda one: first_value(one[3]) if one[1] == "image" else "", text)
    text = _LINK.sub(_link_text, text)
    text = _KEYS.sub(lambda one: one[1], text)
    text = _MENU.sub(lambda one: " > ".join([one[1], *filter(None, (part.strip() for part in one[2].split(">")))]), text)
    text = _TERM.sub(lambda one: one[1] or one[2] or "", _UNSEEN.sub("", text))
    return _REFERENCE.sub(lambda one: one[2] or attributes.get(f"#{one[1]}") or one[1].lstrip("#"), text)


def _link_text(found: re.Match[str]) -> str:
    words = first_value(found[2])
    return words.rstrip("^") or found[1]


def _without_marks(text: str) -> str:
    text = _QUOTED.sub(lambda one: f"“{one[1]}”" if one[1] else f"‘{one[2]}’", text)
    for _ in range(3):  # marks in marks
        before = text
        text = _BOUND.sub(r"\2", _FREE.sub(r"\2", text))
        if text == before:
            break
    return _RAISED.sub(lambda one: f"^{one[1]}" if one[1] else f"_{one[2]}", text)


def first_value(values: str) -> str:
    """The first of the values of a macro that has no name: its text. All of them where none has one."""
    text = values.strip().replace("\\]", "]")
    if text.startswith('"') and '"' in text[1:]:
        return text[1 : text.index('"', 1)]
    return re.split(r",\s*[\w-]+\s*=", text)[0] if not re.match(r"[\w-]+\s*=", text) else ""
