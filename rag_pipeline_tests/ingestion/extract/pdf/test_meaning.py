from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract.pdf.meaning import may_mean_nothing
from rag_pipeline_tests.ingestion.extract.documents import line, pdf, read, texts
from rag_pipeline_tests.programs import TESSERACT, needs

SENTENCES = (
    "Contractors removed forty thousand cubic metres of silt",
    "from the northern basin between March and September.",
    "The harbour authority approved the repairs of the quay",
    "and asked the board for a second watchman at the lighthouse.",
)
PAGE = "".join(line(sentence, 60 + 20 * number, size=14) for number, sentence in enumerate(SENTENCES))
SHIFTED = "<20> <7e> <0003>"
"""A font whose glyphs are numbered in the order of ASCII, its table of characters lost: what pdftops and ps2pdf make of web pages."""
PICTURES = "<20> <7e> <2701>"
"""The characters that Ghostscript makes up for glyphs of Type 3 fonts."""
CONSONANTS = "BRDG WNTR PLCY SHPMNT CRGN TRMNL DPRT VSSL HRBR QRTL"


def shown(element_texts: list[str]) -> str:
    return " ".join(" ".join(element_texts).split())


@needs(TESSERACT)
@pytest.mark.parametrize("characters", [SHIFTED, PICTURES])
def test_what_a_page_shows_is_read_where_its_characters_are_others(tmp_path: Path, characters: str) -> None:
    assert shown(texts(read(tmp_path, "a.pdf", pdf(PAGE, PAGE, characters=characters)))) == " ".join(SENTENCES * 2)


def test_without_ocr_the_page_is_named(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(PAGE, characters=SHIFTED))
    assert len(extraction.notes) == 1
    assert extraction.notes[0].startswith("Page 1 is in letters that may not be those that are shown. Reading scanned pages needs ")


@needs(TESSERACT)
def test_what_looks_like_no_language_is_kept_where_it_is_what_the_page_shows(tmp_path: Path) -> None:
    page = "".join(line(CONSONANTS, 60 + 20 * number, size=14) for number in range(4))
    extraction = read(tmp_path, "a.pdf", pdf(page, page))
    assert may_mean_nothing(CONSONANTS * 4)
    assert shown(texts(extraction)) == " ".join([CONSONANTS] * 8)
    assert extraction.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        " ".join(SENTENCES),
        "Přístav byl znovu otevřen žluťoučkým remorkérem. Strč prst skrz krk, zmrzl vlk. " * 2,
        "Гавань была открыта для судов весной, и порт заработал. " * 3,
        "港口在春天重新开放了。渔民要求降低停泊费。" * 6,
        "Revenue 12,400 13,950 – 7,720 (8,150) € 21,300 | 5.5 % | 2027-10-14 " * 4,
        "Introduction . . . . . . . . . . . . . . . 1 Outlook . . . . . . . . . . . . . 7",
        "if (index < count) { return items[index++] != NULL; } /* next */ " * 3,
    ],
)
def test_texts_of_any_language_numbers_and_programs_are_texts(text: str) -> None:
    assert not may_mean_nothing(text)
