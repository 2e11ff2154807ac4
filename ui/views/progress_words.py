"""How far the work is, in words of the reader's language.

Belongs here: the sentences of the app. Not here: those of the command line and the API, which are English
(``ingestion/progress/words.py``), numbers (``ingestion/progress/overview.py``), markup.
"""

from __future__ import annotations

from rag_pipeline.document_life import BEING_READ, WAITING
from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview
from ui.views.language import gettext, ngettext
from ui.views.language.formats import duration, number

_NAMED = 4
"""Documents of a collection that are named."""


def line(progress: CollectionProgress) -> str:
    """All of a collection on one line."""
    parts = (_documents_done(progress), _vectors_done(progress), _rate(progress), _time_left(progress))
    return "; ".join(part for part in parts if part)


def how_far(overview: Overview) -> str:
    """What to say beside "nothing can be searched yet": empty where nothing is going on."""
    going = [one for one in overview.collections if one.is_going_on]
    paused = [one.collection for one in overview.collections if one.is_paused and not one.is_complete]
    waits = sum(one.stages.get(WAITING, 0) for one in going)
    reading = sum(one.stages.get(BEING_READ, 0) for one in going)
    parts = [
        ngettext("{number} document is being read", "{number} documents are being read", reading) if reading else "",
        ngettext("{number} waits to be read", "{number} wait to be read", waits) if waits else "",
        gettext("{collections}: paused", collections=", ".join(paused)) if paused else "",
    ]
    return "; ".join(part for part in parts if part)


def nothing_yet(overview: Overview) -> str:
    """Why a question cannot be answered yet; empty where nothing is going on."""
    if not (words := how_far(overview)):
        return ""
    return gettext("Nothing can be searched yet: {progress}. A document answers as soon as it has been read.", progress=words)


def next_in_words(overview: Overview) -> str:
    """What is at work and what comes next: collections in their order, and the documents that are read next."""
    if not overview.order:
        return ""
    by_name = {one.collection: one for one in overview.collections}
    at_work, *then = [_with_documents(by_name[name]) for name in overview.order]
    if not then:
        return gettext("Now {collection}", collection=at_work)
    return gettext("Now {collection}; then {others}", collection=at_work, others=", ".join(then))


def _time_left(progress: CollectionProgress) -> str:
    if progress.is_complete:
        return ""
    if progress.is_paused:
        return gettext("paused")
    if progress.seconds_left is not None:
        return gettext("about {duration} left", duration=duration(progress.seconds_left))
    if progress.passages:
        return gettext("how long it takes is known once more has been read")
    return gettext("how long it takes is known once it has begun")


def _rate(progress: CollectionProgress) -> str:
    """How fast vectors are made; empty where nothing is going on, or it is not known."""
    rate = progress.passages_a_second
    if rate is None or progress.is_complete or progress.is_paused:
        return ""
    return gettext("{rate} passages a second", rate=number(rate, 0 if rate >= 10 else 1))


def _documents_done(progress: CollectionProgress) -> str:
    """``7 of 12 documents can be asked about``; those that failed are not waited for."""
    waits, answering = progress.documents_unread, progress.documents_answering
    if not waits:
        return ngettext("{number} document can be asked about", "{number} documents can be asked about", answering)
    return ngettext(
        "{answering} of {number} document can be asked about",
        "{answering} of {number} documents can be asked about",
        answering + waits,
        answering=answering,
    )


def _vectors_done(progress: CollectionProgress) -> str:
    """``vectors for 312 of 2,754 passages``; empty before there are any passages, and once all have one."""
    total = max(progress.passages, progress.passages_expected or 0)
    if not progress.passages or progress.vectors >= total:
        return ""
    if total > progress.passages:
        return gettext("vectors for {vectors} of about {passages} passages", vectors=progress.vectors, passages=total)
    return gettext("vectors for {vectors} of {passages} passages", vectors=progress.vectors, passages=total)


def _with_documents(one: CollectionProgress) -> str:
    files = [*one.reading, *one.next_documents][:_NAMED]
    return f"{one.collection} ({', '.join(files)})" if files else one.collection
