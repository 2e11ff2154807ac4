"""The records of mail.

Belongs here: how its formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.ole.family import read_container
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

EMAIL = "message/rfc822"
MAILBOX = "application/mbox"
MSG = "application/vnd.ms-outlook"
TNEF = "application/vnd.ms-tnef"


def _read_email(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.mail.email_message import read_email

    return read_email(source)


def _read_mailbox(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.mail.mailbox import read_mailbox

    return read_mailbox(source)


def _read_tnef(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.mail.tnef import read_tnef

    return read_tnef(source)


FAMILIES = (
    Family(
        "mail",
        "mail and mailboxes",
        "Mail",
        (Format(EMAIL, _read_email, ("eml", "mht", "mhtml"), "text"), Format(MAILBOX, _read_mailbox, ("mbox",), "text")),
        version="12",
    ),
    Family(
        "outlook",
        "Outlook messages",
        "Mail",
        (
            Format(MSG, read_container, ("msg",), "ole"),
            Format(TNEF, _read_tnef, ("tnef",), signature=re.compile(rb"\x78\x9f\x3e\x22")),
        ),
        version="11",
    ),
)
