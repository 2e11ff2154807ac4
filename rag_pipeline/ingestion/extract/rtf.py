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

_TOKEN = re.compile(rb"\\([a-zA-Z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|[^\\{}\r\n]+")
_CODE_PAGE_OF_CHARSET = {
    77: "mac-roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Values of ``\\fcharset``."""
_HEADERS = {b"header", b"headerl", b"headerr", b"headerf", b"footer", b"footerl", b"footerr", b"footerf"}
_LABELS = {b"listtext", b"pntext", b"pntxtb", b"pntxta", b"listtable", b"listoverridetable"}


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits from the one around it."""

    encoding: str = "cp1252"
    in_font_table: bool = False
    ended_with_paragraph: bool = False
    left_out: bool = False


def rtf_for_pandoc(content: bytes) -> bytes:
    """The same document with all its characters as Unicode escapes, headers and footers as text, list labels removed."""
    default = "cp1252"
    fonts: dict[bytes, str] = {}
    font = b"0"
    state = _State()
    groups: list[_State] = []
    output: list[bytes] = []
    waiting = bytearray()  # bytes of one font: a character may take two of them
    for token in _TOKEN.finditer(content):
        word, number, code, symbol, brace = token.groups()
        if code and not state.left_out:
            waiting += bytes.fromhex(code.decode())
            continue
        if waiting and not (token[0].strip(b"\r\n") == b""):
            # The second byte of a character may be written as it is: \'83A is one character.
            if token.lastindex is None and _incomplete(waiting, state.encoding):
                text = token[0]
                output.append(_escaped(bytes(waiting) + text[:1], state.encoding))
                waiting.clear()
                output.append(text[1:])
                continue
            output.append(_escaped(bytes(waiting), state.encoding))
            waiting.clear()
        if brace == b"{":
            groups.append(state)
            state = replace(state, ended_with_paragraph=False)
        elif brace == b"}":
            ended, state = state, groups.pop() if groups else _State(default)
            if ended.ended_with_paragraph:
                output.append(b"\\par ")
            if ended.left_out and not state.left_out:
                output.append(b"}")
                continue
        elif word == b"ansicpg":
            default = _known(f"cp{int(number or 1252)}")
            state = replace(state, encoding=default)
        elif word == b"fonttbl":
            state = replace(state, in_font_table=True)
        elif word == b"f" and state.in_font_table:
            font = number or b"0"
        elif word == b"fcharset" and state.in_font_table:
            fonts[font] = _CODE_PAGE_OF_CHARSET.get(int(number or 0), default)
        elif word == b"f" and number is not None:
            state = replace(state, encoding=fonts.get(number, default))
        elif word == b"plain":
            state = replace(state, encoding=default)
        elif word in _LABELS and not state.left_out:
            state = replace(state, left_out=True)
        elif word in _HEADERS:
            state = replace(state, ended_with_paragraph=True)
            continue
        if not state.left_out:
            output.append(token[0])
    output.append(_escaped(bytes(waiting), state.encoding))
    return b"".join(output)


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
    units = content.decode(encoding, "rag-keep-bytes").encode("utf-16-le")
    numbers = (int.from_bytes(units[index : index + 2], "little", signed=True) for index in range(0, len(units), 2))
    return b"".join(b"\\u%d ?" % number for number in numbers)
