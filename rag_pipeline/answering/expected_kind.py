"""What kind of thing answers a question: a reason, a number, a date, a name, a list; by the question's own words, in four languages.

Belongs here: reading the question, and whether a sentence holds one. Not here: what a sentence gains by it
(``quoting/sentence_scores.py``).

Only words of the languages' grammar and calendar are looked for (English, German, French, Spanish), no subjects. A question that says
nothing of the kind has none, and all sentences are alike to it. Where a question asks one thing only, and leaves no doubt that it is a
date or a number of something, what does not hold one is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from rag_pipeline.answering.tuning import TUNING, KindReading
from rag_pipeline.stores.vectors.bm25 import question_words, word_ids

Kind = Literal["reason", "number", "date", "name", "list"]
Only = Literal["number", "date", "telephone number", "e-mail address"]
"""What alone can answer some questions, as a refusal calls it."""

_YEAR = r"(?:1[5-9]|20)\d\d"
_AUXILIARY = r"did|do|does|was|were|is|are|will|has|have|had|can|could|should|would|may|might|must|shall"
"""Behind ``when`` in a question; where it joins two sentences, a subject follows."""
_INTERROGATIVE = re.compile(
    r"\b(?:what|which|who|whose|whom|when|where|why|how|wer|wen|wem|wessen|welche[mnrs]?|wann|wo|warum|wieso|weshalb|wie"
    r"|quel(?:le)?s?|combien|quand|où|pourquoi|comment|qui|qué|cuál(?:es)?|cuándo|cuánt[oa]s?|quién(?:es)?|dónde|cómo)\b",
    re.IGNORECASE,
)
_PATTERNS: dict[Kind, str] = {
    "reason": (
        r"\bwhy\b|\bhow come\b|\b(?:what|which)(?:['’]s| is| was| were| are)? (?:the )?(?:reasons?|causes?)\b|\bwhat (?:made|caused)\b"
        r"|\b(?:warum|wieso|weshalb|weswegen|woran l(?:ag|iegt))\b|\bwelche[mnrs]? (?:grund|gründe[n]?|ursachen?)\b"
        r"|\bpourquoi\b|\bquel(?:le)?s? (?:est |sont |était )?(?:l[ae]s? )?(?:raisons?|causes?|motifs?)\b"
        r"|\bpor qué\b|\b(?:qué|cuál(?:es)?) (?:es |son |fue )?(?:l[ao]s? |el )?(?:raz(?:ón|ones)|causas?|motivos?)\b"
    ),
    "date": (
        rf"\bwhen (?:{_AUXILIARY})\b|\b(?:what|which) (?:year|date|day|month)\b|\bwann\b|\bwelche[mns]? (?:jahr|datum|tag|monat)\b"
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
        rf".*\b(?:(?:FY ?)?{_YEAR}|FY ?\d\d)\b"
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
_MONTH = re.compile(rf"\s*(?:{_MONTHS})\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_WITH_A_DIGIT = re.compile(r"[A-Za-zÀ-ÿ]*\d[A-Za-zÀ-ÿ\d]*")
"""Letters that a number is written with, but not the words of a script that has no blanks."""
_HELD: dict[Kind, re.Pattern[str]] = {
    "reason": re.compile(
        r"\b(?:because|since|due to|owing to|thanks to|as a result|so that|in order to|otherwise|therefore|thus|hence|reasons?|cause[ds]?"
        r"|weil|denn|da|wegen|deswegen|deshalb|daher|darum|damit|sonst|nämlich|so ?dass|aufgrund|gr(?:u|ü)nde?n?|ursachen?"
        r"|parce que|puisque|afin|grâce|raisons?|cause|motifs?|sinon|donc"
        r"|porque|pues|ya que|puesto que|debido|raz(?:ón|ones)|causas?|motivos?|para que|por eso)\b",
        re.IGNORECASE,
    ),
    "date": re.compile(
        rf"\b(?:1\d|20)\d\d(?:s|er)?\b|\b(?:{_MONTHS})\b\.? ?\d|\d\.? (?:de |of )?(?:{_MONTHS})\b|\d[./-]\d\d?[./-]\d"
        r"|\d(?:st|nd|rd|th)?[ -]century\b|\d\. Jahrhundert|\b[IVX]+e siècle\b|\bsiglo [IVX]+\b|\d (?:BCE?|AD|v\. ?Chr|av\. J|a\. C)\b",
        re.IGNORECASE,
    ),
    "number": re.compile(rf"(?<![\w.,-])(?!{_YEAR}(?![\d.,]?\d|%))[$£¥\u20a0-\u20cf(]*\d[\w.,]*|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE),
    "name": re.compile(
        r"(?<![.!?]\s)(?<!^)\b[A-ZÀ-ÖØ-Þ][\w.’'-]+ (?:(?:de|von|van|der|la|du|of) )*[A-ZÀ-ÖØ-Þ][\w’'-]+|^[A-ZÀ-Þ]\w+ [A-ZÀ-Þ]\w+\b"
    ),
    "list": re.compile(r"[,;][^,;.]+[,;]|,[^,.]+\b(?:and|or|und|oder|et|ou|y|o)\b|^(?:[-–*•▪◦·]|\(?\w{1,2}[.)])\s|\s/\s[^/]+\s/\s"),
}
_PART_OF = re.compile(
    r"\b(?:what|who|which|whose|where) (?:is|was|are|were) (?:the |an? )?(.+?) (?:of|in|for) (.+)"
    r"|\b(?:qui|quel(?:le)?s?) (?:est|était|sont|étaient) (?:l['’]|l[ae]s? )?(.+?) (?:de|du|des|en|à|d['’]) ?(.+)"
    r"|\b(?:quién(?:es)?|cuál(?:es)?) (?:es|era|son|fue|eran) (?:el |l[ao]s? |los )?(.+?) (?:de|del|en) (.+)",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\b(?:how many|wie ?viele|combien d(?:e\b|['’])|cuánt[oa]s)\s*", re.IGNORECASE)
_PAST = re.compile(r"\b(?:when (?:was|were|did|had)|wann (?:wurden?|waren?|hatten?))\b", re.IGNORECASE)
_SIZE = re.compile(r"\b(?:how (?:tall|old|heavy|wide|deep|fast)|wie (?:alt|schwer|breit|tief|schnell))\b", re.IGNORECASE)
_FEW = re.compile(r"\b(?:one|no|none|both|single|several|dozens?|once|twice|kein\w*|beide\w*|aucune?|ningun[oa]|ningún)\b", re.IGNORECASE)
_REACHED: dict[Only, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "telephone number": (
        re.compile(
            r"\b(?:(?:tele)?phone|mobile|cell|fax) number\b|\b(?:telefon|handy|mobil|fax)nummer\b|\bnuméro de (?:téléphone|portable|fax)\b"
            r"|\bnúmero de (?:teléfono|móvil|fax)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"(?<![\w.,-])(?!\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{4}|\d{1,3}(?:\.\d{3})+\b)"
            r"\+?\(?\d(?:[ ()/.\u2011\u00a0-]{0,2}\d){5,14}(?!\w)"
            r"|\b(?:(?:tele)?phone|mobile|cell|fax|tel|ext(?:ension)?|telefon|handy|mobil|durchwahl|téléphone|portable|poste|teléfono|móvil"
            r"|extensión)\b[^:;|/]{0,20}:\s*\+?\(?\d",
            re.IGNORECASE,
        ),
    ),
    "e-mail address": (
        re.compile(
            r"\be-?mail[ -]adress?e?s?\b|\be-?mail address\b|\badresse (?:e-?mail|mail|électronique)\b|\bcorreo electrónico\b",
            re.IGNORECASE,
        ),
        re.compile(r"[\w.+-]+@[\w-]+\.\w"),
    ),
}
"""How it is asked for, and what it looks like: dates and amounts are no telephone numbers, unless a label says that they are one."""
_SOMEBODY = re.compile(r"(?:people|persons?|menschen|leute|personen|personnes|gens|personas|gente)", re.IGNORECASE)
_PROCEDURE = re.compile(
    r"\bhow (?:to|(?:do|can|could|should|would|must) (?:I|we|you|one|they)|am I supposed)\b|\bwie \w+ (?:ich|man|wir)\b"
    r"|\bcomment (?:faire|(?:puis|peut|dois|doit)-(?:je|on)|\w+(?:-t)?-on|\w+[ei]r)\b"
    r"|\bcómo (?:se|puedo|debo|hago|hay que|podemos|\w+[aei]r)\b",
    re.IGNORECASE,
)
"""Asks how somebody does something, not how something is or came to be."""
_OF = frozenset(("of", "von", "de", "des", "du", "d"))


def expected_kind(question: str) -> Kind | None:
    """The kind of thing that a question asks for, where its words tell; what comes after its first interrogative asks for nothing else."""
    interrogative = _INTERROGATIVE.search(question)
    first = interrogative.start() if interrogative else len(question)
    return next((kind for kind, pattern in _QUESTIONS.items() if (found := pattern.search(question)) and found.start() <= first), None)


def asks(question: str) -> bool:
    """Whether it has an interrogative; ``And in 2021?`` asks for what the question before it asked for."""
    return _INTERROGATIVE.search(question) is not None


def asks_for_procedure(question: str) -> bool:
    """Whether it asks how something is done: ``How do I``, ``Wie wechsle ich``, ``Comment faire``, ``Cómo se``."""
    return _PROCEDURE.search(question) is not None


def begins_with_month(text: str) -> bool:
    """Whether the first word is the name of a month."""
    return _MONTH.match(text) is not None


def is_elliptical(question: str) -> bool:
    """Whether nothing in it tells what it is about, but a number or a year."""
    return not word_ids(_WITH_A_DIGIT.sub(" ", question))


def holds(kind: Kind | None, text: str, question: str) -> bool:
    """Whether a text holds something of that kind that the question does not say itself; all do where none is expected."""
    return kind is None or any(True for _ in _found(_HELD[kind], text, question))


def part_and_whole(question: str) -> tuple[re.Pattern[str], set[int]] | None:
    """What is asked for, ``capital``, and the words for what it belongs to, ``France``; None where it does not ask so.

    A stem would not do for the former: what is capitalized is no capital. Not of German questions: what belongs to something has other
    endings there.
    """
    found = _PART_OF.search(question)
    if not found:
        return None
    part, whole = filter(None, found.groups())
    word, words = part.rpartition(" ")[2], word_ids(whole)
    if not words or not word_ids(word):
        return None
    return re.compile(rf"\b{re.escape(word.removesuffix('s'))}(?:e?s)?\b", re.IGNORECASE), words


def _found(pattern: re.Pattern[str], text: str, question: str) -> Iterator[re.Match[str]]:
    known = set(_WORD.findall(question.casefold()))
    return (found for found in pattern.finditer(text) if not known.issuperset(_WORD.findall(found[0].casefold())))


@dataclass(frozen=True, slots=True)
class OnlyAnswer:
    """What alone can answer a question: a date, a number (of what is counted), or where somebody is reached."""

    kind: Only
    question: str
    counted: tuple[str, ...] | None = None
    """The beginnings of the words that say what is counted: ``mitarbei`` is in ``Mitarbeitern`` too. None where nothing is."""
    near_words: int = 0
    """Words around a number that may say what it counts."""

    def is_in(self, text: str, names: Sequence[str] = ()) -> bool:
        """Whether a text holds it; ``names`` are those of the cells of a row, and say what they are."""
        if self.kind in _REACHED:
            return _REACHED[self.kind][1].search(text) is not None
        if self.counted is None:
            return holds("date" if self.kind == "date" else "number", text, self.question)
        places = [found for pattern in (_HELD["number"], _FEW) for found in _found(pattern, text, self.question)]
        if names or not self.counted:
            return bool(places) and (not self.counted or any(_is_named(name, stem) for name in names for stem in self.counted))
        near = self.near_words
        around = (" ".join((*text[: one.start()].split()[-near:], *text[one.end() :].split()[:near])).casefold() for one in places)
        return any(stem in words for words in around for stem in self.counted) or any(_is_counted(stem, text) for stem in self.counted)


def only_answer(question: str, reading: KindReading = TUNING.kinds) -> OnlyAnswer | None:
    """What alone can answer the question; None where it asks more than one thing, or other things can answer too."""
    interrogatives = len(_INTERROGATIVE.findall(question))
    reached = next((kind for kind, (asked, _) in _REACHED.items() if asked.search(question)), None)
    if reached and interrogatives <= 1:
        return OnlyAnswer(reached, question)
    if interrogatives != 1:
        return None
    if _COUNTED.search(question):
        return OnlyAnswer("number", question, _counted(question, reading), reading.near_words)
    kind: Only | None = "date" if _PAST.search(question) else "number" if _SIZE.search(question) else None
    return OnlyAnswer(kind, question) if kind else None


def _counted(question: str, reading: KindReading) -> tuple[str, ...]:
    """Empty where it is somebody: people are employees, residents, guests."""
    words = {word_id for word in question_words(question) for word_id in word}
    place = _COUNTED.search(question)
    following = _WORD.findall(question[place.end() :] if place else "")
    counted = list(takewhile(lambda word: word_ids(word) & words or word in _OF, following))
    if any(map(_SOMEBODY.fullmatch, counted)):
        return ()
    return tuple(word.casefold()[: max(reading.shortest_stem, len(word) - reading.ending)] for word in counted if word not in _OF)


def _is_counted(stem: str, text: str) -> bool:
    """Whether a number stands directly before a word, so that it is no year: ``2000 stores``."""
    return re.search(rf"\d (?:[\w-]+ )?{re.escape(stem)}", text.casefold()) is not None


def _is_named(name: str, stem: str) -> bool:
    """Whether a name of cells says that they are that; ``Employee benefits`` are not employees."""
    return any(not word_ids(after[1]) for after in re.finditer(rf"{re.escape(stem)}\w*\s*(\w*)", name.casefold()))
