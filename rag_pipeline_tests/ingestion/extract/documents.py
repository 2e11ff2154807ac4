"""Small documents of every format, made in code."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.document import Document

from rag_pipeline.ingestion.extract import HEAD_BYTES, extract, media_type_of
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element, Extraction

WORDS = "The quick brown fox jumps over the lazy dog."


def read(folder: Path, name: str, content: bytes) -> Extraction:
    """Write a file and extract it as the product does: type by name and content."""
    path = folder / name
    path.write_bytes(content)
    return extract(path, media_type_of(name, content[:HEAD_BYTES]))


def open_source(content: bytes, name: str = "a") -> Source:
    """A file in memory, as a family is given it."""
    return Source(io.BytesIO(content), name)


def texts(extraction: Extraction) -> list[str]:
    return [element.text for element in extraction.elements]


def element_with(extraction: Extraction, words: str) -> Element:
    """The only element that holds these words."""
    (found,) = [element for element in extraction.elements if words in element.text]
    return found


def word_document(fill: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def deck(*slides: tuple[str, str]) -> bytes:
    """Slides of a title and a body each."""
    presentation = pptx.Presentation()
    for title, body in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title  # type: ignore[union-attr]
        slide.placeholders[1].text = body  # type: ignore[attr-defined]
        slide.notes_slide.notes_text_frame.text = f"Notes on {title}"  # type: ignore[union-attr]
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def workbook(sheets: dict[str, Iterable[Iterable[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def changed_archive(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """An archive with its parts passed through a function."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in archive.namelist():
            target.writestr(name, change(name, archive.read(name)))
    return buffer.getvalue()


def pdf(*pages: str, rotate: int = 0, information: str = "", characters: str = "") -> bytes:
    """A PDF with a content stream for each page; the font /F is Helvetica, /I a picture of one black pixel.

    ``characters``: what the font says its codes mean, as lines of a CMap: ``<41> <5a> <0391>`` (ISO 32000-2, 9.10.3).
    """
    ranges = characters.splitlines()
    to_unicode = f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(ranges)} beginbfrange\n{characters}\nendbfrange"
    number_of_map = 5 + 2 * len(pages)
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica {f'/ToUnicode {number_of_map} 0 R' if characters else ''} >>",
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >>\n"
        "stream\n0\nendstream",
    ]
    for number, content in enumerate(pages):
        resources = "<< /Font << /F 3 0 R >> /XObject << /I 4 0 R >> >>"
        box = f"/MediaBox [0 0 600 800] /Rotate {rotate}"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Resources {resources} /Contents {6 + 2 * number} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< /Length {len(to_unicode)} >>\nstream\n{to_unicode}\nendstream")
    return _pdf_file([*objects, f"<< {information} >>"], f"/Info {len(objects) + 1} 0 R")


def line(text: str, down: float, size: float = 12, left: float = 60) -> str:
    """The operators that show a line of text, ``down`` points from the top of the page."""
    return f"BT /F {size} Tf {left} {800 - down} Td ({text}) Tj ET\n"


PICTURE = "q 500 0 0 700 50 50 cm /I Do Q\n"


def _pdf_file(objects: list[str], entries: str) -> bytes:
    body = b"%PDF-1.4\n"
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    return body + f"{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {entries} >>\nstartxref\n{len(body)}\n%%EOF\n".encode()


def open_document(kind: str, body: str, styles: str = "", manifest: str = "") -> bytes:
    """An OpenDocument file: ``kind`` is text, presentation or spreadsheet, ``body`` the XML in its element, ``styles`` master pages."""
    names = ("office", "text", "table", "style", "presentation")
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    spaces += ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    spaces += ' xmlns:loext="urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0"'
    version = 'office:version="1.3"'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        content = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        archive.writestr("content.xml", f"<office:document-content{spaces} {version}>{content}</office:document-content>")
        master = f"<office:master-styles>{styles}</office:master-styles>"
        archive.writestr("styles.xml", f"<office:document-styles{spaces} {version}>{master}</office:document-styles>")
        archive.writestr("META-INF/manifest.xml", manifest or "<manifest/>")
    return buffer.getvalue()


def flat_open_document(kind: str, body: str, styles: str = "", says: str = "") -> bytes:
    """The document of :func:`open_document` as one file; ``says`` is what stands at its root (OpenDocument 1.3 part 3, 3.1.1)."""
    names = ("office", "text", "table", "style", "presentation")
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    spaces += ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
    spaces += ' xmlns:loext="urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0"'
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    meta = "<office:meta><dc:title>The title of all</dc:title></office:meta>" if says else ""
    hidden = '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>'
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<!-- made <by> hand -->\n<office:document{spaces} office:version='1.3'{says}>{meta}"
        f"<office:styles>{hidden}</office:styles><office:automatic-styles/><office:master-styles>{styles}</office:master-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>"
    ).encode()


