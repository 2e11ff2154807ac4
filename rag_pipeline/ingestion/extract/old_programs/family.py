"""The records of documents of old programs.

Belongs here: how their formats are named and told (the signatures are those that libwps, libwpd, hwpfilter and file(1) go by). Not here:
reading them, containers (``ole``), whose directory tells those of Works for Windows, StarOffice, Visio and Publisher.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.ole.family import read_container
from rag_pipeline.ingestion.extract.source import Reader, Source
from rag_pipeline.models import Element

LOTUS = "application/vnd.lotus-1-2-3"
QUATTRO = "application/x-quattro-pro"
WORKS = "application/vnd.ms-works"
WORKS_TABLE = "application/x-msworks-table"
WORDPERFECT = "application/vnd.wordperfect"
WRITE = "application/x-mswrite"
DOS_WORD = "application/x-msword-dos"
HANGUL = "application/x-hwp"
_CONTAINER = b"\xd0\xcf\x11\xe0"


def _converted(*olds: str) -> Reader:
    def read(source: Source) -> Iterator[Element]:
        from rag_pipeline.ingestion.extract.old_programs.conversion import read_as_today

        return read_as_today(source, *olds)

    return read


def _of_works(old: str) -> Reader:
    """Works for DOS wrote its bytes alone into its files, Works for Windows into a container."""
    read = _converted(old)

    def read_either(source: Source) -> Iterator[Element]:
        contained = source.stream.read(len(_CONTAINER)) == _CONTAINER
        source.stream.seek(0)
        return read_container(source) if contained else read(source)

    return read_either


def _in_container(media_type: str, *suffixes: str) -> Format:
    return Format(media_type, read_container, suffixes, "ole")


FAMILIES = (
    Family(
        "lotus",
        "Lotus 1-2-3",
        "Documents",
        (
            Format(
                LOTUS,
                _converted("wk1"),
                ("wk1", "wk3", "wk4", "123"),
                signature=re.compile(rb"\x00\x00(?:\x02\x00[\x04\x06]\x04|\x1a\x00[\x00-\x05]\x10)(?!\x05\x54)"),
            ),
        ),
        version="1",
    ),
    Family(
        "quattro",
        "Quattro Pro",
        "Documents",
        (
            Format(
                QUATTRO,
                _converted("wb1"),
                ("wq1", "wq2", "wb1", "wb2", "wb3"),
                signature=re.compile(rb"\x00\x00\x02\x00(?:[\x20\x21]\x51|[\x01\x02\x06\x07]\x10)"),
            ),
        ),
        version="1",
    ),
    Family(
        "works",
        "Microsoft Works",
        "Documents",
        (
            Format(WORKS, _of_works("wps"), ("wps",), "ole", named_signature=re.compile(rb"\x01\xfe[\x00-\xff]\x00")),
            Format(
                WORKS_TABLE,
                _of_works("wks"),
                ("wks", "wdb"),
                "ole",
                signature=re.compile(
                    rb"\xff\x00\x02\x00\x04\x04\x05\x54|\x00\x00\x02\x00\x04\x04\x05\x54|\x20\x54\x02\x00\x00\x00\x05\x54"
                ),
            ),
        ),
        version="1",
    ),
    Family(
        "wordperfect",
        "WordPerfect",
        "Documents",
        (Format(WORDPERFECT, _converted("wpd"), ("wpd",), signature=re.compile(rb"\xffWPC.{4}\x01[\x0a\x2c]", re.DOTALL)),),
        version="1",
    ),
    Family(
        "write",
        "Windows Write and Word for DOS",
        "Documents",
        (
            Format(WRITE, _converted("wri"), ("wri",), signature=re.compile(rb"[\x31\x32]\xbe\x00{3}\xab.{90}(?!\x00\x00)", re.DOTALL)),
            Format(DOS_WORD, _converted("dos"), signature=re.compile(rb"\x31\xbe\x00{3}\xab.{90}\x00\x00", re.DOTALL)),
        ),
        version="1",
    ),
    Family(
        "hangul", "Hangul 97", "Documents", (Format(HANGUL, _converted("hwp"), signature=re.compile(rb"HWP Document File V[123]\.")),), "1"
    ),
    Family(
        "star_office",
        "StarOffice 3 to 5",
        "Documents",
        (
            _in_container("application/x-starwriter", "sdw", "vor"),
            _in_container("application/x-starcalc", "sdc"),
            _in_container("application/x-stardraw", "sda"),
            _in_container("application/x-starimpress", "sdd"),
        ),
        version="1",
    ),
    Family("publisher", "Publisher", "Documents", (_in_container("application/x-mspublisher", "pub"),), version="1"),
    Family("old_visio", "Visio up to 2010", "Documents", (_in_container("application/vnd.visio", "vsd", "vst", "vss"),), version="1"),
)
