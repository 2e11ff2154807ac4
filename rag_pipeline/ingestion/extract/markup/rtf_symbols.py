"""Characters that an RTF document shows by a field: SYMBOL, the number of a character and a font.

Belongs here: which character that is. Not here: fields, fonts of runs of text (``rtf``, ``rtf_characters``).
"""

from __future__ import annotations

import re

_FIELD = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]{1,6}|\d{1,7})\b(.*)", re.IGNORECASE | re.DOTALL)
_FONT = re.compile(r"""\\f\s+(?:"([^"]*)"|(\S+))""", re.IGNORECASE)
_UNICODE = re.compile(r"\\u\b", re.IGNORECASE)
_UNKNOWN_FONTS = re.compile(r"wingdings|webdings|dingbats|marlett|mt extra", re.IGNORECASE)
_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
    + " " * 33
    + "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑"
)
"""The font Symbol from 0x20 on, by Adobe's table of its encoding; brackets in pieces are left out."""


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
    code = code & 0xFF if 0xF000 <= code <= 0xF0FF else code  # where fonts of symbols keep their characters
    if _UNKNOWN_FONTS.search(font):
        return ""
    if font.lower() == "symbol":
        return _SYMBOL[code - 0x20 : code - 0x1F].strip() if code >= 0x20 else ""
    if code < 0x100 and not _UNICODE.search(switches):
        return bytes([code]).decode("cp1252", "ignore").strip()
    return chr(code).strip() if code < 0x110000 and not 0xD800 <= code <= 0xDFFF else ""
