"""Rich Text Format: what must be mended before Pandoc sees it.

Belongs here: code pages of fonts, headers and footers, labels of lists. Not here: RTF's formatting, which Pandoc knows.

Pandoc 3.9 decodes every byte as western European, leaves headers and footers out, and writes the labels of lists into the text
(measured). So bytes are rewritten as Unicode escapes by the code page of their font, headers and footers become paragraphs, and
labels are removed. The control words are those of the RTF 1.9.1 specification.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from rag_pipeline.ingestion.extract.decoding import decode_leniently

_TOKEN = re.compile(rb"\\([a-zA-Z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\[^a-zA-Z']|([{}])|[\r\n]+|[^\\{}\r\n]+")
_CODE_PAGE_OF_CHARSET = {
    77: "mac-roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Values of ``\\fcharset``."""
_TWO_BYTES = ("cp932", "cp949", "gbk", "big5", "cp950", "cp936", "johab")
_HEADERS = {b"header", b"headerl", b"headerr", b"headerf", b"footer", b"footerl", b"footerr", b"footerf"}
_LABELS = {b"listtext", b"pntext", b"pntxtb", b"pntxta", b"listtable", b"listoverridetable"}


@dataclass(frozen=True, slots=True)
class _Group:
    """What a group inherits from the one around it."""

    encoding: str = "cp1252"
    in_font_table: bool = False
    in_style_sheet: bool = False
    ends_paragraph: bool = False
    left_out: bool = False


def rtf_for_pandoc(content: bytes) -> bytes:
    """The same document with all its characters as Unicode escapes, headers and footers as text, list labels removed."""
    return _Rewriter().rewritten(content)


class _Rewriter:
    """From token to token through a document."""

    def __init__(self) -> None:
        self._default = "cp1252"
        self._fonts: dict[bytes, str] = {}
        self._font = b"0"
        self._group = _Group()
        self._around: list[_Group] = []
        self._waiting = bytearray()
        """Bytes of one font: a character may take two of them."""
        self._output: list[bytes] = []

    def rewritten(self, content: bytes) -> bytes:
        """The whole document."""
        for token in _TOKEN.finditer(content):
            word, number, code, brace = token.groups()
            if code:
                self._waiting += b"" if self._group.left_out or self._group.in_style_sheet else bytes.fromhex(code.decode())
            elif not self._waiting or token[0].strip(b"\r\n"):  # a line may end between the two bytes of a character
                self._token(self._after_bytes(token[0], plain=token.lastindex is None), word, number, brace)
        self._after_bytes(b"", plain=False)
        return b"".join(self._output)

    def _after_bytes(self, token: bytes, plain: bool) -> bytes:
        """Write the bytes that wait; what is left of the token."""
        if self._waiting and plain and _incomplete(self._waiting, self._group.encoding):
            self._waiting += token[:1]  # the second byte of a character may be written as it is
            token = token[1:]
        self._output.append(_escaped(bytes(self._waiting), self._group.encoding))
        self._waiting.clear()
        return token

    def _token(self, token: bytes, word: bytes | None, number: bytes | None, brace: bytes | None) -> None:
        if brace == b"}":
            self._end_group()
            return
        if brace == b"{":
            self._around.append(self._group)
            if not self._group.left_out:
                self._group = replace(self._group, ends_paragraph=False)
        elif word in _LABELS:
            self._group = replace(self._group, left_out=True)
        elif word in _HEADERS:
            self._group = replace(self._group, ends_paragraph=True)
            return
        elif word == b"u" and self._group.in_style_sheet:
            return
        elif word:
            self._font_word(word, number)
        if not self._group.left_out:
            self._output.append(token)

    def _end_group(self) -> None:
        ended = self._group
        self._group = self._around.pop() if self._around else _Group(self._default)
        if not self._group.left_out:
            self._output.append(b"\\par }" if ended.ends_paragraph else b"}")

    def _font_word(self, word: bytes, number: bytes | None) -> None:
        value = number or b"0"
        if word == b"ansicpg":
            self._default = _known(f"cp{int(value)}")
            self._group = replace(self._group, encoding=self._default)
        elif word == b"fonttbl":
            self._group = replace(self._group, in_font_table=True)
        elif word == b"stylesheet":  # Pandoc takes an escape in a style's name for text
            self._group = replace(self._group, in_style_sheet=True)
        elif word == b"f" and self._group.in_font_table:
            self._font = value
        elif word == b"fcharset" and self._group.in_font_table:
            western = "cp1252" if self._default in _TWO_BYTES else self._default
            self._fonts[self._font] = _CODE_PAGE_OF_CHARSET.get(int(value), western)
        elif word == b"f":
            self._group = replace(self._group, encoding=self._fonts.get(value, self._default))
        elif word == b"plain":
            self._group = replace(self._group, encoding=self._default)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"


def _incomplete(content: bytearray, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    decoder.decode(bytes(content))
    return bool(decoder.getstate()[0])


def _escaped(content: bytes, encoding: str) -> bytes:
    if not content:
        return b""
    units = decode_leniently(content, encoding).encode("utf-16-le")
    numbers = (int.from_bytes(units[index : index + 2], "little", signed=True) for index in range(0, len(units), 2))
    return b"{\\uc1%b}" % b"".join(b"\\u%d ?" % number for number in numbers)
