"""Commands of LaTeX that stand for characters, by their names.

Belongs here: names and characters. Not here: what any other command does.

Text and symbols: LaTeX's own files (``ltoutenc.dtx``, ``fontmath.ltx``) and those of amssymb and textcomp; not all of them, but those that
stand in ordinary papers. A name that is not here stays a word in formulas.
"""

from __future__ import annotations

import unicodedata

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega"
_LATIN_NAMES = {"lamda": "lambda"}
TEXT = {
    "ss": "ß", "SS": "SS", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ", "S": "§", "P": "¶",
    "dag": "†", "ddag": "‡", "copyright": "©", "pounds": "£", "euro": "€", "EUR": "€", "texteuro": "€", "textdegree": "°", "degree": "°",
    "ldots": "…", "dots": "…", "textellipsis": "…", "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^",
    "textless": "<", "textgreater": ">", "textbar": "|", "textunderscore": "_", "textbraceleft": "{", "textbraceright": "}",
    "textdollar": "$", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘", "textquoteright": "’",
    "textquotedbl": '"', "textquotesingle": "'", "quotedblbase": "„", "quotesinglbase": "‚", "guillemotleft": "«",
    "guillemotright": "»", "guilsinglleft": "‹", "guilsinglright": "›", "flqq": "«", "frqq": "»", "glqq": "„", "grqq": "“", "og": "«",
    "fg": "»", "lq": "‘", "rq": "’", "textendash": "–", "textemdash": "—", "textbullet": "•", "textregistered": "®",
    "texttrademark": "™", "textcopyright": "©", "textsection": "§", "textparagraph": "¶", "textpm": "±", "texttimes": "×",
    "textmu": "µ", "textordfeminine": "ª", "textordmasculine": "º", "textonehalf": "½", "textonequarter": "¼", "textperiodcentered": "·",
    "lbrack": "[", "rbrack": "]", "slash": "/", "quad": " ", "qquad": " ", "enspace": " ", "space": " ", "hfill": " ", "hfil": " ",
    "dotfill": " ", "hrulefill": " ", "thinspace": " ", "nobreakspace": " ", "and": ", ", "AND": ", ", "And": ", ",
}  # fmt: skip
"""In text, and in formulas."""
_LETTERS = {name.split()[-1]: name for name in _GREEK.split()}
_VARIANTS = {
    "varepsilon": "ε", "vartheta": "ϑ", "varpi": "ϖ", "varrho": "ϱ", "varsigma": "ς", "varphi": "φ", "phi": "ϕ", "epsilon": "ϵ",
    "leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "neq": "≠", "ne": "≠", "equiv": "≡", "approx": "≈",
    "sim": "∼", "simeq": "≃", "cong": "≅", "propto": "∝", "ll": "≪", "gg": "≫", "in": "∈", "ni": "∋", "notin": "∉", "subset": "⊂",
    "supset": "⊃", "subseteq": "⊆", "supseteq": "⊇", "cup": "∪", "cap": "∩", "setminus": "∖", "emptyset": "∅", "varnothing": "∅",
    "forall": "∀", "exists": "∃", "nexists": "∄", "neg": "¬", "lnot": "¬", "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨",
    "to": "→", "rightarrow": "→", "longrightarrow": "→", "leftarrow": "←", "gets": "←", "longleftarrow": "←", "leftrightarrow": "↔",
    "Rightarrow": "⇒", "implies": "⇒", "Longrightarrow": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔", "mapsto": "↦",
    "uparrow": "↑", "downarrow": "↓", "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "iint": "∬",
    "oint": "∮", "surd": "√", "pm": "±", "mp": "∓", "times": "×", "div": "÷", "cdot": "·", "cdots": "⋯", "vdots": "⋮", "ddots": "⋱",
    "dotsc": "…", "dotsb": "⋯", "ast": "∗", "star": "⋆", "circ": "∘", "bullet": "•", "oplus": "⊕", "otimes": "⊗", "perp": "⊥",
    "parallel": "∥", "mid": "∣", "vert": "|", "Vert": "‖", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈",
    "rceil": "⌉", "angle": "∠", "triangle": "△", "square": "□", "Box": "□", "ell": "ℓ", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ",
    "prime": "′", "colon": ":", "lbrace": "{", "rbrace": "}", "backslash": "\\", "models": "⊨", "vdash": "⊢", "top": "⊤", "bot": "⊥",
    "checkmark": "✓", "dagger": "†", "ddagger": "‡", "therefore": "∴", "because": "∵", "lvert": "|", "rvert": "|",
}  # fmt: skip
MATHS = {_LATIN_NAMES.get(name, name): unicodedata.lookup(f"GREEK SMALL LETTER {name}") for name in _LETTERS}
MATHS |= {name.capitalize(): letter.upper() for name, letter in MATHS.items()} | _VARIANTS
"""In formulas, and in text where they stand there all the same."""
_PRINTED = "%&#$_{}"
SIGNS = dict(zip(_PRINTED, _PRINTED, strict=True)) | dict.fromkeys(" ,;:!>\n\t", " ") | dict.fromkeys("-/@+<", "") | {"|": "‖"}
"""One character behind a backslash."""
ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307", "c": "\u0327", "v": "\u030c",
    "u": "\u0306", "H": "\u030b", "k": "\u0328", "r": "\u030a", "d": "\u0323", "b": "\u0331", "t": "\u0361",
}  # fmt: skip
"""Set on the letter behind them."""
MATHS_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307",
    "ddot": "\u0308", "acute": "\u0301", "grave": "\u0300", "check": "\u030c", "breve": "\u0306",
}  # fmt: skip
DOTLESS = {"ı": "i", "ȷ": "j"}
GERMAN = {
    **{letter: letter.translate(str.maketrans("aouAOUsSzZ", "äöüÄÖÜßßßß")) for letter in "aouAOUsSzZ"},
    "`": "„", "'": "“", "<": "«", ">": "»", "=": "-", "~": "-", "-": "", "|": "", '"': "", "/": "/",
}  # fmt: skip
"""What stands behind ``"`` in a text that babel sets in German (``babel-german``, section 1)."""
