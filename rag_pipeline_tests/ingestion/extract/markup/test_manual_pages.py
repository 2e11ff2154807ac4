"""Manual pages and Textile, which Pandoc reads."""

import gzip
from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts

MAN = b""".\\" a comment
.TH WEAVE 1 "2026-11-01" "mill 1.2" "User Commands"
.SH NAME
weave \\- make cloth
.SH OPTIONS
.TP
.BR \\-w ", " \\-\\-warp =\\fIN\\fR
Threads along.
.PP
Plain \\(em words.
.nf
 as it is
.fi
"""
MDOC = b""".\\" a comment
.Dd November 1, 2026
.Dt WEAVE 8
.Os Mill Linux
.Sh NAME
.Nm weave
.Nd make cloth
.Sh DESCRIPTION
The
.Nm
utility takes
.Fl w Ar number .
.Bl -tag -width indent
.It Fl x
Across.
.El
..
"""


def test_a_page_of_man(tmp_path: Path) -> None:
    extraction = read(tmp_path, "weave.1", MAN)
    said = " ".join(texts(extraction))
    assert texts(extraction)[:3] == ["WEAVE(1)", "2026-11-01, mill 1.2, User Commands", "NAME"]
    for words in ("weave - make cloth", "-w, --warp=N", "Threads along.", "— words."):
        assert words in said
    assert element_with(extraction, "Threads").heading_path == ("OPTIONS",)
    assert "\\" not in said
    assert element_with(extraction, "as it is").kind == "CodeSnippet"


def test_a_page_of_mdoc(tmp_path: Path) -> None:
    extraction = read(tmp_path, "weave.8", MDOC)
    assert texts(extraction)[:2] == ["WEAVE(8)", "NAME"]
    assert "The weave utility takes -w number." in " ".join(texts(extraction))
    assert extraction.notes == ()


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("ls.1", MAN, "text/troff"),
        ("printf.3posix", b"'\\\" t\n.TH PRINTF 3P\n", "text/troff"),
        ("page", b".TH A 1\n", "text/troff"),
        ("syslog.1", b"Nov  1 10:00:00 mill cron: run\n", "text/plain"),
        ("a.md", b".TH is a macro\n", "text/markdown"),
        ("notes", b"...and so on\n", "text/plain"),
    ],
)
def test_a_page_is_told_by_its_beginning(name: str, head: bytes, expected: str) -> None:
    assert media_type_of(name, head) == expected
    assert media_type_of(f"{name}.gz", gzip.compress(head)) == "application/gzip"


def test_a_page_that_stands_for_another_names_it(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.3", b".so man3/weave.3\n")) == ["man3/weave.3"]


def test_textile(tmp_path: Path) -> None:
    content = b'h1. Looms\n\nA *bold* "page":http://a.example.\n\n* one\n* two\n\n|_. Name|_. Size|\n|bolt|3|\n'
    extraction = read(tmp_path, "a.textile", content)
    assert texts(extraction) == ["Looms", "A bold page.", "one", "two", "Name || Size\nbolt | 3"]
