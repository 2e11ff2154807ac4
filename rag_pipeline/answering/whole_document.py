"""Questions about a whole document: "Summarize the annual report", "Worum geht es in dem Vertrag?"

Belongs here: telling them from others by their form, in four languages, and which documents they mean. Not here: which passages stand for
a document (``retrieval/retrieve.py``), what is quoted of them (``quoting/outline.py``).

Such a question has no word of what answers it: passages that happen to say "report" or "summarize" would be found for it. A question is
one of these only where nothing is left of it beside its form, words for documents, and names that documents have: "Summarize the risks of
Acme" asks for the risks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rag_pipeline.answering.retrieval.scoring import name_words, spoken_name
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import asked_ids, joined_words, word_ids

OVERVIEW = "overview, summary, introduction, conclusion; Überblick, Zusammenfassung, Einleitung; résumé, conclusion; resumen, introducción"
"""What is searched for within a document: what its author wrote to say what it is about, in the languages of the forms below."""

_FORMS = (
    r"(?:summari[sz]e|sum up|outline) (.+)",
    r"(?:(?:give|write|make) (?:me |us )?)?(?:an? |the )?(?:\w+ )?(?:summary|overview|outline) (?:of|on) (.+)",
    r"what(?:['’]s| is| are) (.+) (?:all )?about",
    r"what does (.+) (?:say|cover|contain|describe|deal with|talk about)",
    r"what are the (?:main|key|most important) (?:points|topics|findings|takeaways|messages|ideas) (?:of|in) (.+)",
    r"(?:fass|fasse|fassen sie) (.+?) (?:bitte )?(?:kurz )?zusammen",
    r"(?:worum|um was) geht(?: es|['’]s) (?:in |im |bei )?(.+)",
    r"(?:wovon handelt|was steht in|was steht im) (.+)",
    r"(?:(?:gib|geben sie|schreib|schreibe|schreiben sie) (?:mir |uns )?)?(?:einen? )?(?:\w+ )?(?:zusammenfassung|überblick)"
    r" (?:von|vom|über|des|der|zu|zum) (.+)",
    r"résume[rz]?(?:[- ]moi)? (.+)",
    r"de quoi (?:parle|traite|est-il question dans) (.+)",
    r"(?:(?:fais|faites|donne|donnez|écris)(?:[- ]moi)? )?(?:un )?(?:\w+ )?résumé (?:de la |de l['’]|de |du |des )(.+)",
    r"(?:resume|resuma|resumir|resúmeme) (.+)",
    r"(?:(?:haz|hazme|dame|escribe) )?(?:un )?(?:\w+ )?resumen (?:de|del) (.+)",
    r"de qué (?:trata|habla|va) (.+)",
)
_PLEASE = r"(?:please |can you |could you |bitte |s['’]il te plaît,? |por favor,? )?"
_ASKED = re.compile(rf"[¿¡\s]*{_PLEASE}(?:{'|'.join(_FORMS)})(?:,? (?:please|bitte))?[\s?!.…]*", re.IGNORECASE)
_FOR_DOCUMENTS = """
document file report text paper article book manual guide contract agreement letter presentation slides page pdf memo handbook
dokument datei bericht text artikel buch handbuch anleitung vertrag brief präsentation folien seite
document fichier rapport texte article livre manuel guide contrat lettre présentation page
documento archivo informe texto artículo libro manual guía contrato carta presentación página
"""
"""In English, German, French and Spanish: what people call a document instead of its name."""


def document_asked_about(question: str) -> str | None:
    """What a question about a whole document calls it; None where it is none by its form."""
    form = _ASKED.fullmatch(" ".join(question.split()))
    return next(filter(None, form.groups())) if form else None


def names_no_document(called: str, question: str) -> bool:
    """Whether what a document is called would do for any: "this report"."""
    return not _telling(called, question)


def documents_meant(called: str, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """A passage of each document that has all names in what it is called, in the order of the hits; of any where it has none."""
    wanted, joined = _telling(called, question), joined_words(_apart(called))
    first: dict[tuple[str, str], Hit] = {}
    for hit in hits:
        name = name_words(hit.document) | word_ids(" ".join(hit.heading_path[:1]))
        written_together = set[int]().union(*(words for word, words in joined.items() if word in name))
        if wanted <= name | written_together:
            first.setdefault((hit.collection, hit.document), hit)
    return list(first.values())


def is_of_whole_documents(question: str, hits: Sequence[Hit]) -> bool:
    """Whether passages were found for a question about whole documents, and not for other words in it."""
    called = document_asked_about(question)
    return called is not None and len(documents_meant(called, question, hits)) == len({(hit.collection, hit.document) for hit in hits})


def _telling(called: str, question: str) -> AbstractSet[int]:
    return (word_ids(_apart(called)) & asked_ids(_apart(question))) - word_ids(_FOR_DOCUMENTS)


def _apart(text: str) -> str:
    """Names of files as words."""
    return " ".join(spoken_name(word) if "_" in word or "." in word.strip(".") else word for word in text.split())
