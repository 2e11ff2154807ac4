"""Characters of the fonts that draw symbols where others have letters: in Symbol an ``m`` is shown as ``μ``, and 5 mg are none.

Belongs here: which character such a font shows. Not here: how a format says which font a text has.

Programs write such a text in two ways: by the letter, or by U+F000 and the letter, where fonts of symbols keep their characters.
"""

from __future__ import annotations

import re

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
    + " " * 33
    + "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑"
)
"""Symbol from 0x20 on, by Adobe's table of its encoding; brackets in pieces are left out."""
_WINGDINGS = {
    0x4A: "☺", 0x4C: "☹", 0x6E: "■", 0x6F: "□", 0x78: "☒", 0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xAB: "★",
    0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨", 0xF1: "⇧", 0xF2: "⇩",
    0xFB: "✗", 0xFC: "✔", 0xFD: "☒", 0xFE: "☑",
    **{0x80 + number: character for number, character in enumerate("⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿")},
}  # fmt: skip
_WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0xA3: "☐"}
"""What a text says with these (numbers, marks of forms, arrows, faces), by the sources of Unicode 7.0 (L2/12-368); others are pictures."""
_TABLES = {
    "symbol": {0x20 + index: character for index, character in enumerate(_SYMBOL)},
    "wingdings": _WINGDINGS,
    "wingdings2": _WINGDINGS_2,
}
_PICTURES = frozenset(("wingdings3", "webdings", "zapfdingbats", "dingbats", "marlett", "mtextra", "monotypesorts"))
_NO_CHARACTERS: dict[int, str] = {}
_WITHOUT_MEANING = re.compile(r"[\s_-]+|(?<=symbol)mt$|,?(?:regular|bold|italic)$")
PRIVATE = re.compile("[\uf000-\uf0ff]+")
"""Characters that fonts of symbols keep in the area for private use."""


def is_symbol_font(font: str) -> bool:
    """Whether a font of this name, as a document says it, draws symbols in place of letters."""
    return _table(font) is not None


def symbols(text: str, font: str) -> str:
    """The text that a font of symbols shows: nothing for pictures. A text in another font, and characters of their own, stay."""
    table = _table(font)
    if table is None:
        return text
    return "".join(_shown(character, table) for character in text)


def _table(font: str) -> dict[int, str] | None:
    name = _WITHOUT_MEANING.sub("", _WITHOUT_MEANING.sub("", font.casefold()))
    return _NO_CHARACTERS if name in _PICTURES else _TABLES.get(name)


def _shown(character: str, table: dict[int, str]) -> str:
    code = ord(character)
    code = code & 0xFF if PRIVATE.match(character) else code
    if code > 0xFF or character.isspace():
        return character
    return table.get(code, "").strip()
