"""What a number format writes around a number: currencies, units, percent, the zeros and dashes of numbers that only name something.

Belongs here: the codes of number formats (ECMA-376, part 1, 18.8.31). Not here: where a workbook keeps them (of
old files: ``old_files``), dates, which libraries tell.
All digits of the value stay: how many decimals are shown, and how thousands are parted, is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.|General|.', re.DOTALL | re.IGNORECASE
)
_OF_THE_NUMBER = ".,/E"
"""Signs that belong to the number itself where they stand among its digits: decimals, thousands, fractions, exponents."""
_SIGNS = "()+-"
_LONGEST_INTEGER = 1e15
_LEAST, _MOST = 1e-12, 1e21
"""What is smaller or larger is written with an exponent."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """One section of a code. ``mask`` holds a ``0`` or ``#`` for each digit and what stands between them; empty for quantities."""

    before: str = ""
    after: str = ""
    percent: bool = False
    mask: str = ""


def number_text(value: float, code: str) -> str:
    """A number in full, with what its format writes before and behind it."""
    if code in ("General", "@", "0", ""):
        return in_full(value)
    layouts = _layouts(code)
    layout = layouts[1] if value < 0 and len(layouts) > 1 else layouts[0]
    size = abs(value)
    if layout.mask and value >= 0 and size < _LONGEST_INTEGER and size == int(size):
        digits = str(int(size))
        return _masked(digits, next((one.mask for one in layouts if _places(one.mask) >= len(digits)), layout.mask))
    number = f"{in_full(size * 100)}%" if layout.percent else in_full(size)
    return f"{'-' if value < 0 else ''}{layout.before}{number}{layout.after}"


def in_full(value: float) -> str:
    """All digits of a number, as people write them: an exponent only where there would be many zeros."""
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text and _LEAST <= abs(value) < _MOST else text


def writes_more(code: str) -> bool:
    """Whether a number with this format is shown as anything but its digits."""
    return any(layout != _Layout() for layout in _layouts(code))


@lru_cache(maxsize=1000)
def _layouts(code: str) -> tuple[_Layout, ...]:
    """The sections of a code: for positive numbers, for negative ones, and two that need nothing of their own."""
    sections: list[list[tuple[str, bool]]] = [[]]
    for token in _TOKEN.finditer(code):
        literal = next((text for text in token.groupdict().values() if text is not None), None)
        if token[0] == ";":
            sections.append([])
        elif literal is not None:
            sections[-1].append((literal, True))
        elif token[0][0] not in "[_*":
            sections[-1].append(("0" if token[0].lower() == "general" else token[0], False))
    return tuple(_layout(section) for section in sections[:2])


def _layout(tokens: list[tuple[str, bool]]) -> _Layout:
    digits = [index for index, (text, literal) in enumerate(tokens) if not literal and text in "0#?"]
    if not digits:
        return _Layout()
    first, last = digits[0], digits[-1]
    inside, behind = tokens[first : last + 1], tokens[last + 1 :]
    if behind and behind[0] == (",", False):  # shown in thousands, whose unit is not that of the value
        return _Layout()
    percent = ("%", False) in tokens
    before = "".join(text for text, _ in tokens[:first]).strip(_SIGNS).lstrip()
    after = "".join(text for text, literal in behind if literal or text not in "%.").strip(_SIGNS).rstrip()
    if percent or any(not literal and text in _OF_THE_NUMBER for text, literal in inside):
        return _Layout(before, after, percent)
    return _Layout(before, after, percent, _mask(tokens, inside))


def _mask(tokens: list[tuple[str, bool]], inside: list[tuple[str, bool]]) -> str:
    """The whole section, where digits that stand apart or are filled up with zeros make a name of the number."""
    between = "".join(text for text, literal in inside if literal or text not in "0#?")
    zeros = len(inside) > 1 and all(token == ("0", False) for token in inside)
    if any(one in "0#?" for text, literal in tokens if literal for one in text) or not (between.strip() or zeros):
        return ""
    return "".join("#" if text == "?" else text for text, _ in tokens)


def _places(mask: str) -> int:
    return mask.count("0") + mask.count("#")


def _masked(digits: str, mask: str) -> str:
    """Digits in the places of a mask, from the right: ``123456789`` in ``000-00-0000`` is ``123-45-6789``."""
    waiting, shown = list(digits), [""]
    for place in reversed(mask):
        if place not in "0#":
            shown.append(place)
        elif waiting or place == "0":
            shown.append(waiting.pop() if waiting else "0")
        else:
            break
    text = "".join(reversed(shown))
    first = next((index for index, one in enumerate(text) if one.isdigit()), 0)
    return ("".join(waiting) + text if waiting else text[first:] if place == "#" else text).strip(" -")
