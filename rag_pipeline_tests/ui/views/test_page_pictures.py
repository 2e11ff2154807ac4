"""Pictures of pages: what is on them, and what a PDF can do to the process that draws them."""

import asyncio
import errno
import io
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rag_pipeline.models import Box, Place
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import encrypted_pdf
from rag_pipeline_tests.ui.conftest import make_hit
from rag_pipeline_tests.ui.documents import make_pdf
from rag_pipeline_tests.ui.pages import drawing
from ui.views import page_pictures
from ui.views.page_pictures import HIGHLIGHT, LARGEST_PIXELS, QUOTED, PagePictureError, PagePictures, draw_page
from ui.views.passage_page import quoted_boxes

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def pictures(settings: Settings) -> Iterator[PagePictures]:
    made = PagePictures(settings.model_copy(update={"extraction_memory_bytes": 300_000_000}))
    yield made
    made.close()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    file = tmp_path / "a.pdf"
    file.write_bytes(make_pdf(["First line", "Second line"]))
    return file


def test_a_page_is_drawn_with_its_passage_highlighted(pdf: Path) -> None:
    picture = Image.open(io.BytesIO(draw_page(str(pdf), 1, [(0.1, 0.5, 0.9, 0.6)])))
    width, height = picture.size
    assert 1000 < width < height
    assert width * height <= LARGEST_PIXELS * 1.01
    assert picture.getpixel((width // 2, int(height * 0.55))) == HIGHLIGHT
    assert picture.getpixel((width // 2, int(height * 0.7))) == (255, 255, 255)
    assert picture.convert("L").getextrema()[0] < 60  # the text is there


def test_a_picture_of_text_is_its_own_page(tmp_path: Path) -> None:
    file = tmp_path / "scan.png"
    turned = Image.new("RGBA", (3000, 1500), (0, 0, 0, 0))
    turned.paste((200, 0, 0, 255), (0, 0, 300, 1500))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    turned.save(file, exif=exif)
    picture = Image.open(io.BytesIO(draw_page(str(file), 1, [(0.1, 0.5, 0.9, 0.6)])))
    assert (picture.width * 2 == picture.height, picture.width * picture.height <= LARGEST_PIXELS) == (True, True)
    assert picture.getpixel((picture.width // 2, 50)) == (200, 0, 0)
    assert picture.getpixel((picture.width // 2, int(picture.height * 0.55))) == HIGHLIGHT
    assert picture.getpixel((picture.width // 2, int(picture.height * 0.8))) == (255, 255, 255)
    with pytest.raises(PagePictureError, match="no page 2"):
        draw_page(str(file), 2, [])


def test_what_is_quoted_is_marked_more(pdf: Path) -> None:
    line = Box(page=1, left=0.1, top=0.5, right=0.9, bottom=0.6, start=10, end=50)
    hit = make_hit("x" * 60, boxes=(line,), page_first=1)
    (part,) = quoted_boxes(hit, [Place(0, 5), Place(40, 55)])
    assert (round(part.left, 3), part.right, part.top) == (0.7, 0.9, 0.5)
    places, quoted = ([(one.left, one.top, one.right, one.bottom)] for one in (line, part))
    picture = Image.open(io.BytesIO(draw_page(str(pdf), 1, places, (), quoted)))
    width, height = picture.size
    assert picture.getpixel((int(width * 0.3), int(height * 0.55))) == HIGHLIGHT
    assert picture.getpixel((int(width * 0.8), int(height * 0.55))) == QUOTED
    assert quoted_boxes(make_hit("שלום" * 15, boxes=(line,)), [Place(40, 55)]) == [line]


def test_the_app_draws_in_a_process_of_its_own(pictures: PagePictures, pdf: Path, tmp_path: Path) -> None:
    async def draw() -> list[bytes]:
        box = Box(page=1, left=0.1, top=0.1, right=0.2, bottom=0.2, start=0, end=1)
        return await asyncio.gather(*(pictures.render(pdf, 1, [box]) for _ in range(4)))

    assert {picture[:8] for picture in asyncio.run(draw())} == {PNG}
    with pytest.raises(PagePictureError, match="no page 9"):
        asyncio.run(pictures.render(pdf, 9, []))
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 rubbish")
    with pytest.raises(PagePictureError, match="damaged"):
        asyncio.run(pictures.render(tmp_path / "bad.pdf", 1, []))
    with pytest.raises(PagePictureError, match="No such file"):
        asyncio.run(pictures.render(tmp_path / "gone.pdf", 1, []))


def test_a_protected_document_is_drawn_with_its_listed_password(pictures: PagePictures, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(encrypted_pdf("BT /F 12 Tf 72 700 Td (Words of a protected page) Tj ET", "s3cret"))
    with pytest.raises(PagePictureError, match="RAG_PASSWORDS_FILE"):
        asyncio.run(pictures.render(file, 1, []))
    settings.passwords_path.write_text("no\ns3cret\n")
    picture = Image.open(io.BytesIO(asyncio.run(pictures.render(file, 1, []))))
    assert picture.convert("L").getextrema()[0] < 60


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_pictures, "draw_page", drawing.misbehave)


@pytest.mark.usefixtures("misbehaving")
@pytest.mark.parametrize(("kind", "words"), [("hang", "longer than 20 s"), ("crash", "crashed"), ("greedy", "too much memory")])
def test_a_file_that_breaks_the_drawing_costs_its_picture_only(
    pictures: PagePictures, pdf: Path, tmp_path: Path, kind: str, words: str
) -> None:
    (tmp_path / f"{kind}.pdf").write_bytes(pdf.read_bytes())
    with pytest.raises(PagePictureError, match=words):
        asyncio.run(pictures.render(tmp_path / f"{kind}.pdf", 1, []))
    assert asyncio.run(pictures.render(pdf, 1, []))[:8] == PNG


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel can refuse connections of a whole process tree")
@pytest.mark.usefixtures("misbehaving")
def test_neither_the_drawing_nor_its_programs_reach_the_network(pictures: PagePictures, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "connect.pdf").write_text(str(server.getsockname()[1]))
        outcome = asyncio.run(pictures.render(tmp_path / "connect.pdf", 1, [])).decode()
    assert outcome.splitlines() == [f"python {errno.EACCES}", "program PermissionError: [Errno 13] Permission denied"]
