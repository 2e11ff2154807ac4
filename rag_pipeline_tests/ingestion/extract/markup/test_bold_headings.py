"""Headings that are only set in bold, in web pages, Word, OpenDocument and rich text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE

from rag_pipeline.ingestion.extract.markup.bold_headings import Block, bold_headings
from rag_pipeline.models import Element
from rag_pipeline_tests.ingestion.extract.documents import read
from rag_pipeline_tests.programs import WRITER, needs

PROSE = Block("The price is due within thirty days of the invoice, in full, without a discount.", False, True)


def bold(text: str) -> Block:
    return Block(text, True, True)


def test_a_bold_line_heads_what_follows_it_and_so_does_one_below_it() -> None:
    assert bold_headings([PROSE, bold("Payment"), PROSE, bold("Part II"), bold("Delivery"), PROSE]) == {1, 3, 4}


@pytest.mark.parametrize(
    "blocks",
    [
        [PROSE, bold("Payment")],  # heads nothing
        [PROSE, bold("Payment is due at once."), PROSE],
        [PROSE, bold("Nordwind AG"), bold("Hafenstrasse 12"), bold("20457 Hamburg"), PROSE],
        [PROSE, bold("* * *"), PROSE],
        [PROSE, bold(PROSE.text[:-1] + " and nobody has to ask for it twice"), PROSE],
        [bold(PROSE.text), bold("Payment"), Block("See above.", False, True)],  # most is bold
        [PROSE, Block("Payment", True, False), PROSE],  # a point of a list, a cell
    ],
)
def test_what_is_bold_otherwise_heads_nothing(blocks: list[Block]) -> None:
    assert bold_headings(blocks) == frozenset()


def outline(elements: tuple[Element, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(element.text, element.heading_path) for element in elements if element.kind != "Title"]


@pytest.mark.parametrize(
    "heading",
    [
        "<p><b>Item 7.</b> <strong>Results</strong></p>",
        '<div><span style="color:#000;font-weight:700">Item 7. Results</span></div>',
        '<div style="font-weight: bold">Item 7. Results</div>',
        '<p><span class="a c3">Item 7. Results</span></p>',
        '<p class="c2">Item 7. Results</p>',
        '<p><font style="FONT: 10pt/1.2 Bold!important">Item 7. Results</font></p>',
    ],
)
def test_a_page_marks_bold_by_tags_by_styles_and_by_classes(tmp_path: Path, heading: str) -> None:
    style = "<style>.c1{color:red} p.c2, .c3 {color:#111;font-weight:700}</style>"
    page = f"<html><head>{style}</head><body><p>{PROSE.text}</p>{heading}<p>{PROSE.text}</p></body></html>"
    first, second = outline(read(tmp_path, "page.html", page.encode()).elements)
    assert (first, second) == ((PROSE.text, ()), (PROSE.text, ("Item 7. Results",)))


def test_a_bold_part_of_the_page_loses_no_word_and_heads_nothing(tmp_path: Path) -> None:
    page = f'<div style="font-weight:bold"><p>First</p>and<ul><li>second</li></ul></div><p>{PROSE.text}</p>'
    elements = read(tmp_path, "page.html", page.encode()).elements
    assert [element.text for element in elements] == ["First", "and", "second", PROSE.text]


IN_WORD = [
    (PROSE.text, ("Contract", "Section")),
    (PROSE.text, ("Contract", "Part")),
    ("Plain", ("Contract", "Part")),
    (PROSE.text, ("Contract", "Part")),
    (PROSE.text, ("Contract", "Strong")),
    (PROSE.text, ("Contract", "Run")),
]


@pytest.mark.parametrize(
    "page",
    [
        f"<p>start</p>{'<span style=font-weight:bold>' * 200}needle{'</span>' * 200}<p>end</p>",
        f"<style>{'a' * 300_000}</style><p>start</p><p>needle</p><p>end</p>",
        f"<p>start</p><p style='{'font:' * 40_000}'>needle</p><p>end</p>",
    ],
    ids=["nested", "a sheet without rules", "an attribute without an end"],
)
@pytest.mark.timeout(20)
def test_no_style_costs_a_word_or_more_time_than_reading_it(tmp_path: Path, page: str) -> None:
    assert [element.text for element in read(tmp_path, "page.html", page.encode()).elements] == ["start", "needle", "end"]


def contract(folder: Path) -> Path:
    """Bold by styles, by a style based on one, not by one that takes it back, by a style of letters, and by hand."""
    document = docx.Document()
    section = document.styles.add_style("Section", WD_STYLE_TYPE.PARAGRAPH)
    section.font.bold = True
    document.styles.add_style("Part", WD_STYLE_TYPE.PARAGRAPH).base_style = section
    plain = document.styles.add_style("Plain", WD_STYLE_TYPE.PARAGRAPH)
    plain.base_style, plain.font.bold = section, False
    document.add_heading("Contract", 1)
    for style in ("Section", "Part", "Plain"):
        document.add_paragraph(style, style=style)
        document.add_paragraph(PROSE.text)
    document.add_paragraph().add_run("Strong").style = "Strong"
    document.add_paragraph(PROSE.text)
    document.add_paragraph().add_run("Run").bold = True
    document.add_paragraph(PROSE.text)
    document.save(str(folder / "contract.docx"))
    return folder / "contract.docx"


def test_word_marks_bold_by_runs_and_by_styles_and_headings_of_its_own_stand_above(tmp_path: Path) -> None:
    assert outline(read(tmp_path, "a.docx", contract(tmp_path).read_bytes()).elements) == IN_WORD


@needs(WRITER)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("suffix", ["odt", "rtf"])
def test_so_do_open_documents_and_rich_text(tmp_path: Path, suffix: str) -> None:
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", suffix, "--outdir", str(tmp_path), str(contract(tmp_path))]
    subprocess.run(command, check=True, timeout=200)
    assert outline(read(tmp_path, f"a.{suffix}", (tmp_path / f"contract.{suffix}").read_bytes()).elements) == IN_WORD


def test_bold_in_rich_text_ends_with_its_group_and_with_plain(tmp_path: Path) -> None:
    prose = r"The price is due within thirty days of the invoice, in full.\par"
    content = rf"{{\rtf1 {{\b Payment}}\par {prose} \b Delivery\b0\par {prose} \b Not \plain all of it\par {prose} {{\b Rates}} \par"
    content += rf"\trowd\cellx100\cellx200\pard\intbl\b a\cell b\cell\row\pard\plain {prose} \b The end\par}}"
    extraction = read(tmp_path, "a.rtf", content.encode())
    assert [element.text for element in extraction.elements if element.kind == "Title"] == ["Payment", "Delivery", "Rates"]
    assert [element.heading_path for element in extraction.elements if element.kind == "Table"] == [("Rates",)]


def test_what_says_what_a_number_is_does_not_part_it_from_its_bracket(tmp_path: Path) -> None:
    page = "<table><tr><td>Year</td><td>Loss</td></tr><tr><td>2023</td><td>(<ix:nonFraction sign='-'>12</ix:nonFraction>)</td></tr></table>"
    (table,) = read(tmp_path, "page.html", page.encode()).elements
    assert table.text == "Year || Loss\n2023 | (12)"
