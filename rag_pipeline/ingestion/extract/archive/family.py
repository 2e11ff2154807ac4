"""The record of archives, whose files are documents.

Belongs here: how their formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from rag_pipeline.ingestion.extract.archive.formats import BZIP2, GZIP, RAR, SEVEN_ZIP, TAR, XZ, ZIP, ZSTANDARD
from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element


def _read(media_type: str, source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.archive.reader import members_of

    return members_of(source, media_type)


FAMILIES = (
    Family(
        "archive",
        "archives",
        "Archives",
        (
            Format(ZIP, partial(_read, ZIP), ("zip",), "zip"),
            Format(
                TAR,
                partial(_read, TAR),
                ("tar",),
                signature=re.compile(rb".{257}ustar", re.DOTALL),
                named_signature=re.compile(rb"[^\0].{99}[0-7 ]{6,7}[ \0]|\0{512}", re.DOTALL),
            ),
            Format(GZIP, partial(_read, GZIP), ("gz", "tgz"), signature=re.compile(rb"\x1f\x8b\x08")),
            Format(BZIP2, partial(_read, BZIP2), ("bz2", "tbz2"), signature=re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")),
            Format(XZ, partial(_read, XZ), ("xz", "txz"), signature=re.compile(rb"\xfd7zXZ\0")),
            Format(ZSTANDARD, partial(_read, ZSTANDARD), ("zst", "tzst"), signature=re.compile(rb"\x28\xb5\x2f\xfd")),
            Format(RAR, partial(_read, RAR), ("rar",), signature=re.compile(rb"Rar!\x1a\x07(?:\x00|\x01\x00)")),
            Format(SEVEN_ZIP, partial(_read, SEVEN_ZIP), ("7z",), signature=re.compile(rb"7z\xbc\xaf\x27\x1c")),
        ),
        version="1",
    ),
)
