"""Rich Text Format: written by LibreOffice, by Word's rules, by Outlook, and by chance.

The files in ``rich_text`` were made by LibreOffice 7.4 from texts of our own (``SOURCE``).
"""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.extract.markup.rtf.characters import rtf_events
from rag_pipeline.models import Element
from rag_pipeline_tests.ingestion.extract.documents import compound_file, read, texts
from rag_pipeline_tests.ingestion.extract.mail.test_outlook import HEAD
from rag_pipeline_tests.programs import WRITER, needs

FOLDER = Path(__file__).parent / "rich_text"
TEXTS = {
    "english": [
        "Header ½ page", "The harbour café", "It’s the owner’s “naïve” plan — 3 £ per résumé…", "A footnote on Zoë’s façade.",
        "A comment: coöperate!", "Details", "first item – one", "second item: déjà vu", "Item || Price\nCrème brûlée | 4,50 €\nTea | 2 £",
        "Footer © 2026",
    ],
    "french": [
        "En-tête général", "L’été à la plage", "Cœur, œuvre, « guillemets », où, ça, hélas ! Ÿ — prix : 12 €.", "Note : voilà l’île.",
        "Commentaire : vérifié", "Détails", "élément un", "élément deux", "Pièce || Prix\nÉcrou | 3 €\nClé à molette | 7 €",
        "Pied de page n° 1",
    ],
    "russian": [
        "Верхний колонтитул", "Отчёт о работе", "Привет, мир! Это «проверка» — №5.", "Сноска: подробности ниже.",
        "Комментарий: проверено", "Подробности", "первый пункт", "второй пункт", "Товар || Цена\nБолт | 3 ₽\nГайка | 5 ₽",
        "Нижний колонтитул",
    ],
    "chinese": [
        "页眉文字", "年度报告", "你好，世界！这是“测试”——𠀀和😀。", "脚注：详情见下文。", "批注：已核对", "细节", "第一项", "第二项",
        "项目 || 价格\n螺栓 | 三元\n螺母 | 五元", "页脚文字",
    ],
}  # fmt: skip
"""Header, heading, paragraph, footnote, comment, second heading, two list items, table, footer: in the order of reading."""
KINDS = ["Header", "Title", *["NarrativeText"] * 3, "Title", "ListItem", "ListItem", "Table", "Footer"]


def flat_open_document(language: str) -> str:
    header, title, words, footnote, comment, second, one, two, table, footer = TEXTS[language]
    cells = [
        [f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row.split(" | ")]
        for row in table.replace(" || ", " | ").split("\n")
    ]
    rows = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in cells)
    items = "".join(f"<text:list-item><text:p>{item}</text:p></text:list-item>" for item in (one, two))
    names = ("office", "text", "table", "style")
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    note = f'<text:note text:note-class="footnote"><text:note-body><text:p>{footnote}</text:p></text:note-body></text:note>'
    remark = f"<office:annotation><dc:creator>Me</dc:creator><text:p>{comment}</text:p></office:annotation>"
    numbers = '<text:list-style style:name="N"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style>'
    edges = f"<style:header><text:p>{header}</text:p></style:header><style:footer><text:p>{footer}</text:p></style:footer>"
    layout = '<style:page-layout style:name="P"><style:header-style/><style:footer-style/></style:page-layout>'
    master = f'<style:master-page style:name="Standard" style:page-layout-name="P">{edges}</style:master-page>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<office:document{spaces} xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3"'
        f' office:mimetype="application/vnd.oasis.opendocument.text"><office:styles>{numbers}</office:styles>'
        f"<office:automatic-styles>{layout}</office:automatic-styles><office:master-styles>{master}</office:master-styles>"
        f'<office:body><office:text><text:h text:outline-level="1">{title}</text:h><text:p>{words}{note}{remark}</text:p>'
        f'<text:h text:outline-level="2">{second}</text:h><text:list text:style-name="N">{items}</text:list>'
        f'<table:table><table:table-column table:number-columns-repeated="2"/>{rows}</table:table>'
        "</office:text></office:body></office:document>"
    )


def check(elements: tuple[Element, ...], language: str) -> None:
    wanted = [*TEXTS[language]]
    wanted[4] = f"Comment by Me: {wanted[4]}"
    wanted[6:8] = [f"1 {wanted[6]}", f"2 {wanted[7]}"]
    assert [element.text for element in elements] == wanted
    assert [element.kind for element in elements] == KINDS
    assert elements[8].heading_path == (wanted[1], wanted[5])


