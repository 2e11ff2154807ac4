"""What a PDF says beside the text of its pages: fields, remarks, files on pages, described figures, forms in XML, accents apart."""

from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import WORDS, line, pdf, read, texts


def with_objects(content: bytes, on_page: str, in_catalog: str, *added: str) -> bytes:
    """A PDF of one page with entries in its page and its catalog, and objects from number 8 on."""
    objects = "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(added, 8))
    content = content.replace(b"/Type /Page /Parent", f"/Type /Page {on_page} /Parent".encode())
    content = content.replace(b"/Type /Catalog", f"/Type /Catalog {in_catalog}".encode())
    return content.replace(b"xref\n", f"{objects}xref\n".encode(), 1).replace(b"/Size 8", f"/Size {8 + len(added)}".encode())


def stream(content: str, entries: str = "") -> str:
    return f"<< {entries} /Length {len(content)} >>\nstream\n{content}\nendstream"


PAGE = pdf(line(WORDS, 60))
SHOWN = "/Type /Annot /Rect [60 600 300 640] /F 4"
FIELDS = "/AcroForm << /Fields [8 0 R] /NeedAppearances true /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv 3 0 R >> >> >>"


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("/FT /Tx /T (name) /V (left to the reader)", "left to the reader"),
        ("/FT /Ch /Ff 131072 /T (land) /Opt [[(de) (Germany)] [(fr) (France)]] /V (fr)", "France"),
    ],
)
def test_what_is_filled_in_is_read_though_nobody_has_drawn_it(tmp_path: Path, field: str, shown: str) -> None:
    widget = f"<< {SHOWN} /Subtype /Widget {field} /DA (/Helv 12 Tf 0 g) >>"
    content = with_objects(PAGE, "/Annots [8 0 R]", FIELDS, widget)
    assert texts(read(tmp_path, "a.pdf", content)) == [WORDS, shown]


def test_a_text_on_the_page_that_nobody_has_drawn_is_a_comment_by_its_author(tmp_path: Path) -> None:
    content = with_objects(PAGE, "/Annots [8 0 R]", "", f"<< {SHOWN} /Subtype /FreeText /Contents (on top) /T (Ada) >>")
    assert texts(read(tmp_path, "a.pdf", content)) == [WORDS, "Comment by Ada: on top"]


def test_a_file_behind_a_paper_clip_is_read(tmp_path: Path) -> None:
    clip = f"<< {SHOWN} /Subtype /FileAttachment /FS << /Type /Filespec /F (list.txt) /UF (list.txt) /EF << /F 9 0 R >> >> >>"
    content = with_objects(PAGE, "/Annots [8 0 R]", "", clip, stream("bolts and nuts", "/Type /EmbeddedFile"))
    assert texts(read(tmp_path, "a.pdf", content)) == [WORDS, "list.txt", "bolts and nuts"]


def test_figures_are_described_by_their_alternative_text(tmp_path: Path) -> None:
    marked = PAGE.replace(b"BT ", b"/Figure << /MCID 0 >> BDC EMC BT ", 1)
    tree = "<< /Type /StructTreeRoot /K [9 0 R] /ParentTree << /Nums [0 [9 0 R]] >> >>"
    figure = "<< /Type /StructElem /S /Figure /P 8 0 R /Pg 6 0 R /K 0 /Alt (sales rise in May) >>"
    content = with_objects(marked, "/StructParents 0", "/MarkInfo << /Marked true >> /StructTreeRoot 8 0 R", tree, figure)
    assert texts(read(tmp_path, "a.pdf", content))[-1] == "Picture: sales rise in May"


