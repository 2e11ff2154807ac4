import io
import zipfile

import pytest

from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.media_types import OLE_OFFICE, UNKNOWN
from rag_pipeline.ingestion.extract.office.family import DOCX, PPTX, XLSX

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in names:
            target.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("really-a-pdf.docx", b"%PDF-1.7\n", "application/pdf"),
        ("no_extension", b"%PDF-1.7\n", "application/pdf"),
        ("printed.pdf", b"@PJL SET\n" * 300 + b"%PDF-1.4", "application/pdf"),
        ("text.pdf", b"just words\n", "text/plain"),
        ("a.docx", archive("[Content_Types].xml"), DOCX),
        ("document.txt", archive("word/document.xml"), DOCX),
        ("a.bin", archive("ppt/presentation.xml"), PPTX),
        ("a.docx", archive("word/media/plan.vsdx/visio/document.xml", "word/document.xml"), DOCX),
        ("nameless", archive("word/embeddings/visio/document.xml", "visio/x"), DOCX),
        ("nameless", archive("visio/document.xml", "word/x"), "application/vnd.ms-visio.drawing"),
        ("a.xlsm", archive("[Content_Types].xml"), XLSX),
        ("a.zip", archive("readme.txt"), "application/zip"),
        ("table.csv", archive("table.csv"), "application/zip"),
        ("notes.txt", archive("notes.txt"), "application/zip"),
        ("program.jar", archive("readme.txt"), "application/x-zip-package"),
        ("a.odt", archive("mimetype").replace(b"mimetypex", b"mimetypeapplication/vnd.oasis.opendocument.text"),
         "application/vnd.oasis.opendocument.text"),
        ("a.docx", OLE, OLE_OFFICE),
        ("a.doc", OLE, "application/msword"),
        ("picture.docx", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.md", b"# Title\n", "text/markdown"),
        ("A.MARKDOWN", b"# Title\n", "text/markdown"),
        ("a.csv", b"a,b\n", "text/csv"),
        ("a.tex", b"\\section{One}", "text/x-tex"),
        ("paper.txt", b"% by Ann\n\n\\documentclass[a4paper]{article}", "text/x-tex"),
        ("a.sty", b"\\documentclass{article}", "text/x-source-code"),
        ("a.bib", b"@book{a,", "text/x-bibtex"),
        ("a.asciidoc", b"= Title\n", "text/asciidoc"),
        ("a.mediawiki", b"== Title ==\n", "text/x-wiki"),
        ("dump.xml", b"<?xml version='1.0'?>\n<mediawiki xml:lang='en'>", "application/x-mediawiki+xml"),
        ("a.typ", b"= Title\n", "text/x-typst"),
        ("a.textile", b"h1. Title\n", "text/x-textile"),
        ("a.tsv", b"a\tb\n", "text/tab-separated-values"),
        ("a.json", b"{}", "application/json"),
        ("a.jsonl", b"{}\n{}", "application/x-ndjson"),
        ("a.eml", b"From: a@b\n", "message/rfc822"),
        ("a.msg", b"Received: from a.example ([192.0.2.1])\n\tby b.example; Mon, 2 Mar 2026 10:00:00 +0000\nFrom: a@b\n", "message/rfc822"),
        ("1050314226.9981_7.host:2,S", b"Return-Path: <a@b.example>\nReceived: by b.example\n", "message/rfc822"),
        ("1050314226.9981_8.host:2,", b"From: A <a@b.example>\r\nTo: C <c@d.example>\r\nSubject: a long\r\n one\r\n", "message/rfc822"),
        ("12", b"X-Loop: yes\nMessage-ID: <1@b.example>\n", "message/rfc822"),
        ("a.txt", b"Return-Path: <a@b.example>\nReceived: by b.example\n", "text/plain"),  # as somebody has called it
        ("memo", b"From: the board\nTo: all\nSubject: holidays\nDate: 2 March\n\nWe close.", "text/plain"),
        ("notes", b"Received: three boxes.\nSubject: to be counted\n", "text/plain"),
        ("Inbox", b"From a@b.example Mon Mar  2 10:00:00 2026\nReturn-Path: <a@b.example>\n", "application/mbox"),
        ("diary", b"From 10:00 to 12:00 on 2 March 2026\nwe sat in the garden: it rained.\n", "text/plain"),
        ("a.html", b"<p>hello", "text/html"),
        ("page", b"\n <!DOCTYPE html><html>", "text/html"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "application/xml"),
        ("a.rtf", b"{\\rtf1", "application/rtf"),
        ("notes", "plain wörds".encode(), "text/plain"),
        ("a.py", b"print('hello')\n", "text/x-source-code"),
        ("a.txt", "words".encode("utf-16"), "text/plain"),
        ("a.txt", "plain words".encode("utf-16-le"), "text/plain"),
        ("a.txt", b"one \x00 two\n", "text/plain"),
        ("a.txt", b"", "text/plain"),
        ("a.bin", bytes(range(256)) * 8, UNKNOWN),
        ("a.txt", bytes(range(256)) * 8, UNKNOWN),
    ],
)  # fmt: skip
def test_content_decides_first_and_the_name_second(name: str, head: bytes, expected: str) -> None:
    assert media_type_of(name, head) == expected
