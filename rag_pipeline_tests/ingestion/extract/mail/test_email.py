import base64
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.mail.email_message import message_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts, workbook

XLSX = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def message(body: str = "plain words") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = "The plan ☂"
    made["From"] = "Ann Müller <ann@example.com>"
    made["To"] = "bob@example.com"
    made.set_content(body)
    return made


def test_headers_and_body(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.eml", message("First.\n\nSecond.").as_bytes())
    assert [(element.kind, element.text, element.heading_path) for element in extraction.elements] == [
        ("Title", "The plan ☂", ()),
        ("EmailMetadata", "From: Ann Müller <ann@example.com>\nTo: bob@example.com", ("The plan ☂",)),
        ("NarrativeText", "First.", ("The plan ☂",)),
        ("NarrativeText", "Second.", ("The plan ☂",)),
    ]


def test_the_html_form_of_a_body_is_read_once(tmp_path: Path) -> None:
    made = message("plain form")
    made.add_alternative("<h1>Heading</h1><p>rich form</p><img src='http://canary.invalid/x.png'>", subtype="html")
    assert texts(read(tmp_path, "a.eml", made.as_bytes()))[2:] == ["Heading", "rich form"]


def test_an_empty_html_form_gives_way_to_the_plain_one(tmp_path: Path) -> None:
    made = message("plain form")
    made.add_alternative(" ", subtype="html")
    assert texts(read(tmp_path, "a.eml", made.as_bytes()))[2:] == ["plain form"]


def test_a_page_that_names_its_encoding_where_the_message_does_not(tmp_path: Path) -> None:
    page = "<html><head><meta http-equiv=Content-Type content='text/html; charset=iso-8859-2'></head><p>Žluťoučký kůň</p></html>"
    content = b"Subject: s\nContent-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n" + page.encode("iso-8859-2")
    assert texts(read(tmp_path, "a.eml", content)) == ["s", "Žluťoučký kůň"]


def test_attachments_are_read_under_their_names_and_written_nowhere(tmp_path: Path) -> None:
    made = message()
    made.add_attachment(b"attached words", maintype="text", subtype="plain", filename="../../outside.txt")
    made.add_attachment(workbook({"S": [["cell words"]]}), maintype="application", subtype=XLSX, filename="book.xlsx")
    made.add_attachment(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", filename="logo.png")
    made.add_attachment(b"%PDF-1.4 broken", maintype="application", subtype="pdf", filename="broken.pdf")
    extraction = read(tmp_path / "", "a.eml", made.as_bytes())
    assert element_with(extraction, "attached words").heading_path == ("The plan ☂", "../../outside.txt")
    assert element_with(extraction, "cell words").heading_path == ("The plan ☂", "book.xlsx", "S")
    assert [note.split(":")[0] for note in extraction.notes] == [
        "logo.png, a file inside it, was not read",
        "broken.pdf, a file inside it, was not read",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a.eml"]


def test_a_forwarded_message(tmp_path: Path) -> None:
    made = message("See below.")
    made.add_attachment(message("inner words"))
    assert element_with(read(tmp_path, "a.eml", made.as_bytes()), "inner words").heading_path == ("The plan ☂", "The plan ☂")


def test_unknown_character_sets_lose_nothing(tmp_path: Path) -> None:
    content = b"Subject: =?x-unknown?Q?caf=E9?=\r\nContent-Type: text/plain; charset=x-none\r\n\r\nbody w\xf6rds"
    assert texts(read(tmp_path, "a.eml", content))[-1] == "body wörds"


def test_parts_nested_beyond_reason_are_refused(tmp_path: Path) -> None:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n' for number in range(100))
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.eml", f"Subject: x\n{head}Content-Type: text/plain\n\nwords".encode())
    assert raised.value.code == "too_deep"


def test_pictures_shown_in_the_body_are_no_attachments(tmp_path: Path) -> None:
    made = message()
    made.add_related(b"not even a picture", maintype="image", subtype="png", cid="<logo>")
    assert read(tmp_path, "a.eml", made.as_bytes()).notes == ()


@pytest.mark.parametrize(
    "kind", ["multipart/encrypted; protocol=application/pgp-encrypted; boundary=x", "application/pkcs7-mime; smime-type=enveloped-data"]
)
def test_an_encrypted_message_says_so(tmp_path: Path, kind: str) -> None:
    content = f"Subject: secret\nContent-Type: {kind}\n\n--x\nContent-Type: application/octet-stream\n\nabc\n--x--\n"
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.eml", content.encode())
    assert raised.value.code == "password_protected"


def test_a_mailbox_is_its_messages(tmp_path: Path) -> None:
    one, two = message("First body."), message("Second body.\n\nFrom here on it is quoted.")
    box = b"".join(
        b"From ann@example.com Sat Jan  3 01:05:34 1996\n" + made.as_bytes().replace(b"\nFrom h", b"\n>From h") + b"\n"
        for made in (one, two)
    )
    extraction = read(tmp_path, "a.mbox", box)
    assert [element.text for element in extraction.elements if element.kind == "NarrativeText"] == [
        "First body.",
        "Second body.",
        "From here on it is quoted.",
    ]


def test_one_bad_message_costs_itself_only(tmp_path: Path) -> None:
    bad = b"Content-Type: application/pkcs7-mime\n\nabc\n"
    box = b"From a\n" + bad + b"\nFrom b\n" + message("Good body.").as_bytes()
    extraction = read(tmp_path, "a.mbox", box)
    assert texts(extraction)[-1] == "Good body."
    assert extraction.notes[0].startswith("Message 1 was not read: The message is encrypted.")


def test_what_only_the_plain_form_says_is_read_too(tmp_path: Path) -> None:
    made = message("The meeting is moved to the large hall.\n\nYour code is 482913.\n\nSee you there.")
    made.add_alternative("<p>See you there.</p><p><a href='https://x.invalid/1'>View this message in your browser</a></p>", subtype="html")
    wanted = ["See you there.", "View this message in your browser", "The meeting is moved to the large hall.", "Your code is 482913."]
    assert texts(read(tmp_path, "a.eml", made.as_bytes()))[2:] == wanted


def test_a_message_that_a_library_trips_over_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_or_trip(content: bytes, source: Source) -> Iterator[Element]:
        if b"tripping" in content:
            raise AttributeError("no such header")
        return message_elements(content, source)

    monkeypatch.setattr("rag_pipeline.ingestion.extract.mail.mailbox.message_elements", read_or_trip)
    box = b"From a\n" + message("tripping").as_bytes() + b"\nFrom b\n" + message("Good body.").as_bytes()
    extraction = read(tmp_path, "a.mbox", box)
    assert texts(extraction)[-1] == "Good body."
    assert extraction.notes == ("Message 1 was not read: AttributeError: no such header",)


def test_a_form_of_the_body_that_a_library_trips_over_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(text: str) -> list[Element]:
        raise AttributeError("no such tag")

    monkeypatch.setattr("rag_pipeline.ingestion.extract.mail.email_message.html_elements", trip)
    made = message("What the plain form says.")
    made.add_alternative("<p>rich form</p>", subtype="html")
    extraction = read(tmp_path, "a.eml", made.as_bytes())
    assert texts(extraction)[2:] == ["What the plain form says."]
    assert extraction.notes == ("A form of its text was not read (AttributeError: no such tag).",)


HEAD = b"From: a@b.invalid\nSubject: S\nMIME-Version: 1.0\n"
MIXED = HEAD + b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n\nbody words\n--x\n'
SIGNED = (
    b'Content-Type: application/pkcs7-mime; name="invoice.xml.p7m"\nContent-Disposition: attachment; filename="invoice.xml.p7m"\n'
    b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(bytes.fromhex("308006092a864886f70d010702a0800000000000")) + b"\n--x--\n"
)
SEALED = b"Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n--x--\n"


@pytest.mark.parametrize("part", [SIGNED, SEALED, b"Content-Type: multipart/encrypted; boundary=y\n\n--y\n\nx\n--y--\n--x--\n"])
def test_an_attachment_that_is_signed_or_encrypted_costs_itself_only(tmp_path: Path, part: bytes) -> None:
    extraction = read(tmp_path, "a.eml", MIXED + part)
    assert "body words" in texts(extraction)
    assert len(extraction.notes) == 1
    assert ("encrypted" in extraction.notes[0]) == (part != SIGNED)


@pytest.mark.parametrize("nested", [False, True])
def test_attachments_beside_or_in_a_form_that_is_not_the_best_are_read(tmp_path: Path, nested: bool) -> None:
    attached = b"Content-Type: text/csv; name=a.csv\nContent-Disposition: attachment; filename=a.csv\n\ncolumn,other\n1,2\n"
    plain, rich = b"Content-Type: text/plain\n\nThe words.\n", b"Content-Type: text/html\n\n<p>The words.</p>\n"
    inner = b'Content-Type: multipart/mixed; boundary="y"\n\n--y\n' + plain + b"--y\n" + attached + b"--y--\n"
    parts = [inner, rich] if nested else [plain, rich, attached]
    content = HEAD + b'Content-Type: multipart/alternative; boundary="x"\n\n' + b"".join(b"--x\n" + part for part in parts) + b"--x--\n"
    assert texts(read(tmp_path, "a.eml", content))[2:] == ["The words.", "a.csv", "column || other\n1 | 2"]


def test_reports_of_delivery_and_messages_attached_in_base64_are_read(tmp_path: Path) -> None:
    report = (
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bob@b.invalid\nStatus: 5.1.1\n\n--x\n"
    )
    coded = base64.b64encode(b"Subject: inner subject\n\ninner words\n")
    message = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + coded + b"\n--x--\n"
    wanted = ["Reporting-MTA: dns; mx", "Final-Recipient: rfc822; bob@b.invalid\nStatus: 5.1.1", "inner subject", "inner words"]
    assert texts(read(tmp_path, "a.eml", MIXED + report + message))[3:] == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("café noir".encode("cp1252"), "café noir"),
        ("café noir".encode(), "café noir"),
        (b"=?gb2312?B?" + base64.b64encode("朱镕基".encode("gbk")) + b"?=", "朱镕基"),
        ("Re: 日本語".encode("iso2022_jp"), "Re: 日本語"),
        (b"=?iso-2022-jp?B?" + base64.b64encode(b"\x1b$B-!F|K\\\x1b(B") + b"?=", "①日本"),
        (b"=?windows-874?Q?=A1=A2?= =?cp-850?Q?=82?= end", "กขé end"),
    ],
)
def test_headers_in_any_encoding(tmp_path: Path, raw: bytes, wanted: str) -> None:
    assert texts(read(tmp_path, "a.eml", b"Subject: " + raw + b"\nFrom: a@b.invalid\n\nx\n"))[0] == wanted


def test_a_line_of_text_that_looks_like_the_beginning_of_a_message(tmp_path: Path) -> None:
    box = b"From a@b Tue Apr  1 10:00:00 2025\nSubject: one\n\nhello\n\nFrom the beginning it cost 5.\nmore\n"
    assert texts(read(tmp_path, "a.mbox", box)) == ["one", "hello", "From the beginning it cost 5.\nmore"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"Date: 99999999999999999999 Apr 2025 10:00:00 +0200", "Date: 99999999999999999999 Apr 2025 10:00:00 +0200"),
        (b"Date: Tue, 1 Apr 2025025025025 10:00:00 +0200", "Date: Tue, 1 Apr 2025025025025 10:00:00 +0200"),
        (b"Content-ID: <a@a@a@a@b>\nContent-Type: text/plain; name*\rutf-8''a", ""),
        (b'Content-Disposition: inline; filename="a"; size=3]]>ID: <x@y>', ""),
        (b"Content-Type: multipart/mixed(y=x", ""),
    ],
)
def test_a_header_that_the_parser_trips_over_costs_itself_only(tmp_path: Path, header: bytes, told: str) -> None:
    """Found by changing messages at random."""
    found = texts(read(tmp_path, "a.eml", b"Subject: S\nFrom: a@b.invalid\n" + header + b"\n\nThe words.\n"))
    assert found[:2] == ["S", "\n".join(filter(None, ["From: a@b.invalid", told]))]
    assert found[-1] == "The words."