@pytest.mark.parametrize("language", TEXTS)
def test_what_libreoffice_wrote(tmp_path: Path, language: str) -> None:
    check(read(tmp_path, "a.rtf", (FOLDER / f"{language}.rtf").read_bytes()).elements, language)


@needs(WRITER)
@pytest.mark.timeout(240)
def test_what_libreoffice_writes_now(tmp_path: Path) -> None:
    for language in TEXTS:
        (tmp_path / f"{language}.fodt").write_text(flat_open_document(language))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    files = [str(tmp_path / f"{language}.fodt") for language in TEXTS]
    subprocess.run(["soffice", profile, "--headless", "--convert-to", "rtf", "--outdir", str(tmp_path), *files], check=True, timeout=200)
    for language in TEXTS:
        check(read(tmp_path, "a.rtf", (tmp_path / f"{language}.rtf").read_bytes()).elements, language)


def rich(body: str, head: str = "") -> bytes:
    fonts = r"{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}"
    return f"{{\\rtf1\\ansi\\ansicpg1252\\deff0{fonts}{head}{body}}}".encode("latin-1")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (r"caf\u233\'e9 It\u8217\'92s", "café It’s"),
        (r"\f1 \u1055\'cf\u1088\'f0\u1080\'e8", "При"),
        (r"{\uc2\u26085\'93\'fa}x", "日x"),
        (r"{\f2\u26085\'93\'fa\u26412 ?}", "日本"),  # both bytes, though one is announced
        (r"{\f2 \'93\'fa\'96\'7b}", "日本"),
        (r"\u-10179 ?\u-8704 ?", "😀"),
        (r"\u128512 ?", "😀"),
        (r"\uc0\u55357 \uc1\u56832 ?!", "😀!"),
        (r"{\uc0 a\u233 b}\u233 eb", "aébéb"),
        (r"{\uc3\u233 e\emdash\{z}", "éz"),
        (r"\u8220\ldblquote z", "“z"),
        (r"\u233\par z", "é\nz"),  # nothing stands in: the paragraph's end must not
        (r"\u233{z}", "éz"),  # a brace ends what stands in
        (r"{\upr{caf?}{\*\ud{caf\u233 ?}}} x", "café x"),
        (r"a\~b\_c\-d\emdash e\bullet", "a b-cd—e•"),
        (r"a{\v hidden}{\deleted gone}b", "ab"),
        (r"{\field{\*\fldinst HYPERLINK http://x}{\fldrslt link}} y", "link y"),
        (r"a{\pict\bin5 {}{}\}z", "az"),
        (r"a{\*\shpinst{\sp{\sn k}{\sv v}}{\shptxt box\par}}\par b", "a\nbox\nb"),
        (r"{\loch\af0\hich\af0\dbch\af2 \'93\'fa}{\ltrch\f1 \'cf}", "日П"),
        (r"\trowd\clvmgf\cellx1\cellx2 a\cell b\cell\row\trowd\clvmrg\cellx1\cellx2\cell c\cell\row", "a || b\na | c"),
        (r"\pard\intbl a\cell\pard\intbl\itap2 n\nestcell{\*\nesttableprops\trowd\cellx1\nestrow}{\nonesttables\par}"
         r"\pard\intbl b\cell\row\pard z", "a | b\nn\nz"),
        (r"{\listtext\pard\plain 1.2\tab}\ls1 one\par{\pntext\f0 b)\tab}two\par{\listtext 3.\tab}\par z", "1.2 one\nb) two\nz"),
        (r"{\listtext\f1 \'b7\tab}\ls1 x\par{\listtext o\tab}y\par{\listtext\u61623 ?\tab}z", "x\ny\nz"),  # bullets
        (r"\trowd\cellx1\cellx2 {\listtext\intbl 1.\tab}a\cell {\listtext 2.\tab}b\cell\row", "1. a | 2. b"),
        (r'{\field{\*\fldinst SYMBOL 97 \\f "Symbol" \\s 10}{\fldrslt\f3\fs20}} y', "α y"),
        (r'{\field{\*\fldinst {\b SYMBOL} 61614 \\f Symbol}{\fldrslt\f3 ?}} y', "→ y"),
        (r"{\field{\*\fldinst SYMBOL 0x20AC \\u}{\fldrslt}}5 {\field{\*\fldinst SYMBOL 169}{\fldrslt x}}", "€5 ©"),
        (r'{\field{\*\fldinst SYMBOL 252 \\f "Wingdings"}{\fldrslt ok}} {\field{\fldinst PAGE SYMBOL 97}{\fldrslt 3}}', "✔ 3"),
        (r'{\field{\*\fldinst SYMBOL 41 \\f "Wingdings"}{\fldrslt ok}} y', "ok y"),
        (r"{\v {\field{\*\fldinst SYMBOL 169}{\fldrslt x}}}{\shprslt{\field{\*\fldinst SYMBOL 169}{\fldrslt}}}y", "y"),
        (r"a\par b", "a\nb"),
        (r"unclosed {\b words", "unclosed words"),
    ],
)  # fmt: skip
def test_what_the_specification_says(tmp_path: Path, body: str, wanted: str) -> None:
    assert "\n".join(texts(read(tmp_path, "a.rtf", rich(body)))) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (r"5 {\f1 m}g, {\f1\'b3} 3, {\f1\u-3999 ?}-rays", "5 μg, ≥ 3, α-rays"),
        (r"done {\f2\'fc}, open {\f2\'a8}, a{\loch\af2\hich\f2 \u-3872\'e0}b, {\f2 J}", "done ✔, open ☐, a→b, ☺"),
        (r"{\f2 A}picture", "picture"),
        (r"{\f3 m} is a letter", "m is a letter"),
    ],
)  # fmt: skip
def test_fonts_that_draw_symbols_in_place_of_letters(tmp_path: Path, body: str, wanted: str) -> None:
    fonts = (
        r"{\fonttbl{\f0 Arial;}{\f1\froman\fcharset2{\*\panose 05050102010706020507}Symbol;}"
        r"{\f2\fnil\fcharset2 Wingdings{\*\falt Symbol};}{\f3\fcharset0{\*\falt Symbol}Times;}}"
    )
    assert texts(read(tmp_path, "a.rtf", (r"{\rtf1\ansi" + fonts + r"\f0 " + body + "}").encode())) == [wanted]


