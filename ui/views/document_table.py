"""The documents as a table, and the panel that takes new ones, as HTML.

Belongs here: markup, pure. Not here: components (``documents.py``), the panel's behaviour (``static/app.js``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rag_pipeline.document_life import HeldDeletions, HoldRules, held_in_words
from rag_pipeline.ingestion.folder.example_documents import COLLECTION
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import StateCounts
from ui.views.rendering import escape

STATES = ("indexed", "pending", "failed", "unsupported", "empty")
EVERY = ""
MOST_ROWS = 200
"""More is no reading matter, and every page that is open is sent the table whenever it changes."""


def table_html(chosen: Sequence[DocumentStatus], number: int, counts: StateCounts, dagster_url: str, *, may_write: bool = False) -> str:
    """The first of ``number`` chosen documents, below a line that counts all that may be seen by state."""
    rows = "".join(_row(document, may_write) for document in chosen)
    more = f"<p class='note'>The first {len(chosen)} of {number:,}. Choose a collection or a state to see others.</p>"
    nothing = "<p class='nothing'>No document matches.</p>" if counts else "<p class='nothing'>No documents yet. Drop some above.</p>"
    body = f"<table class='documents'>{_HEAD}<tbody>{rows}</tbody></table>{more if number > len(chosen) else ''}" if rows else nothing
    return f"{_summary(counts, dagster_url)}{body}"


_HEAD = (
    "<thead><tr><th>Document</th><th>Collection</th><th>State</th><th class='number'>Pages</th><th class='number'>Chunks</th>"
    "<th class='number'>Size</th><th>Indexed</th></tr></thead>"
)


def _summary(counts: StateCounts, dagster_url: str) -> str:
    by_state = {state: sum(states.get(state, 0) for states in counts.values()) for state in STATES}
    parts = [f"<span class='state {state}'>{number:,} {state}</span>" for state, number in by_state.items() if number]
    link = f"<a class='dagster' href='{escape(dagster_url)}' target='_blank' rel='noopener'>Runs and schedules in Dagster ↗</a>"
    link = link if dagster_url else ""
    return f"<div class='summary'><span>{''.join(parts)}</span>{link}</div>"


def held_html(held: Mapping[str, HeldDeletions], rules: HoldRules, *, may_write: bool) -> str:
    """A banner for each collection whose deletions are held, with a button for those who may confirm them."""
    banners = []
    for collection, words in held_in_words(held, rules).items():
        address = f"/api/v1/collections/{quote(collection, safe='')}/confirm-deletions"
        button = _button(address, "They were deleted") if may_write else ""
        banners.append(f"<p class='held' role='status'><strong>{escape(collection)}</strong> {escape(words)}. {button}</p>")
    return "".join(banners)


def _button(address: str, words: str) -> str:
    """A button that sends an empty request there (``static/app.js``)."""
    return f"<button type='button' class='quiet' data-post='{escape(address)}'>{escape(words)}</button>"


def _row(document: DocumentStatus, may_write: bool) -> str:
    indexed = (
        f"<time datetime='{document.indexed_at.isoformat()}Z'>{document.indexed_at:%Y-%m-%d %H:%M} UTC</time>"
        if document.indexed_at
        else ""
    )
    cells = (
        (
            "Document",
            "name",
            f"<a href='/documents/{escape(document.document_id)}/file' target='_blank'>{escape(document.document)}</a>"
            + _reason(document, may_write),
        ),
        ("Collection", "", escape(document.collection)),
        ("State", "", f"<span class='state {escape(document.state)}'>{escape(document.state)}</span>"),
        ("Pages", "number", f"{document.pages:,}" if document.pages else ""),
        ("Chunks", "number", f"{document.chunks:,}" if document.chunks else ""),
        ("Size", "number", size_in_words(document.size_bytes)),
        ("Indexed", "when", indexed),
    )
    return "<tr>" + "".join(f"<td class='{kind}' data-label='{label}'>{content}</td>" for label, kind, content in cells) + "</tr>"


def _reason(document: DocumentStatus, may_write: bool) -> str:
    held = "<span class='reason'>Its file is missing; the deletion is held.</span>" if document.deletion_held_since else ""
    if not document.error:
        return held + "".join(f"<span class='warning'>{escape(warning)}</span>" for warning in document.warnings)
    tries = f" Tried {document.attempts} times." if document.attempts > 1 else ""
    retry = f" {_button(f'/api/v1/documents/{document.document_id}/retry', 'Retry')}" if may_write and not held else ""
    return f"<span class='reason'>{escape(document.error)}{tries}{retry}</span>{held}"


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
        "<span>or click to choose. While <code>rag up</code> runs, it looks every few seconds, and reads them when it has finished what it"
        " is at. Embedding takes as long as it takes, about 11 passages a second on an ordinary laptop. The table below shows how far they"
        " are.</span></label>"
        "<div class='upload-side'><label>Into the collection"
        f"<input name='collection' value='{DEFAULT_COLLECTION}' list='collection-names' maxlength='100' autocomplete='off'></label>"
        f"<p>Or copy files into <code>{escape(str(settings.uploads))}</code>. A folder in it is a collection.</p></div>"
        "<ul class='upload-results' aria-live='polite'></ul></form>"
    )
