"""The records of mail.

Belongs here: how its formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format, Opening
from rag_pipeline.ingestion.extract.ole.family import read_container
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

EMAIL = "message/rfc822"
MAILBOX = "application/mbox"
MSG = "application/vnd.ms-outlook"
TNEF = "application/vnd.ms-tnef"
_FIELD = rb"[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*"
_OF_MACHINES = (
    rb"(?:received:\s*(?:from|by|with|\()|"
    rb"(?:return-path|delivered-to|x-original-to|envelope-to|message-id|mime-version|content-type|dkim-signature):[^\n]*[<;@/.=])"
)
"""Fields that programs write into each message on its way (RFC 5322, 3.6.4 and 3.6.7; RFC 2045), and nobody into a text."""
_OF_PEOPLE = rb"(?:from|to|cc|subject|date|sender|reply-to|organization):[^\n]*\n(?:[ \t][^\n]*\n)*"
_MESSAGE_OPENINGS = (
    Opening(re.compile(rb"(?:" + _FIELD + rb"){0,8}" + _OF_MACHINES), (None,)),
    Opening(re.compile(rb"(?=(?:" + _FIELD + rb"){0,3}from:[^\n]*@)(?:" + _OF_PEOPLE + rb"){3}"), (None,)),
)
"""Messages lie in files without a name of their own where mail programs keep them (Maildir, MH), or are called ``.msg`` and the like."""
_MAILBOX_OPENINGS = (Opening(re.compile(rb"from [^\n]*\d:\d\d[^\n]*\d{4}[^\n]*\n(?:>?from [^\n]*\n)?(?:" + _FIELD + rb")"), (None,)),)
"""RFC 4155, appendix A: a line with sender and date, then the first field of a message."""


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
        (
            Format(EMAIL, _read_email, ("eml", "mht", "mhtml"), "text", openings=_MESSAGE_OPENINGS),
            Format(MAILBOX, _read_mailbox, ("mbox",), "text", openings=_MAILBOX_OPENINGS),
        ),
        version="15",
    ),
    Family(
        "outlook",
        "Outlook messages",
        "Mail",
        (
            Format(MSG, read_container, ("msg",), "ole"),
            Format(TNEF, _read_tnef, ("tnef",), signature=re.compile(rb"\x78\x9f\x3e\x22")),
        ),
        version="13",
    ),
)
