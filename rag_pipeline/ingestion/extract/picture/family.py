"""The record of pictures of text.

Belongs here: how their formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_BITMAP = rb"BM.{4}\0{4}.{17}"
"""A file header with its reserved bytes, and enough after it for an information header."""
_HEIC = rb".{4}ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif)"


def _read(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.picture.picture import read_picture

    return read_picture(source)


def _format(media_type: str, suffixes: str, signature: bytes) -> Format:
    return Format(media_type, _read, tuple(suffixes.split()), signature=re.compile(signature, re.DOTALL))


FAMILIES = (
    Family(
        "pictures",
        "pictures of text",
        "Scans and pictures",
        (
            _format("image/png", "png", rb"\x89PNG\r\n\x1a\n"),
            _format("image/jpeg", "jpg jpeg", rb"\xff\xd8\xff"),
            _format("image/tiff", "tif tiff", rb"II\*\0|MM\0\*"),
            _format("image/webp", "webp", rb"RIFF.{4}WEBP"),
            _format("image/heic", "heic heif", _HEIC),
            _format("image/bmp", "bmp", _BITMAP),
            _format("image/gif", "gif", rb"GIF8"),
        ),
        version="6",
    ),
)
