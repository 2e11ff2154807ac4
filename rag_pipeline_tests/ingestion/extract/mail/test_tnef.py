"""What Outlook wraps for other programs, written after MS-OXTNEF 2.1.3."""

import struct
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import read, texts

_SUBJECT, _BODY, _PROPERTIES = (1, 0x00018004), (1, 0x0002800C), (1, 0x00069003)
_ATTACHED, _TITLE, _DATA = (2, 0x00069002), (2, 0x00018010), (2, 0x0006800F)
_HTML = 0x10130102


def attribute(name: tuple[int, int], data: bytes) -> bytes:
    level, number = name
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def wrapped(*attributes: bytes) -> bytes:
    code_page = attribute((1, 0x00069007), struct.pack("<II", 1252, 0))
    return struct.pack("<IH", 0x223E9F78, 1) + attribute((1, 0x00089006), struct.pack("<I", 0x10000)) + code_page + b"".join(attributes)


def attached(name: str, content: bytes) -> bytes:
    return attribute(_ATTACHED, bytes(14)) + attribute(_TITLE, name.encode() + b"\0") + attribute(_DATA, content)


def page(text: str) -> bytes:
    content = text.encode()
    return attribute(_PROPERTIES, struct.pack("<IIII", 1, _HTML, 1, len(content)) + content + bytes(-len(content) % 4))


MESSAGE = wrapped(
    attribute(_SUBJECT, b"Price list\0"),
    attribute(_BODY, b"Caf\xe9 prices are attached.\0"),
    attached("prices.csv", b"name,price\ntea,3.50\n"),
    attached("winmail.dat", wrapped(attribute(_BODY, b"An older message.\0"))),
)
WORDS = ["Price list", "Café prices are attached.", "prices.csv", "name || price\ntea | 3.50", "winmail.dat", "An older message."]


def test_subject_body_and_attachments_whatever_the_name(tmp_path: Path) -> None:
    for name in ("winmail.dat", "a.tnef", "noname"):
        extraction = read(tmp_path, name, MESSAGE)
        assert (texts(extraction), extraction.notes) == (WORDS, ())
    assert extraction.elements[3].heading_path == ("Price list", "prices.csv")


def test_a_mail_that_holds_nothing_else(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Outside"
    mail.set_content(MESSAGE, "application", "ms-tnef", filename="winmail.dat")
    assert texts(read(tmp_path, "a.eml", bytes(mail))) == ["Outside", "winmail.dat", *WORDS]


def test_the_best_form_of_a_body(tmp_path: Path) -> None:
    both = wrapped(attribute(_BODY, b"Some plain words\0"), page("<p>Some <b>plain</b> words</p><ul><li>and a list</li></ul>"))
    assert texts(read(tmp_path, "a.tnef", both)) == ["Some plain words", "and a list"]


def test_a_damaged_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "winmail.dat", MESSAGE[:40])
    assert raised.value.code in ("damaged", "empty")
