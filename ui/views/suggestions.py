"""Questions that the documents themselves suggest: what their headings are about. No model is asked.

Belongs here: which headings make a question, and its words, pure. Not here: where headings come from (``web/services.py``, the passages of
an answer), what a click does (``static/ask.js``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import language_of

MOST = 3
_NUMBERING = re.compile(r"^\W*(?:(?:[0-9]+|[ivxlcdm]+|[a-z])[.)](?:[0-9]+[.)]?)*)\s+", re.IGNORECASE)
_FEWEST_WORDS, _MOST_WORDS, _LONGEST = 2, 9, 70
_FRAMES = {"German": "Was steht in den Dokumenten über „{}“?"}
_FRAME = "What do the documents say about “{}”?"


def questions_about(headings: Iterable[str], said: str = "") -> tuple[str, ...]:
    """At most :data:`MOST` questions, in the language that headings and ``said`` are mostly written in.

    Numbers before a heading go. One that is a word alone, a whole sentence, mostly figures, or that says no more than ``said``, is left
    out.
    """
    known, chosen = set(word_ids(said)), list[str]()
    for heading in map(_bare, headings):
        words = word_ids(heading)
        if _is_subject(heading) and not words <= known:
            chosen.append(heading)
            known |= words
        if len(chosen) == MOST:
            break
    frame = _FRAMES.get(language_of(" ".join([said, *chosen])) or "", _FRAME)
    return tuple(heading if heading.endswith("?") else frame.format(heading) for heading in chosen)


def questions_after(question: str, found: Sequence[Hit], cited: Sequence[Hit]) -> tuple[str, ...]:
    """What stands beside an answer: the headings of passages that were found for its question, and not quoted."""
    used = {hit.chunk_id for hit in cited}
    said = " ".join([question, *(" ".join(hit.heading_path[-1:]) for hit in cited)])
    return questions_about((hit.heading_path[-1] for hit in found if hit.heading_path and hit.chunk_id not in used), said)


def _bare(heading: str) -> str:
    return _NUMBERING.sub("", " ".join(heading.split())).strip(" :–—-.")


def _is_subject(heading: str) -> bool:
    letters = sum(character.isalpha() for character in heading)
    words = len(heading.split())
    return _FEWEST_WORDS <= words <= _MOST_WORDS and len(heading) <= _LONGEST and letters >= len(heading) // 2
