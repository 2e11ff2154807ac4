"""Pronouns of a follow-up, and what of the conversation they stand for. Rules for English; other languages are left alone.

Belongs here: which pronouns stand for something said before, and putting it in their place where that is sure. Not here: what the
conversation speaks of (``referents.py``), whether to do this at all (``reformulate.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag_pipeline.answering.conversation.referents import BEFORE_NOUNS, FUNCTION_WORDS, PLURAL_ENDINGS, Referent, phrases
from rag_pipeline.answering.tuning import TUNING, FollowUps
from rag_pipeline.models import Message
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import ENGLISH, language_of

_KINDS = {
    **dict.fromkeys(("he", "him", "his", "she", "her", "hers"), "person"),
    **dict.fromkeys(("they", "them", "their", "theirs"), "several"),
    **dict.fromkeys(("it", "its"), "one"),
}
_WORD = re.compile(r"\w+(?:[-'’.]\w+)*")
_PRONOUN = re.compile(rf"\b(?:{'|'.join(word for kind in _KINDS for word in (kind, kind.capitalize()))})\b(?!['’-])")
"""Case matters: "IT" is a department."""
_PERSON = re.compile(r"\b(?:he|she|his|her|him)\b", re.IGNORECASE)
_BE = r"(?:is|was|be|been|being|isn['’]t|wasn['’]t)"
_ADVERB = r"(?:(?:not|still|ever|even|too|so|very|really|now|always|already|usually|\w+ly) )*"
_WEATHER = (
    r"(?:(?:rain|snow|hail|drizzl|sleet|storm|thunder|freez|pour|thaw)\w*|"
    r"(?:cold|hot|warm|cool|dark|light|humid|wet|dry|icy|late|early|time|noon|midnight|\w+day|(?:sun|cloud|wind|fog|rain|snow|storm)\w*y)\b)"
)
_EMPTY_IT_AFTER = re.compile(
    rf"\s+(?:(?:{_BE}|will be|would be|can be)\s+)?{_ADVERB}"
    rf"(?:(?:takes?|took|taken|seems?|seemed|appears?|appeared|follows?|followed|happens?|happened|matters?|mattered|turns? out)\b"
    rf"|{_WEATHER}|(?:\w+[ ,]+){{1,4}}?(?:that|to|if|whether|who|which|why|how|for)\b)",
    re.IGNORECASE,
)
_EMPTY_IT_BEFORE = re.compile(
    rf"\b(?:time|day|date|month|year|season|far|late|early|long)\s+(?:{_BE}|has|had|will|did|does)\s*$", re.IGNORECASE
)
"""Pleonastic *it*: extraposed clauses ("is it true that", "was it Newton who"), weather, time and distance, and verbs that take an
empty subject. After the rules of Lappin and Leass (1994), by the clause that follows rather than by their lists of adjectives."""
_CLEFT_BEFORE = re.compile(rf"\b{_BE}\s+$", re.IGNORECASE)
_CLEFT_AFTER = re.compile(r"\s+(?:to|(?:\w+[ ,]+){1,4}?(?:when|where))\b", re.IGNORECASE)
"""Whose job is *it* to ...; was *it* in May when ..."""
_EITHER = re.compile(r"\b(?:he|him|his)\s*(?:or|/)\s*(?:she|hers?)\b", re.IGNORECASE)
"""Whoever it may be."""
_INDEFINITE = re.compile(r"\b(?:an?|any|each|every|no|some|(?:any|every|some|no)(?:one|body)|one)\b", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[,;:]|\b(?:and|but|or|so|because|if|when|while|after|before|although|though|since|that|which|who|where|until|unless|than|whether|how|why|what)\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"\b(?:of|in|on|for|from|to|about|with|by|at|behind|between)\s*$", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def without_pronouns(
    question: str, spoken_of: Sequence[Referent], history: Sequence[Message], tuning: FollowUps = TUNING.follow_ups
) -> str:
    """An English question with what its pronouns stand for put in their place, where that is sure; any other one unchanged.

    Args:
        question: as typed.
        spoken_of: what the conversation speaks of, the most salient first (:func:`referents`).
        history: the conversation; whether it is about people is read from it.
        tuning: how well things of one kind fit pronouns of another.
    """
    if not _PRONOUN.search(question) or language_of(question) != ENGLISH:
        return question
    about_people = any(_PERSON.search(message.content) for message in history)
    replaced: set[str] = set()

    def named(pronoun: re.Match[str]) -> str:
        kind = _KINDS[pronoun[0].lower()]
        possessive = _is_possessive(question, pronoun)
        before = question[: pronoun.start()]
        if kind in replaced or _stands_for_nothing(question, pronoun) or _has_antecedent(before, kind, possessive, tuning):
            return pronoun[0]
        referent = _meant(kind, spoken_of, about_people, question, tuning)
        if referent is None:
            return pronoun[0]
        replaced.add(kind)
        return _possessive(referent.text) if possessive else referent.text

    return _PRONOUN.sub(named, question)


def _meant(kind: str, spoken_of: Sequence[Referent], about_people: bool, question: str, tuning: FollowUps) -> Referent | None:
    asked = word_ids(question)

    def fit(referent: Referent) -> float:
        if word_ids(referent.text) & asked:
            return 0.0
        if kind == "person":
            return referent.score if referent.named and not referent.place and not _DIGIT.search(referent.text) else 0.0
        if kind == "several":
            return referent.score * (1.0 if referent.plural else tuning.one_for_several)
        if referent.plural:
            return referent.score * tuning.several_for_one
        return referent.score * (tuning.person_for_thing if referent.named and about_people else 1.0)

    best = max(spoken_of, key=fit, default=None)
    return best if best is not None and fit(best) > 0 else None


def _stands_for_nothing(question: str, pronoun: re.Match[str]) -> bool:
    """ "Is it true that", "how long does it take", "what time is it", "he or she": none that stands for what was spoken of."""
    before, after = question[: pronoun.start()], question[pronoun.end() :]
    if pronoun[0].lower() != "it":
        return any(either.start() <= pronoun.start() < either.end() for either in _EITHER.finditer(question))
    cleft = _CLEFT_BEFORE.search(before) and _CLEFT_AFTER.match(after)
    return bool(cleft or _EMPTY_IT_AFTER.match(after) or _EMPTY_IT_BEFORE.search(before))


def _has_antecedent(before: str, kind: str, possessive: bool, tuning: FollowUps) -> bool:
    """Whether the question itself may say what the pronoun after ``before`` means.

    A name anywhere before it; a noun phrase of an earlier clause; for a possessive also one of its own clause, unless it is part of
    that phrase ("the capital of its province"): principle B of Chomsky's binding theory (1981). "An employee loses his badge", whoever
    that is.
    """
    if possessive and _INDEFINITE.search(before) and not _INSIDE.search(before):
        return True
    if any(words[0][:1].isupper() for words, _ in phrases(before, tuning.longest_phrase_words) if not before.startswith(words[0])):
        return True
    *_, boundary = [0, *(match.start() for match in _CLAUSE_END.finditer(before))]
    own_clause = possessive and kind != "person" and not _INSIDE.search(before)
    return any(
        introduced in BEFORE_NOUNS or any(map(PLURAL_ENDINGS.search, words))
        for words, introduced in phrases(before if own_clause else before[:boundary], tuning.longest_phrase_words)
    )


def _is_possessive(question: str, pronoun: re.Match[str]) -> bool:
    word = pronoun[0].lower()
    if word == "her":
        following = _WORD.match(question[pronoun.end() :].lstrip())
        return following is not None and following[0].lower() not in FUNCTION_WORDS - {"first", "own", "last", "next", "other"}
    return word in ("his", "hers", "its", "their", "theirs")


def _possessive(text: str) -> str:
    return f"{text}'" if text.endswith("s") and not text[:1].isupper() else f"{text}'s"
