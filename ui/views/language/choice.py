"""Which language somebody is spoken to in.

Belongs here: choosing it by what a browser asks for, or as the settings say. Not here: requests (``ui/web/language.py``).
"""

from __future__ import annotations

from rag_pipeline.errors import RagError
from ui.views.language.catalogues import ENGLISH, Language, languages

AUTOMATIC = "auto"
_LONGEST = 500
"""Of a header that is looked at: browsers send some dozens of characters."""


def chosen(accept: str, fixed: str = AUTOMATIC) -> Language:
    """The language that is ``fixed``, or the first one that is asked for and spoken, or else English.

    Args:
        accept: a header Accept-Language: ``de-AT, de;q=0.9, en;q=0.5``.
        fixed: a code; ``auto``: it goes by ``accept``.
    """
    if fixed != AUTOMATIC:
        return _spoken(fixed) or ENGLISH
    return next((found for tag in _in_order(accept[:_LONGEST]) if (found := _spoken(tag))), ENGLISH)


def require_spoken(fixed: str) -> None:
    """Refuse a setting that names a language without a catalogue.

    Raises:
        RagError: it does.
    """
    if fixed != AUTOMATIC and _spoken(fixed) is None:
        raise RagError(f"RAG_LANGUAGE: {fixed!r} is not spoken here. Choose one of: {', '.join([AUTOMATIC, *languages()])}.")


def _in_order(accept: str) -> list[str]:
    """The tags of the header, those that are wanted most first; of equals as they stand."""
    wanted = [(part.partition(";")[0].strip(), _quality(part)) for part in accept.split(",")]
    return [tag for tag, quality in sorted(wanted, key=lambda one: -one[1]) if tag and quality > 0]


def _quality(part: str) -> float:
    name, _, value = part.partition(";")[2].strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _spoken(tag: str) -> Language | None:
    """The language of a tag, or of its beginning: ``de-CH-1996``, ``de-CH``, ``de``."""
    parts = tag.lower().replace("_", "-").split("-")
    known = languages()
    return next((known[name] for end in range(len(parts), 0, -1) if (name := "-".join(parts[:end])) in known), None)
