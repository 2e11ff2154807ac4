"""What kind of thing answers a question: a number, a date, a name, a list; by the question's own words, in four languages.

Belongs here: reading the question, and whether a sentence holds one. Not here: what a sentence gains by it (``extractive.py``).

Only words of the languages' grammar and calendar are looked for (English, German, French, Spanish), no subjects. A question that says
nothing of the kind has none, and all sentences are alike to it.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["number", "date", "name", "list"]

_YEAR = r"(?:1[5-9]|20)\d\d"
_PATTERNS: dict[Kind, str] = {
    "date": (
        r"\bwhen\b|\b(?:what|which) (?:year|date|day|month)\b|\bwann\b|\bwelche[mns]? (?:jahr|datum|tag|monat)\b"
        r"|\bquand\b|\bquelle (?:année|date)\b|\bquel (?:jour|mois|an)\b|\bcuándo\b|\bqué (?:año|fecha|día|mes)\b"
    ),
    "number": (
        r"\bhow (?:many|much|high|large|big|long|old|tall|far|wide|fast|heavy|deep|often)\b"
        r"|\bwhat (?:percentage|percent|share|number|amount)\b"
        r"|\bwie ?(?:viele?[rsnm]?|hoch|groß|lange?|alt|schwer|weit|tief|breit|teuer|oft)\b"
        r"|\bcombien\b|\bquel(?:le)? (?:est le |était le )?(?:pourcentage|nombre|montant)\b|\bcuánt[oa]s?\b"
        r"|\bqué (?:porcentaje|número|cantidad)\b"
        # What is said to be something in a year is nearly always a figure.
        r"|\b(?:what|was|wie|quel(?:le)?s?|cuál(?:es)?)"
        r" (?:is|are|was|were|war(?:en)?|ist|sind|est|sont|était|étaient|a été|es|son|fue(?:ron)?|era)\b"
        rf".*\b(?:FY ?)?{_YEAR}\b"
    ),
    "name": r"\bwho(?:se|m)?\b|\b(?:wer|wen|wem|wessen)\b|(?<!est-ce )\bqui\b|\bquién(?:es)?\b",
    "list": (
        r"^(?:list|name|enumerate)\b|\bwhat are\b|\bwhich\b[^?]*\bare\b|^(?:nenne|liste)\b|\bwelche\b[^?]*\bsind\b"
        r"|\bquel(?:le)?s sont\b|\bcuáles son\b|\bqué\b[^?]*\bson\b"
    ),
}
"""In the order in which they are tried."""
_QUESTIONS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}
_MONTHS = (
    r"january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|juni|juli|oktober|dezember"
    r"|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    r"|septiembre|octubre|noviembre|diciembre"
)
_NUMBER_WORDS = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|half|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf"
    r"|hundert|tausend|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|cent|mille|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|cien|mil"
)
_WORD = re.compile(r"\w+")
_HELD: dict[Kind, re.Pattern[str]] = {
    "date": re.compile(rf"\b{_YEAR}\b|\b(?:{_MONTHS})\b\.? ?\d|\d\.? (?:de |of )?(?:{_MONTHS})\b|\d[./-]\d\d?[./-]\d", re.IGNORECASE),
    "number": re.compile(rf"(?<![\w.,-])(?!{_YEAR}(?![\d.,]?\d|%))[$£¥\u20a0-\u20cf(]*\d[\w.,]*|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE),
    "name": re.compile(
        r"(?<![.!?]\s)(?<!^)\b[A-ZÀ-ÖØ-Þ][\w.’'-]+ (?:(?:de|von|van|der|la|du|of) )*[A-ZÀ-ÖØ-Þ][\w’'-]+|^[A-ZÀ-Þ]\w+ [A-ZÀ-Þ]\w+\b"
    ),
    "list": re.compile(r"[,;][^,;.]+[,;]|,[^,.]+\b(?:and|or|und|oder|et|ou|y|o)\b|^(?:[-–*•▪◦·]|\(?\w{1,2}[.)])\s|\s/\s[^/]+\s/\s"),
}


def expected_kind(question: str) -> Kind | None:
    """The kind of thing that a question asks for, where its words tell."""
    return next((kind for kind, pattern in _QUESTIONS.items() if pattern.search(question)), None)


def holds(kind: Kind | None, text: str, question: str) -> bool:
    """Whether a text holds something of that kind that the question does not say itself; all do where none is expected."""
    if kind is None:
        return True
    known = set(_WORD.findall(question.casefold()))
    return any(not known.issuperset(_WORD.findall(found[0].casefold())) for found in _HELD[kind].finditer(text))
