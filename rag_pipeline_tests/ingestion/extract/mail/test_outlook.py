"""Outlook messages and other OLE containers."""

import struct
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import compound_file, element_with, read, texts


def properties(header: int, values: dict[int, int] | None = None) -> bytes:
    return bytes(header) + b"".join(struct.pack("<IIQ", tag, 6, value) for tag, value in (values or {}).items())


def text(number: int, value: str) -> tuple[str, bytes]:
    return f"__substg1.0_{number:04X}001F", value.encode("utf-16-le")


SENT = {0x00390040: 133_000_000_000_000_000}  # 2022-06-18
HEAD = {"__properties_version1.0": properties(32, SENT), **dict([text(0x0037, "The plan"), text(0x0C1A, "Ann"), text(0x0E04, "Bob")])}


def test_headers_and_body(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.msg", compound_file({**HEAD, **dict([text(0x1000, "First.\r\n\r\nSecond.")])}))
    assert texts(extraction) == ["The plan", "From: Ann\nTo: Bob\nDate: 2022-06-18 04:26 UTC", "First.", "Second."]


def test_html_bodies_and_code_pages_that_python_names_otherwise(tmp_path: Path) -> None:
    page = {0x3FDE0003: 950}
    body = "<p>計畫已經完成，請各位同仁確認內容</p>".encode("cp950")
    streams = {**HEAD, "__properties_version1.0": properties(32, page), "__substg1.0_10130102": body}
    assert texts(read(tmp_path, "a.msg", compound_file(streams)))[-1] == "計畫已經完成，請各位同仁確認內容"


def test_what_only_the_plain_body_says_is_read_too(tmp_path: Path) -> None:
    plain = "The lamps arrive on Friday.\r\n\r\nYour booking code is 4711-AB."
    streams = {**HEAD, **dict([text(0x1000, plain), text(0x1013, "<p>The lamps <b>arrive</b> on Friday.</p>")])}
    assert texts(read(tmp_path, "a.msg", compound_file(streams)))[2:] == ["The lamps arrive on Friday.", "Your booking code is 4711-AB."]


def test_attachments_and_attached_messages(tmp_path: Path) -> None:
    inner = "__attach_version1.0_#00000001/__substg1.0_3701000D"
    attached = b"attached words " * 300
    streams = {
        **HEAD,
        "__attach_version1.0_#00000000/__properties_version1.0": properties(8),
        "__attach_version1.0_#00000000/__substg1.0_37010102": attached,
        "__attach_version1.0_#00000000/__substg1.0_3707001F": "../../notes.txt".encode("utf-16-le"),
        f"{inner}/__properties_version1.0": properties(24),
        f"{inner}/{text(0x0037, '')[0]}": "Inner subject".encode("utf-16-le"),
        f"{inner}/{text(0x1000, '')[0]}": "Inner body".encode("utf-16-le"),
    }
    extraction = read(tmp_path, "a.msg", compound_file(streams))
    assert element_with(extraction, "attached words").heading_path == ("The plan", "../../notes.txt")
    assert element_with(extraction, "Inner body").heading_path == ("The plan", "Inner subject")
    assert [path.name for path in tmp_path.iterdir()] == ["a.msg"]


def test_an_encrypted_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.msg", compound_file({**HEAD, **dict([text(0x001A, "IPM.Note.SMIME")])}))
    assert raised.value.code == "password_protected"


@pytest.mark.parametrize("name", ["a.doc", "a.docx", "a.msg", "a.bin"])
def test_unknown_containers_say_so_whatever_their_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, name, compound_file({"Something": b"else"}))
    assert (raised.value.code, raised.value.state) == ("unsupported_type", "unsupported")
    assert "Something" in str(raised.value)


def test_a_damaged_container_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.doc", compound_file(HEAD)[:600])
    assert raised.value.code == "damaged"


def test_attachments_that_are_signed_or_encrypted_cost_themselves_only(tmp_path: Path) -> None:
    first, second = "__attach_version1.0_#00000000", "__attach_version1.0_#00000001"
    streams = {
        **HEAD,
        **dict([text(0x1000, "The body.")]),
        f"{first}/__properties_version1.0": properties(8),
        f"{first}/__substg1.0_37010102": bytes.fromhex("308006092a864886f70d010702") * 400,
        f"{first}/{text(0x370E, '')[0]}": "application/pkcs7-mime".encode("utf-16-le"),
        f"{first}/{text(0x3707, '')[0]}": "invoice.xml.p7m".encode("utf-16-le"),
        f"{second}/__substg1.0_3701000D/__properties_version1.0": properties(24),
        f"{second}/__substg1.0_3701000D/{text(0x001A, '')[0]}": "IPM.Note.SMIME".encode("utf-16-le"),
    }
    extraction = read(tmp_path, "a.msg", compound_file(streams))
    assert texts(extraction)[-1] == "The body."
    assert [note.partition(" was not read")[0] for note in extraction.notes] == [
        "invoice.xml.p7m, a file inside it,",
        "A message attached to it",
    ]
