from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.email_message import message_elements
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

    monkeypatch.setattr("rag_pipeline.ingestion.extract.mailbox.message_elements", read_or_trip)
    box = b"From a\n" + message("tripping").as_bytes() + b"\nFrom b\n" + message("Good body.").as_bytes()
    extraction = read(tmp_path, "a.mbox", box)
    assert texts(extraction)[-1] == "Good body."
    assert extraction.notes == ("Message 1 was not read: AttributeError: no such header",)


def test_a_form_of_the_body_that_a_library_trips_over_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(text: str) -> list[Element]:
        raise AttributeError("no such tag")

    monkeypatch.setattr("rag_pipeline.ingestion.extract.email_message.html_elements", trip)
    made = message("What the plain form says.")
    made.add_alternative("<p>rich form</p>", subtype="html")
    extraction = read(tmp_path, "a.eml", made.as_bytes())
    assert texts(extraction)[2:] == ["What the plain form says."]
    assert extraction.notes == ("A form of its text was not read (AttributeError: no such tag).",)
