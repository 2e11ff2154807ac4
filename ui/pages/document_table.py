"""The documents as a table, and the panel that takes new ones, as HTML.

Belongs here: markup and choice of rows, pure. Not here: components (``documents.py``), the panel's behaviour (``static/app.js``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rag_pipeline.ingestion.folder import DEFAULT_COLLECTION
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import DocumentStatus
from ui.example_documents import COLLECTION
from ui.rendering import escape

STATES = ("indexed", "pending", "failed", "unsupported", "empty")
EVERY = ""
MOST_ROWS = 200
"""More is no reading matter, and every page that is open is sent the table whenever it changes."""
_FIRST_SHOWN = {"failed": 0, "unsupported": 1, "empty": 2, "pending": 3, "indexed": 4}


def table_html(documents: Sequence[DocumentStatus], collection: str, state: str, name: str, dagster_url: str) -> str:
    """The rows that pass the filters, those that need attention first, below a line that counts them all."""
    chosen = [document for document in documents if _passes(document, collection, state, name)]
    chosen.sort(key=lambda document: (_FIRST_SHOWN.get(document.state, 0), document.collection, document.document))
    rows = "".join(_row(document) for document in chosen[:MOST_ROWS])
    more = f"<p class='note'>The first {MOST_ROWS} of {len(chosen):,}. Choose a collection or a state to see others.</p>"
    nothing = "<p class='nothing'>No document matches.</p>" if documents else "<p class='nothing'>No documents yet. Drop some above.</p>"
    body = f"<table class='documents'>{_HEAD}<tbody>{rows}</tbody></table>{more if len(chosen) > MOST_ROWS else ''}" if rows else nothing
    return f"{_summary(documents, dagster_url)}{body}"


def _passes(document: DocumentStatus, collection: str, state: str, name: str) -> bool:
    return (
        collection in (EVERY, document.collection)
        and state in (EVERY, document.state)
        and name.strip().lower() in document.document.lower()
    )


_HEAD = (
    "<thead><tr><th>Document</th><th>Collection</th><th>State</th><th class='number'>Pages</th><th class='number'>Chunks</th>"
    "<th class='number'>Size</th><th>Indexed</th></tr></thead>"
)


def _summary(documents: Sequence[DocumentStatus], dagster_url: str) -> str:
    counts = Counter(document.state for document in documents)
    parts = [f"<span class='state {state}'>{counts[state]:,} {state}</span>" for state in STATES if counts[state]]
    link = f"<a class='dagster' href='{escape(dagster_url)}' target='_blank' rel='noopener'>Runs and schedules in Dagster ↗</a>"
    link = link if dagster_url else ""
    return f"<div class='summary'><span>{''.join(parts)}</span>{link}</div>"


def _row(document: DocumentStatus) -> str:
    indexed = (
        f"<time datetime='{document.indexed_at.isoformat()}Z'>{document.indexed_at:%Y-%m-%d %H:%M} UTC</time>"
        if document.indexed_at
        else ""
    )
    cells = (
        (
            "Document",
            "name",
            f"<a href='/documents/{escape(document.document_id)}/file' target='_blank'>{escape(document.document)}</a>{_reason(document)}",
        ),
        ("Collection", "", escape(document.collection)),
        ("State", "", f"<span class='state {escape(document.state)}'>{escape(document.state)}</span>"),
        ("Pages", "number", f"{document.pages:,}" if document.pages else ""),
        ("Chunks", "number", f"{document.chunks:,}" if document.chunks else ""),
        ("Size", "number", size_in_words(document.size_bytes)),
        ("Indexed", "when", indexed),
    )
    return "<tr>" + "".join(f"<td class='{kind}' data-label='{label}'>{content}</td>" for label, kind, content in cells) + "</tr>"


def _reason(document: DocumentStatus) -> str:
    if not document.error:
        return ""
    tries = f" Tried {document.attempts} times." if document.attempts > 1 else ""
    return f"<span class='reason'>{escape(document.error)}{tries}</span>"


def size_in_words(size_bytes: int) -> str:
    """``512 B``, ``3.4 kB``, ``12 MB`` (thousands, as file managers count)."""
    size, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


def suggestions_html(collections: Sequence[str]) -> str:
    """The names that the upload panel's collection field suggests. Not part of the panel: an update must not undo what is typed there."""
    names = dict.fromkeys((DEFAULT_COLLECTION, *(name for name in collections if name != COLLECTION)))
    options = "".join(f"<option value='{escape(name)}'></option>" for name in names)
    return f"<datalist id='collection-names'>{options}</datalist>"


def upload_html(settings: Settings) -> str:
    """A place to drop files on, and the collection they go to."""
    return (
        "<form class='upload' data-upload>"
        "<label class='drop'><input type='file' name='files' multiple><strong>Drop files here</strong>"
        "<span>or click to choose. They are read and indexed within seconds.</span></label>"
        "<div class='upload-side'><label>Into the collection"
        f"<input name='collection' value='{DEFAULT_COLLECTION}' list='collection-names' maxlength='100' autocomplete='off'></label>"
        f"<p>Or copy files into <code>{escape(str(settings.uploads))}</code>. A folder in it is a collection.</p></div>"
        "<ul class='upload-results' aria-live='polite'></ul></form>"
    )
