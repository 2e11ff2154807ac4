"""Rich Text Format: from bytes to groups, control words and characters.

Belongs here: code pages of fonts, Unicode escapes and what stands in for them. Not here: what control words mean for a text (``rtf``).
The control words are those of the RTF 1.9.1 specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from rag_pipeline.ingestion.extract.data.decoding import code_page_encoding, decode_leniently
from rag_pipeline.ingestion.extract.data.symbol_fonts import symbols

_TOKEN = re.compile(rb"\\([a-zA-Z]+)(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n\0]+|[^\\{}\r\n\0]+|\\", re.DOTALL)
_ENCODING_OF_CHARSET = {
    77: "mac-roman", 78: "cp932", 79: "johab", 80: "gbk", 81: "big5", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip
"""Values of ``\\fcharset`` that name a code page; 0 is Western, 1 and 2 (default, symbols) are the document's."""
_TWO_BYTES = ("cp932", "cp949", "gbk", "gb18030", "big5", "cp950", "cp936", "johab")
_ENCODING_OF_WORD = {"mac": "mac-roman", "pc": "cp437", "pca": "cp850"}
_CHARACTER_OF_WORD = {
    "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "emspace": " ", "enspace": " ", "qmspace": " ", "zwj": "\u200d", "zwnj": "\u200c", "zwbo": "", "zwnbo": "",
    "ltrmark": "", "rtlmark": "",
}  # fmt: skip
_CHARACTER_OF_SYMBOL = {"~": " ", "_": "-", "-": "", ":": "", "|": ""}
_WORD_OF_SYMBOL = {"\r": "par", "\n": "par", "\t": "tab", "*": "*"}
_ENDS_STAND_IN = ("par", "cell", "row", "nestcell", "nestrow", "line", "tab", "sect", "page")
"""A writer that forgot what stands in for a character must not cost the end of its paragraph."""
_BESIDE_FONT_NAMES = ("panose", "falt", "fname", "fontemb", "fontfile")
_SCRIPTS = ("loch", "hich", "dbch", "ltrch", "rtlch")


class RtfEvent(NamedTuple):
    """A brace, a control word with its number, or characters."""

    kind: Literal["{", "}", "word", "text"]
    text: str = ""
    number: int | None = None


@dataclass(slots=True)
class _Group:
    """What a group inherits from the one around it."""

    stand_in: int = 1
    """``\\ucN``: how many characters stand in for each ``\\uN``, for readers that know no Unicode."""
    font: int | None = None
    fonts: dict[str, int] = field(default_factory=dict)
    script: str = ""
    in_font_table: bool = False
    names_no_font: bool = False
    """Within the font table: what a font looks like, which others may stand in for it, its file."""


def rtf_events(content: bytes) -> Iterator[RtfEvent]:
    """A document's groups, words and characters in order. Surrogates come one by one: whoever joins the text pairs them."""
    return _Characters().events(content)