def compound_file(streams: dict[str, bytes]) -> bytes:
    """An OLE container (MS-CFB, version 3) with these streams; ``a/b`` is a stream b in a storage a. All go to whole sectors."""
    padded = {name: content.ljust(4096, b"\0") for name, content in streams.items()}
    names = sorted({"/".join(name.split("/")[:depth]) for name in padded for depth in range(1, name.count("/") + 2)})
    chains: list[list[int]] = []
    body = b""

    def add(content: bytes) -> int:
        nonlocal body
        start, count = len(body) // 512, -(-len(content) // 512)
        chains.append(list(range(start, start + count)))
        body += content.ljust(count * 512, b"\0")
        return start

    children = {parent: [name for name in names if name.rpartition("/")[0] == parent] for parent in ("", *names)}
    number = {name: index + 1 for index, name in enumerate(names)}
    entries = [_directory_entry("Root Entry", 5, child=number[children[""][0]])]
    for name in names:
        siblings = children[name.rpartition("/")[0]]
        following = siblings[siblings.index(name) + 1 :]
        after = number[following[0]] if following else 0xFFFFFFFF
        if name in padded:
            entries.append(_directory_entry(name.rpartition("/")[2], 2, after, start=add(padded[name]), size=len(padded[name])))
        else:
            entries.append(_directory_entry(name.rpartition("/")[2], 1, after, child=number[children[name][0]]))
    directory = add(b"".join(entries))
    table_start = len(body) // 512
    table_size = -(-(table_start + 4) // 128) + 1
    table = [0xFFFFFFFF] * (128 * table_size)
    for chain in chains:
        for sector, following_sector in zip(chain, [*chain[1:], 0xFFFFFFFE], strict=True):
            table[sector] = following_sector
    table_sectors = range(table_start, table_start + table_size)
    for sector in table_sectors:
        table[sector] = 0xFFFFFFFD
    body += struct.pack(f"<{len(table)}I", *table)
    head = struct.pack(
        "<8s16sHHHHHHIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0,
        table_size, directory, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0,
    )  # fmt: skip
    listed = [*table_sectors, *[0xFFFFFFFF] * (109 - table_size)]
    return head + struct.pack("<109I", *listed) + body


def _directory_entry(name: str, kind: int, after: int = 0xFFFFFFFF, child: int = 0xFFFFFFFF, start: int = 0, size: int = 0) -> bytes:
    encoded = (name + "\0").encode("utf-16-le")
    return struct.pack("<64sHBBIII16sI8s8sIQ", encoded, len(encoded), kind, 1, 0xFFFFFFFF, after, child, b"", 0, b"", b"", start, size)


def encrypted_pdf(content: str, password: str) -> bytes:
    """A page whose file opens with this password only: RC4 with 40 bits, revision 2 of the standard handler (PDF 1.7, 7.6.3)."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    padded = (password.encode() + padding)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + struct.pack("<i", -4) + bytes(16)).digest()[:5]
    sealed = _rc4(hashlib.md5(key + struct.pack("<I", 6)[:3] + b"\0\0").digest()[:10], content.encode())
    handler = f"/Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{_rc4(key, padding).hex()}>"
    entries = f"/Encrypt << {handler} >> /ID [<{'00' * 16}> <{'00' * 16}>]"
    return pdf(sealed.decode("latin-1")).replace(b"/Root 1 0 R", f"/Root 1 0 R {entries}".encode())


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    output = bytearray()
    for byte in content:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        output.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(output)


def with_parts(content: bytes, added: dict[str, bytes], relations: Iterable[tuple[str, str, str]]) -> bytes:
    """An Office file with more parts, and with relations (from a part, as a kind, to a part); their ids are ``added0`` and so on."""
    buffer = io.BytesIO()
    listed: dict[str, str] = {}
    for number, (part, kind, target) in enumerate(relations):
        name = f"{part.rpartition('/')[0]}/_rels/{part.rpartition('/')[2]}.rels"
        space = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        listed[name] = listed.get(name, "") + f'<Relationship Id="added{number}" Type="{space}/{kind}" Target="/{target}"/>'
    empty = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target_archive:
        parts = {name: archive.read(name) for name in archive.namelist()} | added
        overrides = "".join(f'<Override PartName="/{name}" ContentType="application/octet-stream"/>' for name in added)
        parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", overrides.encode() + b"</Types>")
        for name, lines in listed.items():
            parts[name] = parts.get(name, empty).replace(b"</Relationships>", lines.encode() + b"</Relationships>")
        for name, part in parts.items():
            target_archive.writestr(name, part)
    return buffer.getvalue()
