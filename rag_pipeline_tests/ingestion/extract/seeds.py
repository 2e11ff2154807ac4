"""Small valid documents of every format that a reader of ours reads: what fuzzing starts from.

Belongs here: one document a format, with as many of its constructs as fit. Not here: what is done to them.
"""

from __future__ import annotations

import json
import struct

from rag_pipeline.ingestion.extract.books.family import FICTION_BOOK, MOBIPOCKET
from rag_pipeline.ingestion.extract.calendar.family import CALENDAR, VCARD
from rag_pipeline.ingestion.extract.data.family import CSV, DBASE, INTERCHANGE, JSON, JSON_LINES, NOTEBOOK, SOURCE_CODE, SYLK, TSV, YAML
from rag_pipeline.ingestion.extract.mail.family import EMAIL, MAILBOX, MSG
from rag_pipeline.ingestion.extract.markup.family import (
    ASCIIDOC,
    BIBTEX,
    HTML,
    LATEX,
    MANUAL_PAGE,
    MARKDOWN,
    ORG,
    RESTRUCTURED_TEXT,
    RTF,
    SUBTITLES,
    TEXTILE,
    TYPST,
    WIKI_EXPORT,
    WIKITEXT,
    XML,
)
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.office.family import DOCX, ODP, ODS, ODT, PPTX, XLSX
from rag_pipeline.ingestion.extract.pdf.family import PDF
from rag_pipeline_tests.ingestion.extract.books.palm_books import HUFFMAN, book, book_of_pages
from rag_pipeline_tests.ingestion.extract.documents import (
    compound_file,
    deck,
    flat_open_document,
    line,
    open_document,
    pdf,
    word_document,
    workbook,
)

ROWS = [["name", "value"], ["pi", 3.14], ["yes", True]]
CELLS = "<table:table table:name='S'><table:table-row>"
CELLS += "<table:table-cell office:value-type='string' table:number-columns-repeated='2'><text:p>a</text:p></table:table-cell>"
CELLS += "</table:table-row></table:table>"
TEXT = "<text:h text:outline-level='1'>Title</text:h><text:p>body<text:s text:c='2'/>more</text:p>" + CELLS
SLIDE = "<draw:page draw:name='one'><draw:frame presentation:class='title'><draw:text-box><text:p>T</text:p></draw:text-box></draw:frame>"
SLIDE += "</draw:page>"
MAIL = (
    "From: =?utf-8?q?J=C3=BC?= <a@b.invalid>\nTo: c@d.invalid\nSubject: Plan\nDate: Tue, 1 Apr 2025 10:00:00 +0200\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain; charset=utf-8\n'
    "Content-Transfer-Encoding: quoted-printable\n\n"
    'Caf=C3=A9\n--x\nContent-Type: text/html\n\n<p>Caf&eacute;</p>\n--x\nContent-Type: text/csv; name="a.csv"\n'
    'Content-Disposition: attachment; filename="a.csv"\nContent-Transfer-Encoding: base64\n\nYSxiCjEsMgo=\n--x--\n'
)
FROM = "From a@b Tue Apr  1 10:00:00 2025\n"
NOTEBOOK_CONTENT = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "words"], "metadata": {}},
        {"cell_type": "heading", "level": 2, "source": "Old"},
        {
            "cell_type": "code",
            "source": "1 + 1",
            "outputs": [{"data": {"text/plain": ["2"]}}, {"text": "out"}, {"traceback": ["\u001b[31mE\u001b[0m"]}],
        },
    ],
}
RTF_CONTENT = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}}{\info{\title T}}{\stylesheet{\s1 heading 1;}}{\*\x y}\uc1\s1 caf\u233\'e9\par"
    r"\trowd\clvmgf\cellx10\cellx20 a\cell b\cell\row{\footnote n}{\*\atnauthor A}{\*\annotation c}{\header h}"
    r"{\shp{\*\shpinst{\sp{\sn gtextUNICODE}{\sv w}}{\shptxt t}}{\shprslt r}}{\field{\*\fldinst X}{\fldrslt y}}}"
)
OLE = {
    "__substg1.0_0037001F": "Subject".encode("utf-16-le"),
    "__substg1.0_1000001F": "Body".encode("utf-16-le"),
    "__properties_version1.0": bytes(64),
}