def test_headings_by_the_style_sheet_and_what_is_based_on_it(tmp_path: Path) -> None:
    styles = r"{\stylesheet{\s1 Heading 1;}{\s2\sbasedon1 Chapter;}{\s3\outlinelevel1 Section;}{\*\cs4 Heading 5;}}"
    body = r"\pard\s2 One\par\pard\s3 Two\par\pard words\par\pard\s1\outlinelevel9 no heading\par"
    elements = read(tmp_path, "a.rtf", rich(body, styles)).elements
    assert [element.kind for element in elements] == ["Title", "Title", "NarrativeText", "NarrativeText"]
    assert elements[2].heading_path == ("One", "Two")


def test_hidden_text_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, "a.rtf", rich(r"seen{\v secret}")).notes == ("Text that is formatted as hidden was left out.",)


STAND_INS = st.one_of(
    st.sampled_from(["?", "e", "\\'e9", "\\'93", "\\emdash ", "\\{", "\\~", "\\rquote "]),
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\{} '"),
)
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), max_size=30)


@given(st.lists(st.tuples(WORDS, st.integers(0, 3), st.booleans()), max_size=6), st.data())
def test_any_text_with_any_stand_in_is_the_same_text(parts: list[tuple[str, int, bool]], data: st.DataObject) -> None:
    body = ""
    for words, count, grouped in parts:
        wide = words.encode("utf-16-le")
        units = [int.from_bytes(wide[index : index + 2], "little", signed=True) for index in range(0, len(wide), 2)]
        coded = "".join(f"\\u{unit} " + "".join(data.draw(STAND_INS) for _ in range(count)) for unit in units)
        body += f"{{\\uc{count} {coded}}}" if grouped else f"\\uc{count} {coded}"
    read_back = "".join(event.text for event in rtf_events(rich(body)) if event.kind == "text").split("A;B;C;")[1]
    assert read_back.encode("utf-16", "surrogatepass").decode("utf-16") == "".join(words for words, _, _ in parts)


def packed(rtf: str) -> bytes:
    from compressed_rtf import compress

    return compress(rtf.encode("ascii"), compressed=True)


