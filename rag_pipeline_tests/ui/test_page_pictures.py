import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from rag_pipeline.models import Box
from rag_pipeline_tests.ui.documents import make_pdf
from ui.page_pictures import HIGHLIGHT, LARGEST_PIXELS, PagePictureError, PagePictures, render_page


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    file = tmp_path / "a.pdf"
    file.write_bytes(make_pdf(["First line", "Second line"]))
    return file


def test_a_page_is_drawn_with_its_passage_highlighted(pdf: Path) -> None:
    picture = Image.open(io.BytesIO(render_page(str(pdf), 1, [(0.1, 0.5, 0.9, 0.6)])))
    width, height = picture.size
    assert 1000 < width < height
    assert width * height <= LARGEST_PIXELS * 1.01
    assert picture.getpixel((width // 2, int(height * 0.55))) == HIGHLIGHT
    assert picture.getpixel((width // 2, int(height * 0.7))) == (255, 255, 255)
    assert picture.convert("L").getextrema()[0] < 60  # the text is there


def test_the_app_draws_in_a_process_of_its_own(pdf: Path, tmp_path: Path) -> None:
    pictures = PagePictures()

    async def draw() -> list[bytes]:
        box = Box(page=1, left=0.1, top=0.1, right=0.2, bottom=0.2, start=0, end=1)
        return await asyncio.gather(*(pictures.render(pdf, 1, [box]) for _ in range(4)))

    try:
        drawn = asyncio.run(draw())
        assert {picture[:8] for picture in drawn} == {b"\x89PNG\r\n\x1a\n"}
        with pytest.raises(PagePictureError, match="no page 9"):
            asyncio.run(pictures.render(pdf, 9, []))
        (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 rubbish")
        with pytest.raises(PagePictureError, match="cannot be read"):
            asyncio.run(pictures.render(tmp_path / "bad.pdf", 1, []))
    finally:
        pictures.close()
