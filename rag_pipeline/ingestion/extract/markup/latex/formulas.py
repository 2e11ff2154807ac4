"""Letters of LaTeX as they are printed: accents, quotes and dashes, what stands above, below or beside in a formula.

Belongs here: text in, text out. Not here: commands.
"""

from __future__ import annotations

import re
import unicodedata

from rag_pipeline.ingestion.extract.markup.latex.symbols import DOTLESS

_TYPOGRAPHIC = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("?`", "¿"), ("!`", "¡"), ("`", "‘"), ("'", "’"))
_WORD = re.compile(r"[\w.∞π′]+|.", re.DOTALL)


def typographic(text: str) -> str:
    """Quotes and dashes that are written with several signs (LaTeX 2e manual, Text symbols)."""
    if "-" in text or "`" in text or "'" in text:
        for written, printed in _TYPOGRAPHIC:
            text = text.replace(written, printed)
    return text


def accented(text: str, mark: str) -> str:
    """A mark on the first letter of a text."""
    letter = DOTLESS.get(text[:1], text[:1])
    return unicodedata.normalize("NFC", letter + mark) + text[1:] if letter else ""


def bracketed(text: str) -> str:
    """A part of a formula that is written on the same line as what it stands above or below."""
    return text if not text or _WORD.fullmatch(text) else f"({text})"