class _Characters:
    def __init__(self) -> None:
        self._default = "cp1252"
        self._default_font: int | None = None
        self._encodings: dict[int, str] = {}
        self._names: dict[int, str] = {}
        """Of fonts, by their numbers."""
        self._declared_font = 0
        self._group = _Group()
        self._around: list[_Group] = []
        self._skipped = 0
        """Characters that still stand in for the last escape."""
        self._escape = ""
        self._stood_in = bytearray()
        self._bytes = bytearray()
        """Bytes of one encoding: a character may take two of them, and they may be written in two ways."""

    def events(self, content: bytes) -> Iterator[RtfEvent]:
        position = 0
        while token := _TOKEN.match(content, position):
            position = token.end()
            word, number, code, symbol, brace = token.groups()
            if word == b"bin":
                position += max(int(number or 0), 0)
                self._skipped = max(self._skipped - 1, 0)
            elif code:
                self._byte(int(code, 16))
            elif word:
                yield from self._word(word.decode(), None if number is None else int(number))
            elif symbol:
                yield from self._symbol(symbol.decode("latin-1"))
            elif brace:
                yield from self._brace(brace)
            elif token[0][0] not in b"\r\n\0":
                self._plain(token[0])
        yield from self._flushed()

    def _flushed(self) -> Iterator[RtfEvent]:
        if self._bytes:
            text = decode_leniently(bytes(self._bytes), self._encoding())
            self._bytes.clear()
            if self._group.in_font_table and not self._group.names_no_font:
                self._names.setdefault(self._declared_font, text.partition(";")[0].strip())
            yield RtfEvent("text", symbols(text, self._font_name()))

    def _plain(self, text: bytes) -> None:
        self._bytes += text[self._skipped :]
        self._skipped = max(self._skipped - len(text), 0)
        self._escape = ""

    def _byte(self, byte: int) -> None:
        if self._skipped:
            self._skipped -= 1
            self._stood_in.append(byte)
        elif self._escape and self._stood_in and _decoded(bytes([*self._stood_in, byte]), self._encoding()) == self._escape:
            self._escape = ""  # both bytes of one character stand in for the escape, where one is announced
        else:
            self._escape = ""
            self._bytes.append(byte)

    def _brace(self, brace: bytes) -> Iterator[RtfEvent]:
        yield from self._flushed()
        self._skipped = 0
        if brace == b"{":
            self._around.append(self._group)
            self._group = copy(self._group)
            yield RtfEvent("{")
        else:
            self._group = self._around.pop() if self._around else _Group()
            yield RtfEvent("}")

    def _symbol(self, symbol: str) -> Iterator[RtfEvent]:
        if symbol in _WORD_OF_SYMBOL:
            yield from self._word(_WORD_OF_SYMBOL[symbol], None)
        elif self._skipped:
            self._skipped -= 1
        elif symbol in _CHARACTER_OF_SYMBOL:
            yield from self._flushed()
            yield RtfEvent("text", _CHARACTER_OF_SYMBOL[symbol])
        else:
            self._bytes += symbol.encode("latin-1")

    def _word(self, word: str, number: int | None) -> Iterator[RtfEvent]:
        if word in _CHARACTER_OF_WORD:
            yield from self._flushed()
            if self._skipped:
                self._skipped -= 1
            else:
                yield RtfEvent("text", _CHARACTER_OF_WORD[word])
            return
        yield from self._flushed()
        if word == "u":
            yield from self._unicode(number or 0)
            return
        if word in _ENDS_STAND_IN:
            self._skipped = 0
        self._declaration(word, number)
        yield RtfEvent("word", word, number)

    def _unicode(self, number: int) -> Iterator[RtfEvent]:
        code = number + 0x10000 if number < 0 else number  # numbers above 32767 are written as negative ones
        self._escape = chr(code) if 0 <= code < 0x110000 else "\ufffd"
        self._skipped = self._group.stand_in
        self._stood_in.clear()
        yield RtfEvent("text", symbols(self._escape, self._font_name()))

    def _declaration(self, word: str, number: int | None) -> None:
        group, value = self._group, number or 0
        if word == "uc":
            group.stand_in = max(value, 0)
        elif word == "ansicpg":
            self._default = code_page_encoding(value) or self._default
        elif word in _ENCODING_OF_WORD:
            self._default = _ENCODING_OF_WORD[word]
        elif word == "deff":
            self._default_font = value
        elif word == "fonttbl":
            group.in_font_table = True
        elif group.in_font_table:
            self._font_declaration(word, value)
        elif word in _SCRIPTS:
            group.script = word
        elif word in ("f", "af"):
            group.fonts = {**group.fonts, group.script: value}
            group.font = value if word == "f" else group.font
        elif word == "plain":
            group.font, group.fonts, group.script = None, {}, ""

    def _font_declaration(self, word: str, value: int) -> None:
        if word in _BESIDE_FONT_NAMES:
            self._group.names_no_font = True
        elif word == "f":
            self._declared_font = value
        elif word == "fcharset":
            western = "cp1252" if self._default in _TWO_BYTES else self._default
            encoding = _ENCODING_OF_CHARSET.get(value, western if value == 0 else self._default)
            self._encodings.setdefault(self._declared_font, encoding)
        elif word == "cpg":
            self._encodings[self._declared_font] = code_page_encoding(value) or self._default

    def _font(self) -> int | None:
        return self._default_font if self._group.font is None else self._group.font

    def _font_name(self) -> str:
        """That of the font for the script at hand, where the document tells its name."""
        font = self._group.fonts.get(self._group.script, self._font())
        return "" if font is None or self._group.in_font_table else self._names.get(font, "")

    def _encoding(self) -> str:
        """That of the font for the script at hand; text marked as East Asian has two bytes a character, or is not marked right."""
        group, font = self._group, self._font()
        usual = self._encodings.get(font, self._default) if font is not None else self._default
        special = self._encodings.get(group.fonts.get(group.script, -1), usual)
        return special if group.script != "dbch" or special in _TWO_BYTES else usual


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding) if encoding in _TWO_BYTES else None
    except UnicodeDecodeError:
        return None
