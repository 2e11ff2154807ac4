"""Messages and attachments as Outlook wraps them for other programs (TNEF): ``winmail.dat``.

Belongs here: what such a file holds. Not here: taking its bytes apart (tnefparse), the mail that it is attached to (``email_message``).

Outlook sends what it writes in rich text so, with all attachments of the mail inside: whoever does not open it sees neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.mail.email_message import what_only_this_says
from rag_pipeline.ingestion.extract.mail.outlook_message import rich_text
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from tnefparse.tnef import TNEF, TNEFAttachment

_CONTENT_ID = 0x3712


def read_tnef(source: Source) -> Iterator[Element]:
    """The subject as title and the body, then what is attached, each under its name.

    Raises:
        DocumentError: ``damaged``.
    """
    from tnefparse.tnef import TNEF

    try:
        wrapped = TNEF(source.stream.read(), do_checksum=False)
    except Exception as error:  # noqa: BLE001 - the library raises anything on what it does not understand
        message = f"The file is damaged ({type(error).__name__}: {error}). Ask the sender for the message without winmail.dat."
        raise DocumentError("damaged", message) from None
    subject = next((_text(one.data) for one in wrapped.msgprops if one.name == TNEF.ATTSUBJECT), "")
    path = (subject,) if subject else ()
    if subject:
        yield Element("Title", subject)
    yield from _body_elements(wrapped, path, source)
    for number, attachment in enumerate(wrapped.attachments, 1):
        with source.part(f"Attachment {number}"):
            name = _text(attachment.long_filename()) or "attachment"
            if attachment.data and not _is_decoration(source, attachment, name):
                yield from elements_inside(source, attachment.data, name, path)


def _is_decoration(source: Source, attachment: TNEFAttachment, name: str) -> bool:
    """A picture that the body shows in its text, as in other mail."""
    shown = any(one.name == _CONTENT_ID for one in attachment.mapi_attrs)
    return shown and source.media_type_of(name, attachment.data).startswith("image/")


def _body_elements(wrapped: TNEF, path: tuple[str, ...], source: Source) -> Iterator[Element]:
    page, text = _decoded(wrapped.htmlbody, wrapped.codepage), _decoded(wrapped.body, wrapped.codepage)
    best: list[Element] = []
    with source.part("A form of its text"):
        if page.strip():
            best = html_elements(page)
        elif wrapped._rtfbody:
            best = list(rich_text(wrapped._rtfbody + b"\0", source))  # as the library does: some files lack the last byte
    yield from (replace(element, heading_path=(*path, *element.heading_path)) for element in best)
    yield from what_only_this_says(paragraphs(text, path), best) if best else paragraphs(text, path)


def _decoded(said: Any, code_page: str | None) -> str:
    """Text that the library has decoded or left as it is; a property may have several values."""
    if isinstance(said, list | tuple):
        return "\n".join(_decoded(one, code_page) for one in said)
    return said if isinstance(said, str) else decode_text(bytes(said or b"").rstrip(b"\0"), code_page)


def _text(said: Any) -> str:
    return " ".join(clean_text(_decoded(said, None)).replace("\0", "").split())