TEXTS: dict[str, tuple[str, bytes]] = {
    "txt": (PLAIN, "One line.\n\nTwo \fpages, café.\n".encode()),
    "utf16": (PLAIN, "Zeile für Zeile\n\nund noch eine\n".encode("utf-16")),
    "py": (SOURCE_CODE, b"def a():\n    return 1\n\n\nclass B:\n    pass\n"),
    "srt": (SUBTITLES, b"1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>.\n\n2\n00:00:09,000 --> 00:00:10,000\n<v Ann>Bye &amp; so\n"),
    "ics": (
        CALENDAR,
        b"BEGIN:VCALENDAR\nX-WR-CALNAME:C\nBEGIN:VEVENT\nSUMMARY:S\nDTSTART;TZID=Europe/Paris:20251206T170000\nDURATION:PT1H\n"
        b'RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260630\nEXDATE:20260102,20260103\nATTENDEE;CN="A, B":mailto:a@b.example\nFREEBUSY:1/P1D\n'
        b"DESCRIPTION:a <a href='x'>b</a>\\n\\nc\n folded\nBEGIN:VALARM\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n",
    ),
    "vcf": (
        VCARD,
        b"BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=89a;b=\nc;;;\nTEL;CELL;TYPE=work:1\nADR:;;s;t;r;p;c\n"
        b"BDAY:--0203\nitem1.URL:x\nitem1.X-ABLabel:_$!<HomePage>!$_\nPHOTO;BASE64:AAAA\n BBBB\n"
        b"AGENT:\nBEGIN:VCARD\nFN:F\nEND:VCARD\nEND:VCARD\n",
    ),
    "md": (MARKDOWN, b"---\na: b\n---\n# T\n\nw\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n  - y\n\n```\ncode\n```\n\n[a]: b\n"),
    "html": (
        HTML,
        b"<html><title>T</title><h1>H</h1><p>a<br>b</p><ul><li>x</ul><table><tr><th colspan=2>a<td>b</table>",
    ),
    "tex": (
        LATEX,
        b"\\documentclass{article}\\newcommand{\\a}[2][x]{#1 #2}\\title{T}\\begin{document}\\section{S}\\a{b}"
        b"\\footnote{n} $\\frac{a}{b}^{c}$\n"
        b"\\begin{tabular}{ll}\\multirow{2}{*}{a}&b\\\\ \\hline\\multicolumn{2}{c}{d}\\end{tabular}"
        b"\\begin{enumerate}\\item i\\end{enumerate}\n"
        b'\\begin{verbatim}\n{v}\n\\end{verbatim}\\MakeShortVerb{\\|}|v|\\iffalse u\\fi\\"o\\cite[p]{k}% c\n\\end{document}',
    ),
    "typ": (
        TYPST,
        b"#let a = [b]\n#show: t.with(title: [T], x: 1)\n= H <l>\n*b* #a @l $x^2$ `r` #footnote[n] // c\n- i\n/ t: d\n"
        b'#table(columns: 2, [a], [b], table.header([c]))\n```py\nc\n```\n#link("u")[v] /* c */ #f(name: "s", g("t"))[w]\n',
    ),
    "bib": (BIBTEX, b'@string{s = "S"}\n@book{k, title = {T {\\"o}}, author = "A and B", year = 1990, publisher = s # {x}}\n'),
    "adoc": (
        ASCIIDOC,
        b"= T\nA <a@b>\n:x: {y}\n\n[cols=2*]\n|===\n|a .2+|b\n\n2*|c\n|===\n\n* i\n. n\nt:: d\n\n----\nc\n----\n\n"
        b"*b* _e_ {x} <<r,s>> footnote:[n] https://a[b]\n",
    ),
    "wiki": (
        WIKITEXT,
        b"{{I\n|a=b\n|{{c|d}}}}\n''b'' [[A|x]] [http://a b]<ref>n</ref> <math>x^2</math>\n== H ==\n* i\n# n\n"
        b"{|\n|+ c\n! a !! b\n|-\n|rowspan=2| d\n|}\n<pre>\nc</pre>\n",
    ),
    "export": (WIKI_EXPORT, b"<mediawiki><page><title>T</title><revision><text>''w'' {{t|v}}</text></revision></page></mediawiki>"),
    "xml": (XML, b"<?xml version='1.0' encoding='utf-8'?><a x='1'><title>T</title><p>word <b>bold</b> tail</p><c><d>1</d></c></a>"),
    "fodt": (f"{ODT}-flat-xml", flat_open_document("text", TEXT)),
    "yaml": (YAML, b"a: &x 1\nb: *x\n# why\n"),
    "csv": (CSV, b'name,value\n"a ""b""",1\n"over\ntwo lines",2\n'),
    "tsv": (TSV, b"sep=\t\nname\tvalue\na\t1\n"),
    "json": (JSON, b'[{"a": {"b": [1, 2.5, "x", null, true]}}, "\\ud83d\\ude00", {"": ""}]'),
    "jsonl": (JSON_LINES, b'{"a": 1}\nnot json\n[1, {"b": "c"}]\n'),
    "ipynb": (NOTEBOOK, json.dumps(NOTEBOOK_CONTENT).encode()),
    "eml": (EMAIL, MAIL.encode()),
    "mbox": (
        MAILBOX,
        f"From a@b Tue Apr  1 10:00:00 2025\n{MAIL}\nFrom c@d Tue Apr  1 11:00:00 2025\nSubject: two\n\nbody\n".encode(),
    ),
}
SYLK_CONTENT = b'ID;PX\nP;PGeneral\nP;P0%\nP;Pd/m/yy\nF;P1;FG0G;X2;Y1\nC;X1;K"a;;b"\nC;X2;K0.5\nF;P2;C1\nC;Y2;X1;K45000\nC;A\x1bNHau\nE\n'
DIF_CONTENT = b'TABLE\n0,1\n"X"\nLABEL\n1,0\n"A"\nDATA\n0,0\n""\n-1,0\nBOT\n1,0\n"a"\n0,1.5\nV\n0,0\nNA\n-1,0\nEOD\n'
FICTION = b"""<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info><book-title>B</book-title>
</title-info></description><body><title><p>B</p></title><section><title><p>One</p></title><p>w <emphasis>e</emphasis><image alt="a"/></p>
<subtitle>***</subtitle><table><tr><th>a</th></tr></table></section></body><body name="notes">
<section id="n"><title><p>1</p></title><p>n</p>
</section></body><binary id="c">iVBORw0KGgo=</binary></FictionBook>"""
TEXTS |= {"fb2": (FICTION_BOOK, FICTION), "slk": (SYLK, SYLK_CONTENT), "dif": (INTERCHANGE, DIF_CONTENT)}
DBASE_FIELDS = b"".join(struct.pack("<11sc4xB15x", *one) for one in ((b"A", b"C", 3), (b"D", b"D", 8), (b"T", b"T", 8), (b"M", b"M", 10)))
DBASE_HEAD = struct.pack("<4BIHH16xBBH", 0x30, 124, 3, 1, 2, 161, 30, 0, 3, 0) + DBASE_FIELDS + b"\r"
DBASE_ROWS = b" caf20240301\x73\x8a\x25\0\0\0\x10\0         1" + b"*" + b" " * 29
PACKAGES: dict[str, tuple[str, bytes]] = {
    "docx": (DOCX, word_document(lambda document: (document.add_heading("T", 1), document.add_paragraph("words")))),
    "pptx": (PPTX, deck(("One", "body"))),
    "xlsx": (XLSX, workbook({"S": ROWS})),
    "odt": (ODT, open_document("text", TEXT)),
    "odp": (ODP, open_document("presentation", SLIDE)),
    "ods": (ODS, open_document("spreadsheet", CELLS)),
}
BINARIES: dict[str, tuple[str, bytes]] = {
    "pdf": (PDF, pdf(line("Title", 60, 24) + line("body words", 100), line("second page", 60))),
    "msg": (MSG, compound_file(OLE)),
    "mobi": (MOBIPOCKET, book(b"<h1>T</h1><p>the words of the book</p>", HUFFMAN, properties=[(100, b"A")])),
    "azw3": (MOBIPOCKET, book_of_pages([(b"<html><body>@</body></html>", [b"<h1>T</h1>", b"<p>words</p>"])])),
    "dbf": (DBASE, DBASE_HEAD + DBASE_ROWS),
}
PANDOC: dict[str, tuple[str, bytes]] = {
    "rtf": (RTF, RTF_CONTENT.encode()),
    "rst": (RESTRUCTURED_TEXT, b"Title\n=====\n\nwords\n\n.. include:: /etc/passwd\n\n- a\n"),
    "man": (MANUAL_PAGE, b".TH T 1\n.SH NAME\nw \\- \\fBb\\fR\n.TP\n.B x\ny\n"),
    "mdoc": (MANUAL_PAGE, b".Dd May 1, 2020\n.Dt T 1\n.Os X\n.Sh NAME\n.Nm w\n.Nd d\n"),
    "textile": (TEXTILE, b"h1. T\n\n*b* w\n\n|a|b|\n"),
    "org": (ORG, b"* Title\nwords\n#+INCLUDE: x\n| a | b |\n"),
}
