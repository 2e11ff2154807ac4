"""Why there is no answer, in the reader's language: a refusal, or a failure.

Belongs here: putting these words together from what the end of an answer holds. Not here: when to refuse, and the same in English, which
is kept and given to programs (``rag_pipeline/answering/quoting/refusal.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag_pipeline.answering.quoting.refusal import NOT_FROM_DOCUMENTS, WHAT_TO_TRY, WHICH_DOCUMENT
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Failed, Hit, Refused
from ui.views.citations import Source
from ui.views.language import ENGLISH, gettext, language
from ui.views.language.told import reason_of, told


def refusal_title(refused: Refused) -> str:
    """What stands above its reason. Of what is only not clear nothing was looked for."""
    return gettext("Please say which one") if refused.reason == WHICH_DOCUMENT else gettext("Not found in your documents")


def refusal_in_words(refused: Refused) -> str:
    """Its reason. What a language model gave as one, in words of its own, stays so."""
    if language() == ENGLISH or not refused.reason.endswith(WHAT_TO_TRY):
        return told(refused.reason)
    return " ".join(_sentences(refused.reason, [one.hit for one in refused.nearest]))


def failure_in_words(failed: Failed) -> str:
    """What happened, and what to do."""
    reason = reason_of(failed.code, failed.message)
    return f"{reason.words} ({reason.original})" if reason.original else reason.words


def _sentences(reason: str, hits: Sequence[Hit]) -> Iterator[str]:
    """Of a reason that was put together: its first sentences as they are known, the nearest places anew, what to try."""
    if reason.startswith(NOT_FROM_DOCUMENTS):
        yield told(NOT_FROM_DOCUMENTS)
        reason = reason.removeprefix(NOT_FROM_DOCUMENTS).strip()
    yield told(reason.partition(". ")[0] + ".")
    if nearest := list(dict.fromkeys(Source(hit).name for hit in hits))[: TUNING.refusal.most_named]:
        yield gettext("Nearest: {places}.", places="; ".join(nearest))
    yield told(WHAT_TO_TRY)