def test_a_page_that_a_browser_has_saved_whole(tmp_path: Path) -> None:
    """RFC 2557: what the page is made of has a Content-Location; only the page is text."""
    page = "<html><head><link rel=stylesheet href=a.css></head><body><h1>Prices</h1><p>caf=C3=A9 3.50</p><img src=a.gif></body></html>"
    parts = [
        ("text/html; charset=utf-8", "quoted-printable", "http://a.test/", page.replace("=a", "=3Da").replace("=s", "=3Ds")),
        ("text/css", "7bit", "http://a.test/a.css", "body { color: red }"),
        ("image/gif", "base64", "http://a.test/a.gif", "R0lGODlhAQABAAAAACw="),
    ]
    written = (f"--b\nContent-Type: {k}\nContent-Transfer-Encoding: {e}\nContent-Location: {at}\n\n{text}\n" for k, e, at, text in parts)
    head = 'From: <Saved by Blink>\nSubject: Prices\nMIME-Version: 1.0\nContent-Type: multipart/related; type="text/html"; boundary="b"\n\n'
    extraction = read(tmp_path, "a.mhtml", (head + "".join(written) + "--b--\n").encode())
    assert [text for text in texts(extraction) if "Blink" not in text] == ["Prices", "Prices", "café 3.50"]
    assert extraction.notes == ()
