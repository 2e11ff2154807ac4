"""Characters that an RTF document shows by a field: SYMBOL, the number of a character and a font.

Belongs here: which character that is. Not here: fields, fonts of runs of text (``rtf``, ``characters``).
"""

from __future__ import annotations

import re

from rag_pipeline.ingestion.extract.data.symbol_fonts import is_symbol_font, symbols

_FIELD = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]{1,6}|\d{1,7})\b(.*)", re.IGNORECASE | re.DOTALL)
_FONT = re.compile(r"""\\f\s+(?:"([^"]*)"|(\S+))""", re.IGNORECASE)
_UNICODE = re.compile(r"\\u\b", re.IGNORECASE)


def symbol_shown(instruction: str) -> str:
    """The character that a field shows; nothing for other fields, and for fonts of pictures.

    Args:
        instruction: what makes the field: ``SYMBOL 97 \\f "Symbol" \\s 10``.
    """
    field = _FIELD.match(instruction)
    if not field:
        return ""
    code, switches = int(field[1], 16 if field[1].lower().startswith("0x") else 10), field[2]
    named = _FONT.search(switches)
    font = (named[1] or named[2] or "") if named else ""
    if not is_symbol_font(font) and code < 0x100 and not _UNICODE.search(switches):
        return bytes([code]).decode("cp1252", "ignore").strip()
    return symbols(chr(code), font).strip() if code < 0x110000 and not 0xD800 <= code <= 0xDFFF else ""
