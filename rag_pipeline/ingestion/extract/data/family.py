"""The records of plain text and data.

Belongs here: how their formats are named and told. Not here: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

SOURCE_CODE = "text/x-source-code"
YAML = "application/yaml"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
DBASE = "application/dbase"
SYLK = "text/x-sylk"
INTERCHANGE = "text/x-dif"
_DBASE = re.compile(
    rb"[\x03-\x05\x30-\x32\x43\x63\x83\x8b\x8c\xcb\xf5\xfb].[\x00-\x0c][\x00-\x1f].{4}(?:[\x21-\xff]\x00|.[\x01-\xff]).[\x00-\xff]\x00\x00",
    re.DOTALL,
)
"""The program that wrote it, the day of its last change (year, month, day), the number of records, the length of header (33 at least) and
of records, and two zeros."""
_INTERCHANGE = re.compile(rb'TABLE[ \t]*\r?\n0,1[ \t]*\r?\n"')
_SYLK = re.compile(rb"ID;")
"""Tables of "ID" and other columns, parted by semicolons, begin so too: only a name tells."""
_SOURCE_CODE_SUFFIXES = (
    "py pyi js mjs cjs jsx ts tsx java kt kts scala c h cc cpp cxx hpp hh cs go rs rb php pl pm lua r jl swift m mm sh bash zsh fish "
    "ps1 bat cmd sql toml ini cfg conf properties env gradle cmake mk dockerfile tf hcl proto graphql css scss less vue svelte dart ex "
    "exs erl hrl hs ml mli clj cljs lisp el scm f f90 for pas vb vbs asm s sty diff patch"
)


def _read_plain_text(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.plain_text import read_plain_text

    return read_plain_text(source)


def _read_source_code(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.source_code import read_source_code

    return read_source_code(source)


def _read_delimited(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.delimited import read_delimited

    return read_delimited(source)


def _read_dbase(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.dbase import read_dbase

    return read_dbase(source)


def _read_sylk(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.sylk import read_sylk

    return read_sylk(source)


def _read_interchange(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.interchange import read_interchange

    return read_interchange(source)


def _read_json_document(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.json_text import read_json_document

    return read_json_document(source)


def _read_json_lines(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.json_text import read_json_lines

    return read_json_lines(source)


def _read_notebook(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.data.notebook import read_notebook

    return read_notebook(source)


FAMILIES = (
    Family(
        "plain_text",
        "text in any encoding",
        "Data and code",
        (Format(PLAIN, _read_plain_text, ("txt", "text", "log", "nfo", "readme"), "text"),),
        version="9",
    ),
    Family(
        "delimited",
        "CSV and TSV with any delimiter",
        "Data and code",
        (Format(CSV, _read_delimited, ("csv",), "text"), Format(TSV, _read_delimited, ("tsv", "tab"), "text")),
        version="10",
    ),
    Family("dbase", "dBase tables", "Data and code", (Format(DBASE, _read_dbase, ("dbf",), named_signature=_DBASE),), "1"),
    Family(
        "interchange",
        "SYLK and DIF",
        "Data and code",
        (
            Format(SYLK, _read_sylk, ("slk", "sylk"), named_signature=_SYLK),
            Format(INTERCHANGE, _read_interchange, ("dif",), signature=_INTERCHANGE),
        ),
        version="1",
    ),
    Family(
        "json",
        "JSON and JSON lines",
        "Data and code",
        (
            Format(JSON, _read_json_document, ("json", "geojson", "webmanifest"), "text"),
            Format(JSON_LINES, _read_json_lines, ("jsonl", "ndjson"), "text"),
        ),
        version="7",
    ),
    Family("yaml", "YAML", "Data and code", (Format(YAML, _read_source_code, ("yaml", "yml"), "text"),), version="8"),
    Family(
        "source_code",
        "source code",
        "Data and code",
        (Format(SOURCE_CODE, _read_source_code, tuple(_SOURCE_CODE_SUFFIXES.split()), "text"),),
        version="8",
    ),
    Family("notebook", "notebooks", "Web and markup", (Format(NOTEBOOK, _read_notebook, ("ipynb",), "text"),), version="9"),
)
