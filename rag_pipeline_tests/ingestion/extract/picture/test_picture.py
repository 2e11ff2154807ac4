"""Text in pictures and scanned pages, by OCR."""

import io
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import ReadingOptions, extract
from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages
from rag_pipeline.ingestion.extract.picture.rotation import Rotation, skew_degrees
from rag_pipeline_tests.ingestion.extract.documents import read, texts
from rag_pipeline_tests.programs import TESSERACT, needs

SENTENCE = "The quick brown fox jumps"


def picture(*lines: str, size: tuple[int, int] = (1400, 900)) -> Image.Image:
    page = Image.new("L", size, "white")
    for number, words in enumerate(lines):
        ImageDraw.Draw(page).text((80, 80 + 80 * number), words, font=ImageFont.load_default(48), fill="black")
    return page


def saved(page: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, name, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


@needs(TESSERACT)
@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "bmp", "gif", "tiff"])
def test_text_in_pictures_of_every_format(tmp_path: Path, name: str) -> None:
    extraction = read(tmp_path, f"a.{name}", saved(picture(SENTENCE, "over the lazy dog"), name))
    assert " ".join(" ".join(texts(extraction)).split()) == f"{SENTENCE} over the lazy dog"
    box = extraction.elements[0].boxes[0]
    assert (box.page, box.left, box.top) == (1, pytest.approx(80 / 1400, abs=0.02), pytest.approx(90 / 900, abs=0.02))


