"""E-mail messages: their headers, their body, their attachments.

Belongs here: MIME parts. Not here: mailboxes of many messages.

The message is taken apart by the standard library and its HTML goes through unstructured: unstructured's own e-mail partitioner
reads one body part only, raises on unknown character sets, and hands attachments to its format detection, whose PDF module cannot
be imported without a layout model. Attachments are read by our own families instead, and only in memory: their names lead nowhere.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import EmailMessage
from typing import Any, cast

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.mail.uuencoded import taken_apart
from rag_pipeline.ingestion.extract.markup.html import declared_encoding, html_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_HEADERS = ("From", "To", "Cc", "Date")
_DEEPEST = 20
"""Messages forwarded within messages, or parts within parts: nobody nests more, except to break readers."""
_ADDRESS = re.compile(r"(https?://|mailto:|cid:)\S+")
_LEAST_NEW_WORDS, _LEAST_DIGITS = 3, 2
_ENCRYPTED = ("multipart/encrypted",)
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_NOT_ENCRYPTED = ("signed-data", "certs-only")
_MESSAGES = ("message/rfc822", "message/global")
_REPORTS = ("message/delivery-status", "message/disposition-notification", "message/feedback-report")
"""They consist of headers alone, in groups."""
_ENTRIES = {
    "text/calendar": "invitation.ics",
    "application/ics": "invitation.ics",
    "text/vcard": "contact.vcf",
    "text/x-vcard": "contact.vcf",
    "text/directory": "contact.vcf",
}
"""Invitations and cards, which mail programs show as such wherever they stand in a message, and what those without a name are called."""
_LOOKS = ("text/css", "text/javascript", "application/javascript", "application/x-javascript")
"""Beside a page that a browser has saved with all that it is made of (RFC 2557)."""
_LOST = "\ufffd"
_NOT_DECODED = (_LOST, "\x1b", "=?")
"""What the standard library leaves of headers: bytes, sequences of ISO-2022 that nobody encoded, encoded words that it does not know."""
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")


class _Careful(email.policy.EmailPolicy):
    """Reads a header that the standard library's parser trips over, such as a date in the year 99999, as one that says nothing."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:  # noqa: BLE001 - it raises anything, and one header of one part would cost the message
            return self.header_factory(name, "") if name.lower().startswith("content-") else _LOST


_POLICY = cast("email.policy.Policy[EmailMessage]", _Careful())


def read_email(source: Source) -> Iterator[Element]:
    """Subject as title, senders and date, every body part once, then the attachments that can be read, each under its name.

    Attachments that cannot be read are named in the notes.

    Raises:
        DocumentError: the message is encrypted (``password_protected``), or nested too deeply (``too_deep``).
    """
    yield from message_elements(source.stream.read(), source)


def message_elements(content: bytes, source: Source) -> Iterator[Element]:
    """The elements of one message, as :func:`read_email`; ``source`` is the file that holds it."""
    message = email.message_from_bytes(content, policy=_POLICY)
    _give_entries_once(message)
    yield from _message_elements(message, (), source, depth=0)


def _message_elements(message: EmailMessage, above: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    subject = _header(message, "Subject")
    if subject:
        yield Element("Title", subject, heading_path=above)
        above = (*above, subject)
    headers = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
    if headers:
        yield Element("EmailMetadata", "\n".join(headers), heading_path=above)
    yield from _part_elements(message, above, source, depth)


def _give_entries_once(message: EmailMessage) -> None:
    """An invitation stands in a message as a form of its text and again as a file: what was said before is taken out."""
    seen: set[bytes] = set()
    for part in message.walk():
        if part.get_content_type() in _ENTRIES:
            content = b"".join(_content(part).split())
            if content in seen:
                part.set_payload("")
            seen.add(content)


def _header(message: EmailMessage, name: str) -> str:
    value = str(message[name] or "")
    if any(sign in value for sign in _NOT_DECODED):
        value = _decoded(next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), ""))
    return " ".join(clean_text(value).split())


def _decoded(header: str) -> str:
    """A header in an encoding that the standard library does not know, or in one that nobody declared."""
    text = decode_text(header.encode("utf-8", "surrogateescape"))  # that is how bytes beyond ASCII are kept
    try:
        pieces = decode_header(text)
    except HeaderParseError:
        return text
    return "".join(
        piece if isinstance(piece, str) else decode_text(piece, encoding) if encoding else piece.decode("raw-unicode-escape", "replace")
        for piece, encoding in pieces
    )