def body_of_mail(folder: Path, rtf: str) -> list[str]:
    return texts(read(folder, "a.msg", compound_file({**HEAD, "__substg1.0_10090102": packed(rtf)})))[2:]


def test_html_wrapped_in_the_rich_text_of_a_mail(tmp_path: Path) -> None:
    page = (
        r"{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset204 Arial;}}{\colortbl\red0\green0\blue0;}\uc1\pard"
        r"{\*\htmltag18 <html>}{\*\mhtmltag <x>}{\*\htmltag50 <body>}\htmlrtf {\htmlrtf0 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 "
        r"\u1055\'cf\'f0\u1080\'e8 {\*\htmltag84 &lt;}\htmlrtf <\htmlrtf0 b\htmlrtf\par}\htmlrtf0 {\*\htmltag72 </p>}"
        r"{\*\htmltag64 <ul><li>}one{\*\htmltag </li></ul>}{\*\htmltag58 </body>}}}"
    )
    assert body_of_mail(tmp_path, page) == ["При <b", "one"]


def test_plain_text_wrapped_in_the_rich_text_of_a_mail(tmp_path: Path) -> None:
    text = r"{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl{\f0 A;}}\pard First caf\u233\'e9\par line.\par \par Second.\par}"
    assert body_of_mail(tmp_path, text) == ["First café\nline.", "Second."]


def test_rich_text_of_a_mail(tmp_path: Path) -> None:
    assert body_of_mail(tmp_path, r"{\rtf1\ansi It\u8217\'92s {\b so}.\par}") == ["It’s so."]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        # A shape in the form for old readers besides (RTF 1.9.1, "Drawing Objects": \shprslt), as Word writes it.
        (r"x{\shp{\*\shpinst{\shptxt box\par}}{\shprslt{\*\do\dptxbx{\dptxbxtext box\par}}}}\par y", "x\nbox\ny"),
        (r"x{\*\do\dptxbx{\dptxbxtext box\par}}\par y", "x\nbox\ny"),
        (r"{\shp{\*\shpinst{\sp{\sn shapeType}{\sv 136}}{\sp{\sn gtextUNICODE}{\sv as drawn}}}}z", "as drawn\nz"),
        (r"{\field{\*\fldinst IF {\field{\*\fldinst MERGEFIELD a}{\fldrslt Bob}} = 1}{\fldrslt result}}", "result"),
        (r"{\*\bkmkstart {\upr{mark}{\*\ud{mark}}}}z", "z"),
        (r"Title\page Text\column more", "Title\nText\nmore"),
        (r"\trowd\clvmgf\cellx1\cellx2 a\cell b\cell\row\trowd\clvmrg\cellx1\cellx2\pard\intbl\cell\pard\intbl\itap2 n\nestcell"
         r"{\*\nesttableprops\trowd\cellx3\nestrow}\pard\intbl c\cell\row", "a || b\na | c\nn"),
    ],
)  # fmt: skip
def test_each_word_once_and_apart(tmp_path: Path, body: str, wanted: str) -> None:
    assert "\n".join(texts(read(tmp_path, "a.rtf", rich(body)))) == wanted


def test_what_a_document_says_of_itself(tmp_path: Path) -> None:
    info = r"{\info{\title {\upr{Caf? plan}{\*\ud Caf\u233 ? plan}}}{\author Ada}{\*\company None}{\version1}{\doccomm On looms.}}"
    told = "Title: Café plan\nAuthor: Ada\nDescription: On looms."
    assert texts(read(tmp_path, "a.rtf", rich("words", info))) == [told, "words"]


def test_alternative_texts_of_shapes_are_told(tmp_path: Path) -> None:
    shape = r"{\shp{\*\shpinst{\sp{\sn wzDescription}{\sv a loom in a mill}}{\sp{\sn wzName}{\sv Picture 1}}}}"
    assert texts(read(tmp_path, "a.rtf", rich("words" + shape))) == ["words", "Picture: a loom in a mill"]


def test_notes_nested_beyond_reason_stay_in_the_one_around_them(tmp_path: Path) -> None:
    """Each level handed on what all inner ones held: 100 KB took 88 seconds."""
    found = texts(read(tmp_path, "a.rtf", rich(r"{\shptxt a" * 10_000)))
    assert 1 < len(found) < 20
    assert "".join(found).count("a") == 10_000