def test_a_form_that_only_its_reader_draws_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    label = "<caption><value><text>Family name</text></value></caption>"
    fields = f"""<draw><value><exData contentType="text/html"><body><p>Claim for <b>travel</b></p></body></exData></value></draw>
    <field name="last">{label}<assist><toolTip>gone</toolTip></assist></field>
    <field name="kind"><items><text>by train</text><text>by car</text></items><items save="1"><text>gone</text></items></field>
    <draw presence="hidden"><value><text>gone</text></value></draw><draw><value><text>{WORDS}</text></value></draw>"""
    template = f'<template xmlns="http://www.xfa.org/schema/xfa-template/3.3/"><subform>{fields}</subform></template>'
    data = "<data><form><last>Lovelace</last><other>42 km</other></form></data>"
    datasets = f'<d:datasets xmlns:d="http://www.xfa.org/schema/xfa-data/1.0/">{data}</d:datasets>'
    form = "/AcroForm << /Fields [] /XFA [(template) 8 0 R (datasets) 9 0 R] >>"
    content = with_objects(PAGE, "", form, stream(template), stream(datasets))
    told = ["Claim for travel", "Family name: Lovelace", "by train, by car", "other: 42 km"]
    assert texts(read(tmp_path, "a.pdf", content)) == [WORDS, *told]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("(Schr) -111 (\\310) 444 (oder)", "Schröder"),
        ("(Fran) (c) 416 (\\313) -83 (ois)", "François"),
        ("(d) 27 (\\302) 306 (\\365) (a)", "día"),
        ("(x) (\\302) (eau)", "x´eau"),
    ],
)
def test_accents_stand_on_the_letter_that_they_are_set_over(tmp_path: Path, shown: str, said: str) -> None:
    """As TeX sets them: the accent, back by its width and half of what the letter is wider, the letter."""
    content = f"BT /F 12 Tf 60 700 Td [{shown}] TJ ET\n"
    assert texts(read(tmp_path, "a.pdf", pdf(content))) == [said]


def test_accents_that_a_program_sets_behind_their_line_come_back(tmp_path: Path) -> None:
    """Some drivers of TeX set a line first and then all its accents: over the ``u`` of a word, over a capital, under a ``c``."""

    def at(x: float, y: float, text: str) -> str:
        return f"BT /F 12 Tf {x} {y} Td ({text}) Tj ET\n"

    first = at(60, 700, "in Munster \\(Okto-") + at(84, 700, "\\310") + at(60, 684, "ber\\), lecon Uber ~/a") + at(98.34, 684, "\\313")
    content = first + at(122.35, 687, "\\310") + at(60, 668, "und") + at(60, 600, "x\\310 y")
    assert " ".join(texts(read(tmp_path, "a.pdf", pdf(content)))) == "in Münster (Oktober), leçon Über ~/a und x¨ y"


def test_words_of_letters_that_stand_apart_are_not_torn(tmp_path: Path) -> None:
    """As recognised text lies under a scan: letters spread by ``Tc``, and the last one of each word a piece of its own with its blank."""

    def spread(down: float, *pieces: tuple[float, str]) -> str:
        return "".join(f"BT /F 12 Tf 3 Tc {x} {800 - down} Td ({text}) Tj ET\n" for x, text in pieces)

    first = spread(60, (60, "Chin"), (97.0, "a "), (117.0, "Shippin"), (178.0, "g "), (194.1, "Compan"), (255.8, "y"))
    second = spread(80, (60, "Th"), (80.0, "e "), (96.0, "Frenc"), (135.7, "h "), (152.0, "Lin"), (176.0, "e"))
    third = first.replace(" 740 ", " 700 ")
    whole = "China Shipping Company The French Line\nChina Shipping Company"
    assert texts(read(tmp_path, "a.pdf", pdf(first + second + third))) == [whole]
    apart = spread(60, (60, "a "), (85, "b "), (110, "c "), (135, "d "), (160, "e "), (185, "words"))
    assert texts(read(tmp_path, "b.pdf", pdf(apart))) == ["a b c d e words"]


def test_fonts_that_draw_symbols_in_place_of_letters(tmp_path: Path) -> None:
    """Word tells what such a font shows as U+F000 and the letter: micro, a bullet, a mark, a picture."""
    table = "1 beginbfrange <21> <FE> <F021> endbfrange"
    mapped = stream(f"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange {table} endcmap")
    fonts = "".join(
        f" /{key} << /Type /Font /Subtype /TrueType /BaseFont /ABCDEF+{name} /ToUnicode 8 0 R >>"
        for key, name in (("S", "SymbolMT"), ("W", "Wingdings-Regular"))
    )
    shown = "BT 60 700 Td /S 12 Tf <B7> Tj /F 12 Tf ( 5 ) Tj /S 12 Tf <6D> Tj /F 12 Tf (g ) Tj /W 12 Tf <FC36> Tj /F 12 Tf ( done) Tj ET"
    content = with_objects(pdf(shown), "", "", mapped).replace(b"/F 3 0 R >>", f"/F 3 0 R{fonts} >>".encode())
    assert texts(read(tmp_path, "a.pdf", content)) == ["• 5 μg ✔ done"]


def test_subject_and_keywords_are_told(tmp_path: Path) -> None:
    content = pdf(line(WORDS, 60), information="/Subject (Weaving) /Keywords (loom, thread)")
    assert texts(read(tmp_path, "a.pdf", content)) == ["Subject: Weaving\nKeywords: loom, thread", WORDS]