def _part_elements(part: EmailMessage, path: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    if depth > _DEEPEST:
        raise DocumentError("too_deep", f"The message nests more than {_DEEPEST} messages or parts in each other.")
    kind = part.get_content_type()
    if _is_encrypted(part, is_message=depth == 0):
        error = DocumentError(
            "password_protected", "The message is encrypted. Open it in the mail program that has its key, and save a readable copy."
        )
        if depth == 0:
            raise error
        with source.part("A part of the message"):
            raise error
    elif kind in _SIGNATURES or kind in _LOOKS or (kind in _ENTRIES and not _content(part).strip()):
        return
    elif kind in _ENTRIES:
        yield from _attachment_elements(part, path, source)
    elif kind in _MESSAGES:
        for inner in part.iter_parts():
            yield from _message_elements(_plain_message(part, cast("EmailMessage", inner)), path, source, depth + 1)
    elif kind in _REPORTS:
        for group in (cast("EmailMessage", inner) for inner in part.iter_parts()):
            yield Element("EmailMetadata", "\n".join(f"{name}: {_header(group, name)}" for name in group), heading_path=path)
    elif kind == "multipart/alternative":
        yield from _alternative_elements(part, path, source, depth)
    elif part.is_multipart():
        for inner in part.iter_parts():
            yield from _part_elements(cast("EmailMessage", inner), path, source, depth + 1)
    elif part.get_content_maintype() == "text" and not part.is_attachment() and not part.get_filename():
        with source.part("A form of its text"):
            yield from _body_elements(part, path, source)
    elif not _is_decoration(part):
        yield from _attachment_elements(part, path, source)


def _is_encrypted(part: EmailMessage, *, is_message: bool) -> bool:
    """Signed files are of the same type as encrypted messages, which as a whole message need not say more (RFC 8551, 3.2.2)."""
    kind, said = part.get_content_type(), part.get_param("smime-type")
    return kind in _ENCRYPTED or (kind in _SEALED and said not in _NOT_ENCRYPTED and (said is not None or is_message))


def _plain_message(part: EmailMessage, inner: EmailMessage) -> EmailMessage:
    """An attached message; some senders encode it though they must not (RFC 2046, 5.2.1)."""
    if str(part["Content-Transfer-Encoding"] or "").strip().lower() != "base64" or len(inner) > 0:
        return inner
    inner["Content-Transfer-Encoding"] = "base64"
    return email.message_from_bytes(_content(inner), policy=_POLICY)


def _is_decoration(part: EmailMessage) -> bool:
    """A picture that the body shows in its text: a logo or a signature, which no reader takes for an attachment."""
    placed = part["Content-ID"] is not None or part["Content-Location"] is not None
    return part.get_content_maintype() == "image" and placed and not part.is_attachment()


def _alternative_elements(part: EmailMessage, path: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    """The best form of a body, and the lines of the other forms that say something else: some senders make only one of them whole."""
    best = _best_alternative(part)
    elements = list(_part_elements(best, path, source, depth + 1))
    yield from elements
    for other in (cast("EmailMessage", inner) for inner in part.iter_parts()):
        if other is not best:
            yield from _beside_best(other, elements, path, source, depth + 1)


def _beside_best(other: EmailMessage, best: list[Element], path: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    """What another form of a body adds: lines, and the attachments that some senders put beside or into it."""
    if other.get_content_maintype() == "multipart" and depth <= _DEEPEST:
        for inner in other.iter_parts():
            yield from _beside_best(cast("EmailMessage", inner), best, path, source, depth + 1)
    elif _stands_for_itself(other):
        yield from _part_elements(other, path, source, depth)
    elif other.get_content_subtype() in ("plain", "html"):
        forms: list[Element] = []
        with source.part("A form of its text"):
            forms = list(_body_elements(other, path, source))
        yield from what_only_this_says(forms, best)


def _stands_for_itself(other: EmailMessage) -> bool:
    """Whether what stands beside the best form of a body is more than another form of its words."""
    named = other.is_attachment() or bool(other.get_filename())
    return named or other.get_content_maintype() != "text" or other.get_content_type() in _ENTRIES


def what_only_this_says(form: Iterable[Element], best: Iterable[Element]) -> Iterator[Element]:
    """The lines of one form of a message's text that its best form does not say."""
    said = set(_words(" ".join(element.text for element in best)))
    for element in form:
        lines = "\n".join(line for line in element.text.split("\n") if _says_more(line, said))
        if lines:
            yield replace(element, text=lines, table_header=None)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", _ADDRESS.sub(" ", text.casefold()))


def _says_more(line: str, said: set[str]) -> bool:
    """Whether most of a line, or a number in it, is not said yet: the same text is never written quite alike twice."""
    words = _words(line)
    new = [word for word in words if word not in said]
    number = any(sum(map(str.isdigit, word)) >= _LEAST_DIGITS for word in new)
    return number or (len(new) >= _LEAST_NEW_WORDS and len(new) * 2 > len(words))


def _best_alternative(part: EmailMessage) -> EmailMessage:
    """The richest form of a body that says something: senders put it last."""
    parts = [cast("EmailMessage", inner) for inner in part.iter_parts()]
    told = [inner for inner in parts if inner.is_multipart() or _content(inner).strip()]
    readable = [inner for inner in told if inner.is_multipart() or inner.get_content_subtype() in ("plain", "html")]
    return (readable or told or parts or [EmailMessage()])[-1]


def _content(part: EmailMessage) -> bytes:
    return cast("bytes | None", part.get_payload(decode=True)) or b""


def _body_elements(part: EmailMessage, path: tuple[str, ...], source: Source) -> Iterator[Element]:
    content, page = _content(part), part.get_content_subtype() == "html"
    text = decode_text(content, part.get_content_charset() or (declared_encoding(content) if page else None))
    if page:
        yield from (replace(element, heading_path=(*path, *element.heading_path)) for element in html_elements(text))
        return
    text, files, damaged = taken_apart(text)
    yield from paragraphs(text, path)
    for name, content in files:
        yield from elements_inside(source, content, _shown(name), path)
    source.notes += [f"{_shown(name)}, a file inside it, is damaged: it was left in the text. Ask the sender for it." for name in damaged]


def _shown(name: str) -> str:
    return " ".join(clean_text(name).split())


def _attachment_elements(part: EmailMessage, path: tuple[str, ...], source: Source) -> Iterator[Element]:
    name = part.get_filename() or _ENTRIES.get(part.get_content_type(), "attachment")
    yield from elements_inside(source, _content(part), _shown(name), path)
