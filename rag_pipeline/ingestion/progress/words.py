"""How far the work is, in words: the same ones in the app, on the command line and in answers that have to wait.

Belongs here: pure wording. Not here: numbers (``overview``), markup.
"""

from __future__ import annotations

from rag_pipeline.document_life import BEING_READ, WAITING
from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview

_NAMED = 4
"""Documents of a collection that are named."""


def duration(seconds: float) -> str:
    """``12 s``, ``4 min``, ``2 h 10 min``, ``3 days``: no more exact than an estimate is."""
    if seconds < 55:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} days"


def time_left(progress: CollectionProgress) -> str:
    """What is known of the time left."""
    if progress.is_complete:
        return ""
    if progress.is_paused:
        return "paused"
    if progress.seconds_left is None:
        return f"how long it takes is known once {'more has been read' if progress.passages else 'it has begun'}"
    return f"about {duration(progress.seconds_left)} left"


def rate(progress: CollectionProgress) -> str:
    """How fast vectors are made; empty where nothing is going on, or it is not known."""
    if progress.passages_a_second is None or progress.is_complete or progress.is_paused:
        return ""
    number = progress.passages_a_second
    return f"{number:,.0f} passages a second" if number >= 10 else f"{number:.1f} passages a second"


def documents_done(progress: CollectionProgress) -> str:
    """``7 of 12 documents can be asked about``; those that failed are not waited for."""
    waits, answering = progress.documents_unread, progress.documents_answering
    if not waits:
        return f"{_count(answering, 'document')} can be asked about"
    return f"{answering:,} of {_count(answering + waits, 'document')} can be asked about"


def vectors_done(progress: CollectionProgress) -> str:
    """``vectors for 312 of 2,754 passages``; empty before there are any passages, and once all have one."""
    total = max(progress.passages, progress.passages_expected or 0)
    if not progress.passages or progress.vectors >= total:
        return ""
    about = "about " if total > progress.passages else ""
    return f"vectors for {progress.vectors:,} of {about}{total:,} passages"


def line(progress: CollectionProgress) -> str:
    """All of a collection on one line."""
    parts = (documents_done(progress), vectors_done(progress), rate(progress), time_left(progress))
    return "; ".join(part for part in parts if part)


def how_far(overview: Overview) -> str:
    """What to say beside "nothing can be searched yet": empty where nothing is going on."""
    going = [one for one in overview.collections if one.is_going_on]
    paused = [one for one in overview.collections if one.is_paused and not one.is_complete]
    waits = sum(one.stages.get(WAITING, 0) for one in going)
    reading = sum(one.stages.get(BEING_READ, 0) for one in going)
    parts = [
        f"{_count(reading, 'document')} {'is' if reading == 1 else 'are'} being read" if reading else "",
        f"{waits:,} {'waits' if waits == 1 else 'wait'} to be read" if waits else "",
        f"{', '.join(one.collection for one in paused)}: paused" if paused else "",
    ]
    return "; ".join(part for part in parts if part)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def next_in_words(overview: Overview) -> str:
    """What is at work and what comes next: collections in their order, and the documents that are read next."""
    if not overview.order:
        return ""
    by_name = {one.collection: one for one in overview.collections}
    named = [_with_documents(by_name[name]) for name in overview.order]
    at_work, then = named[0], named[1:]
    return f"Now {at_work}" + (f"; then {', '.join(then)}" if then else "")


def _with_documents(one: CollectionProgress) -> str:
    files = [*one.reading, *one.next_documents][:_NAMED]
    return f"{one.collection} ({', '.join(files)})" if files else one.collection
