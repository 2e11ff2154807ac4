"""What the Ask tab says before the first question: what is in the folder, what to do next.

Belongs here: the choice of words from the state of the documents, pure. Not here: components (``ask.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from rag_pipeline.ingestion.extract.registry import supported_formats
from rag_pipeline.ingestion.folder.example_documents import COLLECTION
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.listing import StateCounts
from ui.views.rendering import escape, failure_html


@dataclass(frozen=True, slots=True)
class Welcome:
    """The greeting, which buttons stand under it, the collections that can be chosen, and the conversations (title, id)."""

    html: str
    offers_examples: bool = False
    offers_questions: bool = False
    collections: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_error(cls, message: str) -> Welcome:
        """The documents' state cannot be read."""
        return cls(failure_html("The documents cannot be read", message))

    @staticmethod
    def waiting_for_examples() -> str:
        """Right after the click, before the folder has been looked at."""
        return _greeting("Reading the example documents", f"{_WAIT} {_STUCK}", working=True)


_WAIT = "They are found within some seconds, then read and indexed. This page updates by itself."
_STUCK = "If nothing moves, start everything with <code>rag up</code>, or index once with <code>rag ingest</code>."


def welcome_of(counts: StateCounts, settings: Settings) -> Welcome:
    """The greeting for what the catalog knows."""
    ready = sum(states.get("indexed", 0) for states in counts.values())
    pending = sum(states.get("pending", 0) for states in counts.values())
    collections = tuple(sorted(name for name, states in counts.items() if states.get("indexed")))
    if not counts:
        text = (
            f"Drop files into <code>{escape(str(settings.uploads))}</code>, or upload them under <em>Documents</em>."
            f" It reads {escape(supported_formats())}."
        )
        return Welcome(_greeting("Ask your documents anything", text), offers_examples=True)
    if not ready and pending:
        text = f"{_WAIT} {_STUCK}"
        return Welcome(_greeting(f"Reading {_count(pending, 'document')}", text, working=True))
    if not ready:
        text = "Look under <em>Documents</em> for the reason of each, or try the example documents."
        return Welcome(_greeting("None of your documents could be indexed", text), offers_examples=True)
    only_examples = collections == (COLLECTION,)
    text = "Every claim in an answer carries a number. Click it to see the passage in its document."
    if pending:
        text += f" {_count(pending, 'more document')} {'is' if pending == 1 else 'are'} being read."
    title = f"Ask {_count(ready, 'example document' if only_examples else 'document')} anything"
    return Welcome(_greeting(title, text), offers_questions=COLLECTION in collections, collections=collections)


def answers_by(settings: Settings) -> str:
    """Who writes the answers, as HTML: what leaves the machine is never a secret."""
    if settings.chat_model is None:
        return (
            "Answers are sentences quoted from your documents. For written answers, set <code>RAG_CHAT_MODEL</code>"
            " and <code>OPENAI_API_KEY</code> in <code>.env</code>."
        )
    host = urlsplit(settings.openai_base_url or "https://api.openai.com").hostname or ""
    return f"Answers are written by {escape(settings.chat_model)} at {escape(host)}. Check them against the cited passages."


def _greeting(title: str, text: str, *, working: bool = False) -> str:
    return f"<div class='greeting{' working' if working else ''}'><h1>{title}</h1><p>{text}</p></div>"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
