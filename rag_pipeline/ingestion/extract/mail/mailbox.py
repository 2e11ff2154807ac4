"""Mailboxes: many messages in one file, one after the other (mbox).

Belongs here: where a message ends. Not here: what is in a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.mail.email_message import message_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_DATED = re.compile(rb"From .*\d:\d\d.*\d{4}")
_HEADER = re.compile(rb"[!-9;-~]+:")
"""A field's name (RFC 5322, 2.2)."""


def read_mailbox(source: Source) -> Iterator[Element]:
    """The messages in order, each under its subject. A message that cannot be read is named in the notes; the others are read."""
    for number, content in enumerate(_messages(source.stream), 1):
        source.more_time()
        try:
            yield from message_elements(content, source)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library makes of one message, the others are read
            said = str(error) if isinstance(error, DocumentError) else f"{type(error).__name__}: {error}"
            source.notes.append(f"Message {number} was not read: {said}")


def _messages(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The form that RFC 4155 calls the default: a line ``From sender date`` begins a message, and in bodies it is quoted.

    Not every writer quotes: such a line begins no message where it has no date and no header follows.
    """
    message: list[bytes] = []
    blank = True
    ahead = chain(lines, [b""])
    line = next(ahead)
    for following in ahead:
        if blank and line.startswith(b"From ") and (_DATED.match(line) or _HEADER.match(following)):
            if message:
                yield b"".join(message)
            message = []
        else:
            message.append(line[1:] if line.lstrip(b">").startswith(b"From ") and line.startswith(b">") else line)
        blank = not line.strip()
        line = following
    if any(line.strip() for line in message):
        yield b"".join(message)