@needs(TESSERACT)
def test_heic(tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    assert SENTENCE in texts(read(tmp_path, "a.heic", saved(picture(SENTENCE).convert("RGB"), "heif")))[0]


@needs(TESSERACT)
def test_pages_of_a_tiff(tmp_path: Path) -> None:
    pages = [picture(SENTENCE), picture(), picture("Second page of words")]
    extraction = read(tmp_path, "a.tiff", saved(pages[0], "tiff", save_all=True, append_images=pages[1:]))
    assert [(element.text, element.page) for element in extraction.elements] == [(SENTENCE, 1), ("Second page of words", 3)]
    assert (extraction.pages, extraction.notes) == (3, ("No text was found on page 2.",))


@needs(TESSERACT)
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_scans_are_read_and_their_boxes_lie_on_the_page_as_it_is(tmp_path: Path, turn: int) -> None:
    page = picture(SENTENCE, "over the lazy dog", "and a third line of words")
    extraction = read(tmp_path, "a.png", saved(page.rotate(turn, expand=True), "png"))
    assert SENTENCE in " ".join(texts(extraction))
    box = extraction.elements[0].boxes[0]
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    upright = {90: (1 - middle[1], middle[0]), 180: (1 - middle[0], 1 - middle[1]), 270: (middle[1], 1 - middle[0])}[turn]
    assert upright[1] == pytest.approx(110 / 900, abs=0.05)
    assert upright[0] < 0.5


PAGE = [f"{SENTENCE} over {number} lazy dogs" for number in ("seven", "eleven", "twenty", "thirty", "forty", "fifty", "sixty")]


@pytest.mark.parametrize("degrees", [0.0, 0.2, 3.0, -7.0, 12.0])
def test_how_much_a_page_is_askew(degrees: float) -> None:
    askew = picture(*PAGE).rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert skew_degrees(askew) == pytest.approx(degrees if abs(degrees) > 0.5 else 0.0, abs=0.3)


def test_what_is_no_print_is_left_alone() -> None:
    assert skew_degrees(picture()) == 0.0
    assert {skew_degrees(Image.effect_noise((900, 600), 60)) for _ in range(10)} == {0.0}


@given(st.floats(-15, 15), st.floats(0, 0.6), st.floats(0, 0.6))
def test_places_on_a_turned_page_are_found_again(degrees: float, left: float, top: float) -> None:
    edges = Rotation(degrees, 1400, 900).edges_on_page((left, top, left + 0.2, top + 0.1))
    back = Rotation(-degrees, 1400, 900)
    assert 0 <= edges[0] <= edges[2] <= 1
    assert 0 <= edges[1] <= edges[3] <= 1
    if degrees == 0:
        assert back.edges_on_page(edges) == pytest.approx((left, top, left + 0.2, top + 0.1))


@needs(TESSERACT)
@pytest.mark.parametrize("degrees", [3.0, -7.0, 12.0])
def test_scans_askew_are_read_and_their_boxes_lie_on_the_page_as_it_is(tmp_path: Path, degrees: float) -> None:
    askew = picture(*PAGE).rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    extraction = read(tmp_path, "a.png", saved(askew, "png"))
    assert " ".join(" ".join(texts(extraction)).split()) == " ".join(PAGE)
    boxes = [box for element in extraction.elements for box in element.boxes]
    assert len(boxes) == len(PAGE)
    width, height = askew.size
    for box in boxes:
        place = (round(box.left * width), round(box.top * height), round(box.right * width), round(box.bottom * height))
        assert askew.crop(place).getextrema()[0] < 100
    middle = (boxes[3].left + boxes[3].right) / 2 * width - width / 2, (boxes[3].top + boxes[3].bottom) / 2 * height - height / 2
    turn = math.radians(degrees)  # the fourth line's place on the straight page, turned as the page was
    straight = middle[0] * math.cos(turn) + middle[1] * math.sin(turn), -middle[0] * math.sin(turn) + middle[1] * math.cos(turn)
    assert straight[1] + 450 == pytest.approx(80 + 3 * 80 + 30, abs=25)


@needs(TESSERACT)
def test_transparent_and_small_pictures(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (500, 120), (0, 0, 0, 0))
    ImageDraw.Draw(clear).text((20, 40), "small words here", font=ImageFont.load_default(22), fill="black")
    assert texts(read(tmp_path, "a.png", saved(clear, "png"))) == ["small words here"]


@needs(TESSERACT)
def test_pictures_of_sixteen_bits(tmp_path: Path) -> None:
    deep = picture(SENTENCE).convert("I").point(lambda value: value * 257).convert("I;16")
    assert texts(read(tmp_path, "a.tiff", saved(deep, "tiff"))) == [SENTENCE]


@needs(TESSERACT)
def test_a_scanned_page_among_others(tmp_path: Path) -> None:
    from rag_pipeline_tests.ingestion.extract.documents import WORDS, line, pdf

    scan = io.BytesIO()
    picture(SENTENCE).save(scan, "pdf", resolution=150)
    import pypdfium2

    joined = pypdfium2.PdfDocument(pdf(line(WORDS, 60)))
    joined.import_pages(pypdfium2.PdfDocument(scan.getvalue()))
    joined.save(tmp_path / "made.pdf")
    extraction = read(tmp_path, "a.pdf", (tmp_path / "made.pdf").read_bytes())
    assert [(element.text, element.page) for element in extraction.elements] == [(WORDS, 1), (SENTENCE, 2)]
    assert extraction.notes == ()


def test_without_tesseract_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.picture.ocr.find_program", lambda *names: None)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.png", saved(picture(SENTENCE), "png"))
    assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")
    assert "apt install tesseract-ocr" in str(raised.value)


@needs(TESSERACT)
def test_a_language_that_is_not_installed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(picture(SENTENCE), "png"))
    with pytest.raises(DocumentError, match="tesseract-ocr-tlh"):
        extract(path, "image/png", ReadingOptions(ocr_languages="eng+tlh"))


def test_bombs_and_damage_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.png", saved(Image.new("1", (30_000, 30_000)), "png"))
    assert raised.value.code == "too_large"
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "b.png", saved(picture(SENTENCE), "png")[:60])
    assert raised.value.code in ("damaged", "missing_program")


@needs(TESSERACT)
def test_a_picture_without_text_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.png", saved(picture(), "png"))
    assert (raised.value.code, raised.value.state) == ("empty", "empty")


def test_languages_are_listed_again_only_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "tessdata"
    data.mkdir()
    (data / "eng.traineddata").touch()
    program = tmp_path / "tesseract"
    program.write_text(
        f"#!/bin/sh\necho started >> {tmp_path}/starts\necho 'List of available languages in \"{data}/\" (1):'\n"
        f"ls {data} | sed s/.traineddata//\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [tesseract_languages() for _ in range(5)] == [("eng",)] * 5
    assert (tmp_path / "starts").read_text().count("started") == 2  # where they are, and which
    (data / "deu.traineddata").touch()
    os.utime(data, ns=(1, 1))  # file systems with coarse times
    assert tesseract_languages() == ("deu", "eng")
