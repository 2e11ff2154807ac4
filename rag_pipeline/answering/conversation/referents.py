"""What a conversation speaks of: its names and noun phrases, the most salient first. Rules for English.

Belongs here: finding and weighing them. Not here: pronouns, and which of these one stands for (``pronouns.py``).

Salience after Lappin and Leass (1994), "An algorithm for pronominal anaphora resolution", much reduced: what was named last, in a
question, and often, is what a pronoun means. Their parser is replaced by capital letters and a list of function words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rag_pipeline.answering.tuning import TUNING, FollowUps
from rag_pipeline.models import Message

_FUNCTION_WORDS = """
a about above across after again against ago all almost also although always am among an and another any anybody anyone anything are
around as at aware away back be became because become been before began being below besides between both but by came can cannot could
did didn't do does doesn't doing don't done down during each either else even ever every everyone everything explain few find first for
found from gave get gets getting give given go goes going gone good got great had happen happened happening happens has have having he
hello help her here hers herself hey him himself his how however i i'd i'll i'm i've if in instead into is isn't it it's its itself just
kind kinds know last later least less let let's like made make makes many may maybe me mean means might mine more most much must my
myself name need never next no nobody none nor not nothing now of off often oh ok okay on once one only onto or other others our ours
out over own part people perhaps please put rather really said same saw say says second see seem seems seen several shall she should
since so some somebody someone something sometimes soon still such sure take taken talk talked tell than thank thanks that that's the
their theirs them themselves then there there's these they they're thing things think third this those though thought through thus till
time times to together told too took toward towards two type types under until up upon us use used uses using very want wanted was
wasn't way we well went were weren't what what's whatever when where whether which while who who's whole whom whose why will wish with
within without won't wonder would wouldn't yeah yes yet you you're your yours
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that name nothing, closed classes and the commonest verbs and nouns of English: a noun phrase is what stands between them."""

_WORD = re.compile(r"[^\W_]+(?:[-'’.&][^\W_]+)*")
_SENTENCE_ENDS = ".!?…:;"
PLURAL_ENDINGS = re.compile(r"(?:[^su]s|ies|men|people|children|mice|feet|teeth)$", re.IGNORECASE)

BEFORE_NOUNS = frozenset(
    _WORD.findall("a an the of about for in on with by from between some any no my your his her its their our what which and or vs versus")
)
"""A singular common word is taken for a noun after one of these: "how old" and "seems extreme" name nothing."""
BEFORE_PLACES = frozenset(("in", "at", "near"))


@dataclass
class Referent:
    """Something that a conversation speaks of.

    ``score``: how much it is on the speakers' minds now; ``place``: it was never named but as where something is.
    """

    text: str
    named: bool
    plural: bool
    place: bool = True
    score: float = 0.0


def referents(history: Sequence[Message], tuning: FollowUps = TUNING.follow_ups) -> list[Referent]:
    """What was spoken of, the most salient first."""
    found: dict[str, Referent] = {}
    names: dict[frozenset[str], Referent] = {}
    replies = any(message.role == "assistant" for message in history)
    for age, message in enumerate(reversed(history)):
        turns_back = age // tuning.messages_of_a_turn if replies else age
        for place, (text, named, weight, before) in enumerate(_mentions(message, tuning)):
            referent = _mentioned(found, names, text, named)
            weight *= tuning.name_weight if named else 1.0
            _raise(referent, weight * tuning.decay**turns_back / (1 + tuning.later_in_message * place), tuning.mention_weight)
            referent.place = referent.place and before in BEFORE_PLACES
    frequency = _frequencies(history, tuning.read_characters)
    for referent in found.values():
        referent.score *= tuning.least_share + frequency[_stem(referent.text.split()[-1])] / len(history)
    return sorted(found.values(), key=lambda referent: -referent.score)


def _frequencies(history: Sequence[Message], characters: int) -> Counter[str]:
    """In how many messages each word stands: what a conversation is about comes back again and again."""
    return Counter(stem for message in history for stem in {_stem(word) for word in _WORD.findall(message.content[:characters])})


def _stem(word: str) -> str:
    return word.casefold().removesuffix("'s").removesuffix("’s").rstrip("s")


def _mentioned(found: dict[str, Referent], names: dict[frozenset[str], Referent], text: str, named: bool) -> Referent:
    """``names``: which name stands for each choice of its words. Looked up and not sought, because an answer may list hundreds."""
    key = text.casefold()
    known = found.get(key)
    choices = _choices(key.split()) if named and not (known and known.named) else []
    whole = names.get(choices[0]) if choices else None
    if whole is not None:  # a surname stands for the name that was given in full
        key = whole.text.casefold()
    elif part := next((one for some in choices if (one := names.get(some)) and set(one.text.casefold().split()) == some), None):
        found[key] = found.pop(part.text.casefold())
        part.text = text
    referent = found.setdefault(key, Referent(text, named, _is_plural(text)))
    for some in choices if referent.named else ():
        names.setdefault(some, referent)
    return referent


def _raise(referent: Referent, weight: float, mention_weight: float) -> None:
    referent.score = max(referent.score, weight) + mention_weight * min(referent.score, weight)


def _choices(words: Sequence[str]) -> list[frozenset[str]]:
    """All of the words, and each choice of them; a name is no longer than a phrase."""
    return [frozenset(some) for size in range(len(words), 0, -1) for some in combinations(words, size)]


def _is_plural(text: str) -> bool:
    return bool(PLURAL_ENDINGS.search(text)) or " and " in text


def _mentions(message: Message, tuning: FollowUps) -> Iterator[tuple[str, bool, float, str]]:
    """Texts, whether they are names, their weights, and the words before them."""
    weight = tuning.question_weight if message.role == "user" else tuning.reply_weight
    text = message.content[: tuning.read_characters]
    for words, before in phrases(text, tuning.longest_phrase_words):
        named = any(word[:1].isupper() for word in words[1:]) or (words[0][:1].isupper() and not _begins_sentence(text, words[0]))
        if named or (message.role == "user" and (before in BEFORE_NOUNS or PLURAL_ENDINGS.search(words[-1]))):
            yield " ".join(words), named, weight, before


def phrases(text: str, longest: int = TUNING.follow_ups.longest_phrase_words) -> Iterator[tuple[list[str], str]]:
    """Runs of at most ``longest`` words between function words, names apart from the common words beside them, and the word before each."""
    run: list[str] = []
    end = 0
    before = last = ""
    for word in _WORD.finditer(text):
        gap = text[end : word.start()]
        # "IT", "US", "WHO": nobody writes function words in capitals
        telling = word[0].casefold().replace("’", "'") not in FUNCTION_WORDS or (len(word[0]) > 1 and word[0].isupper())
        if run and (not telling or gap.strip() or _turns(run[-1], word[0]) or len(run) == longest):
            yield run, before
            run = []
        if telling:
            before = before if run else last
            run.append(word[0].removesuffix("'s").removesuffix("’s"))
        end, last = word.end(), word[0].casefold()
    if run:
        yield run, before


def _turns(before: str, after: str) -> bool:
    """From a name to a common word: "Karzai brothers" are two phrases, "early Karzai" too."""
    return before[:1].isupper() != after[:1].isupper() and not after[:1].isdigit()


def _begins_sentence(text: str, word: str) -> bool:
    before = text[: text.find(word)].rstrip()
    return not before or before[-1] in _SENTENCE_ENDS
