"""What the Ask tab says before the first question: what is in the folder, what to do next, and in the first minute how to set it up.

Belongs here: the choice of words from the state of the documents and of this machine, pure. Not here: markup (``templates/ask``),
components (``pages/ask.py``), looking at the machine (``api/language_models.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from rag_pipeline.access import EVERYTHING, Access
from rag_pipeline.answering.generation.chosen_model import ChosenModel
from rag_pipeline.answering.generation.local_models import LocalModel, by_server
from rag_pipeline.doctor import Finding
from rag_pipeline.document_life import BY_WORDS, WITH_VECTORS
from rag_pipeline.ingestion.extract.registry import FAMILIES
from rag_pipeline.ingestion.folder.example_documents import COLLECTION
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.ingestion.progress.overview import Overview
from rag_pipeline.settings import AUTOMATIC, Settings
from rag_pipeline.stores.catalog.listing import StateCounts
from ui.views.environment import render
from ui.views.language import gettext, message, ngettext
from ui.views.language.formats import listed
from ui.views.messages import failure_html
from ui.views.suggestions import questions_about

NOTHING = Overview()
SHORTCUTS = (
    ((message("Enter"),), message("asks the question")),
    ((message("Shift"), message("Enter")), message("begins a new line")),
    ((message("Esc"),), message("stops the answer, leaves an edited question, closes a passage")),
    (("/",), message("goes to the question")),
    (("↑",), message("in an empty box: edits the last question")),
    (("←", "→"), message("beside an open passage: the source before, the next one")),
    (("?",), message("shows this list")),
)
"""Keys, and what they do on the Ask tab (``static/ask.js``)."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The greeting, which buttons stand under it, and the collections that can be chosen.

    ``drop``: where files are dropped, for those who may; the page shows it while there is nothing to ask about.
    """

    html: str
    drop: str = ""
    offers_examples: bool = False
    offers_questions: bool = False
    collections: tuple[str, ...] = ()

    @classmethod
    def of_error(cls, words: str) -> Welcome:
        """The documents' state cannot be read."""
        return cls(failure_html(gettext("The documents cannot be read"), words))

    @staticmethod
    def waiting_for_examples() -> str:
        """Right after the click, before the folder has been looked at."""
        return _html(Greeting(gettext("Reading the example documents"), "wait"))


@dataclass(frozen=True, slots=True)
class Greeting:
    """A title, and what to do next.

    Attributes:
        advice: add documents (if one ``may_add``), wait, look for what failed, or ask (``more`` may be said then).
    """

    title: str
    advice: Literal["add", "wait", "look", "ask"]
    may_add: bool = True
    more: str = ""
    suggested: tuple[str, ...] = ()


def welcome_of(
    counts: StateCounts,
    settings: Settings,
    progress: Overview = NOTHING,
    headings: Sequence[tuple[str, str]] = (),
    access: Access = EVERYTHING,
) -> Welcome:
    """The greeting for what the catalog knows; ``progress`` tells which pending documents answer already.

    ``headings`` with their collections are what questions are suggested from, where there are no examples. ``access``: who looks.
    """
    by_words = {one.collection: one.stages.get(BY_WORDS, 0) + one.stages.get(WITH_VECTORS, 0) for one in progress.collections}
    answering = {name: states.get("indexed", 0) + by_words.get(name, 0) for name, states in counts.items()}
    ready = sum(answering.values())
    pending = max(0, sum(states.get("pending", 0) for states in counts.values()) - sum(by_words.values()))
    may_add, drop = access.may("write"), _drop(settings, access)
    offers_examples = may_add and access.sees(COLLECTION)
    if not counts:
        return Welcome(_html(Greeting(gettext("Ask your documents anything"), "add", may_add)), drop, offers_examples)
    if not ready and pending:
        return Welcome(_html(Greeting(ngettext("Reading {number} document", "Reading {number} documents", pending), "wait")), drop)
    if not ready:
        return Welcome(_html(Greeting(gettext("None of your documents could be indexed"), "look", may_add)), drop, offers_examples)
    collections = tuple(sorted(name for name, documents in answering.items() if documents))
    if collections == (COLLECTION,):
        title = ngettext("Ask {number} example document anything", "Ask {number} example documents anything", ready)
    else:
        title = ngettext("Ask {number} document anything", "Ask {number} documents anything", ready)
    more = ngettext("{number} more document is being read.", "{number} more documents are being read.", pending) if pending else ""
    examples = COLLECTION in collections
    suggested = () if examples else questions_about(heading for collection, heading in headings if collection in collections)
    greeting = Greeting(title, "ask", more=more, suggested=suggested)
    return Welcome(_html(greeting), drop, offers_questions=examples, collections=collections)


def _drop(settings: Settings, access: Access) -> str:
    """Never what depends on the documents: to draw it anew would take away what it says of files that were not taken."""
    if not access.may("write"):
        return ""
    collection = access.collections[0] if access.collections else DEFAULT_COLLECTION
    formats = listed([gettext(family.words) for family in FAMILIES])
    return render("ask/drop.html", collection=collection, uploads=str(settings.uploads), formats=formats)


def machine_html(
    settings: Settings, offered: Sequence[LocalModel], chosen: ChosenModel | None, findings: Sequence[Finding], *, may_choose: bool
) -> str:
    """Which language models this machine offers, and what it cannot read, with what to do: the lower half of the first page.

    ``findings``: of the programs that read documents; those that are there are not told.
    """
    named = gettext("The first that this machine offers") if settings.chat_model == AUTOMATIC else settings.chat_model
    missing = [one for one in findings if one.state != "ok"]
    known = [model.as_chosen for model in offered]
    return render("ask/machine.html", named=named, offered=offered, chosen=chosen, known=known, missing=missing, may_choose=may_choose)


def answers_by(
    settings: Settings, offered: Sequence[LocalModel] = (), chosen: ChosenModel | None = None, *, may_choose: bool = False
) -> str:
    """Who writes the answers, and who makes the vectors, as HTML: what leaves the machine is never a secret.

    ``offered``: the language models of this machine, of which one may be ``chosen``; ``may_choose``: whether who looks may change that.
    """
    host = urlsplit(settings.openai_base_url or "https://api.openai.com").hostname or ""
    embedding_host = urlsplit(settings.embedding_url or "").hostname or ""
    automatic = settings.chat_model == AUTOMATIC
    first = offered[0] if offered else None
    local = first if automatic else next((model for model in offered if model.as_chosen == chosen), None)
    return render(
        "ask/answers_by.html", model=None if automatic else settings.chat_model, automatic=automatic, host=host, local=local, first=first,
        chosen=chosen, may_choose=may_choose, offered=by_server(offered), embedding_host=embedding_host, shortcuts=SHORTCUTS,
    )  # fmt: skip


def _html(greeting: Greeting) -> str:
    return render("ask/greeting.html", greeting=greeting)
