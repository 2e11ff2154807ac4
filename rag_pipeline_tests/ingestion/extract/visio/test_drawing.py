"""Visio drawings, made here from [MS-VSDX]: a package of a document, its list of pages, the pages, its list of masters, the masters."""

import io
import zipfile
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.office import office_file
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline.ingestion.extract.visio.family import VISIO
from rag_pipeline.models import Extraction
from rag_pipeline_tests.ingestion.extract.documents import element_with, open_source, read, texts, workbook

CORE = "xmlns='http://schemas.microsoft.com/office/visio/2012/main'"
RELATIONS = "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
VISIO_RELATION = "http://schemas.microsoft.com/visio/2010/relationships"
EMBEDDED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/package"
PROPERTIES = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"


def relations(*targets: tuple[str, str]) -> str:
    """The list of what a part refers to; ids are rId1, rId2 and so on."""
    rows = "".join(f"<Relationship Id='rId{n}' Type='{kind}' Target='{target}'/>" for n, (kind, target) in enumerate(targets, 1))
    return f"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{rows}</Relationships>"


def shape(text: str | None = None, x: object = 1, y: object = 1, inner: str = "", **attributes: object) -> str:
    """A ``Shape`` with its pin in inches from the lower left corner; without a ``Text`` of its own where ``text`` is None."""
    named = "".join(f" {name}='{value}'" for name, value in attributes.items())
    own = "" if text is None else f"<Text>{text}</Text>"
    return f"<Shape{named}><Cell N='PinX' V='{x}'/><Cell N='PinY' V='{y}'/>{inner}{own}</Shape>"


def group(*shapes: str) -> str:
    return f"<Shapes>{''.join(shapes)}</Shapes>"


def page(*shapes: str) -> str:
    return f"<PageContents {CORE} {RELATIONS}>{group(*shapes)}</PageContents>"


def parts_of(pages: dict[str, str], masters: dict[str, str], backgrounds: tuple[str, ...], title: str) -> dict[str, str]:
    listed = "".join(
        f"<Page ID='{n}' Name='{name}' Background='{int(name in backgrounds)}'><PageSheet/><Rel r:id='rId{n}'/></Page>"
        for n, name in enumerate(pages, 1)
    )
    known = "".join(f"<Master ID='{name}'><PageSheet/><Rel r:id='rId{n}'/></Master>" for n, name in enumerate(masters, 1))
    core = f"<p xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>{title}</dc:title><dc:creator>Ada Drawer</dc:creator></p>"
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>",
        "_rels/.rels": relations((f"{VISIO_RELATION}/document", "visio/document.xml"), (PROPERTIES, "docProps/core.xml")),
        "docProps/core.xml": core,
        "visio/document.xml": f"<VisioDocument {CORE}/>",
        "visio/_rels/document.xml.rels": relations(
            (f"{VISIO_RELATION}/masters", "masters/masters.xml"), (f"{VISIO_RELATION}/pages", "pages/pages.xml")
        ),
        "visio/pages/pages.xml": f"<Pages {CORE} {RELATIONS}>{listed}</Pages>",
        "visio/pages/_rels/pages.xml.rels": relations(*((f"{VISIO_RELATION}/page", f"page{n}.xml") for n, _ in enumerate(pages, 1))),
        "visio/masters/masters.xml": f"<Masters {CORE} {RELATIONS}>{known}</Masters>",
        "visio/masters/_rels/masters.xml.rels": relations(
            *((f"{VISIO_RELATION}/master", f"master{n}.xml") for n, _ in enumerate(masters, 1))
        ),
    }
    parts |= {f"visio/pages/page{n}.xml": content for n, content in enumerate(pages.values(), 1)}
    return parts | {
        f"visio/masters/master{n}.xml": f"<MasterContents {CORE}>{group(content)}</MasterContents>"
        for n, content in enumerate(masters.values(), 1)
    }


def packed(parts: dict[str, str | bytes] | dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def drawing(
    pages: dict[str, str],
    masters: dict[str, str] | None = None,
    backgrounds: tuple[str, ...] = (),
    title: str = "",
    changed: dict[str, str | None] | None = None,
) -> bytes:
    """A drawing; ``changed`` replaces parts below ``visio/``, None takes one away."""
    parts = parts_of(pages, masters or {}, backgrounds, title)
    replaced = {f"visio/{name}": content for name, content in (changed or {}).items()}
    return packed({name: content for name, content in {**parts, **replaced}.items() if content is not None})


def one_page(folder: Path, *shapes: str, **masters: str) -> Extraction:
    return read(folder, "a.vsdx", drawing({"Plan": page(*shapes)}, {name.removeprefix("m"): one for name, one in masters.items()}))


def said(extraction: Extraction) -> list[str]:
    """All but what the properties and the page's name say."""
    return [element.text for element in extraction.elements if element.kind != "Title" and element.page]


@pytest.mark.parametrize("name", ["a.vsdx", "a.vsdm", "a.vstx", "no_extension", "a.docx"])
def test_a_drawing_is_told_by_its_parts(name: str) -> None:
    assert media_type_of(name, drawing({"Plan": page(shape("words"))})[:8192]) == VISIO


def test_a_drawing_is_told_by_its_name_where_its_parts_come_late() -> None:
    assert media_type_of("a.vsdx", packed({"[Content_Types].xml": "x"})) == VISIO


def test_pages_shapes_and_properties(tmp_path: Path) -> None:
    pages = {"Network": page(shape("Router", y=9), shape("Switch", y=5)), "Racks": page(shape("Rack 7"))}
    extraction = read(tmp_path, "a.vsdx", drawing(pages, title="Head office"))
    assert extraction.pages == 2
    assert [(element.kind, element.text, element.page, element.heading_path) for element in extraction.elements] == [
        ("NarrativeText", "Title: Head office\nAuthor: Ada Drawer", None, ()),
        ("Title", "Network", 1, ()),
        ("NarrativeText", "Router", 1, ("Network",)),
        ("NarrativeText", "Switch", 1, ("Network",)),
        ("Title", "Racks", 2, ()),
        ("NarrativeText", "Rack 7", 2, ("Racks",)),
    ]
    assert extraction.notes == ()


def test_shapes_are_read_from_top_to_bottom_and_from_left_to_right(tmp_path: Path) -> None:
    shapes = [
        shape("low", 1, 1),
        shape("right", 8, 9),
        shape("left", 1, 9.02),
        shape("middle", 4, 8.99),
        shape("placeless", "Themed", "nan"),
    ]
    assert said(one_page(tmp_path, *shapes)) == ["left", "middle", "right", "low", "placeless"]


def test_a_group_is_read_together(tmp_path: Path) -> None:
    """Places in a group are told from its own corner."""
    inner = group(shape("second", 0, 0.5), shape("first", 0, 2, group(shape("deep"))))
    assert said(one_page(tmp_path, shape("below", 1, 1), shape("Group", 1, 5, inner, Type="Group"), shape("above", 1, 9))) == [
        *("above", "Group", "first", "deep", "second", "below"),
    ]


def test_text_of_connectors_runs_and_fields(tmp_path: Path) -> None:
    """Marks of runs stand between the characters (2.2.8); a field holds the value that it shows."""
    connector = shape("100 Mbit", 2, 3, "<Cell N='BeginX' V='1'/><Cell N='EndX' V='3'/>", Type="Shape")
    runs = shape("<cp IX='0'/><pp IX='0'/>Router <cp IX='1'/>A\nroom <fld IX='0'>204</fld>\u2028east\n", 1, 5)
    assert said(one_page(tmp_path, runs, connector)) == ["Router A\nroom 204\neast", "100 Mbit"]


def test_a_master_speaks_where_a_shape_says_nothing(tmp_path: Path) -> None:
    master = shape("Decision", inner=group(shape("yes", ID=6), shape("no", ID=7)), ID=5)
    instances = [
        shape(None, 1, 9, Master=2),
        shape("Own words", 1, 8, Master=2),
        shape("", 1, 7, Master=2),  # its text was deleted
        shape(None, 1, 6, group(shape(None, 1, 2, MasterShape=6), shape("maybe", 1, 1, MasterShape=7)), Master=2, Type="Group"),
        shape(None, 1, 5),
    ]
    assert said(one_page(tmp_path, *instances, m2=master)) == ["Decision", "Own words", "Decision", "yes", "maybe"]


def test_what_links_say(tmp_path: Path) -> None:
    rows = "".join(
        f"<Row N='Row_{n}'><Cell N='Description' V='{said}'/><Cell N='Address' V='https://a.invalid'/></Row>"
        for n, said in enumerate(("Wiring rules", "", "Router"))
    )
    linked = shape("Router", inner=f"<Section N='Hyperlink'>{rows}</Section>")
    assert said(one_page(tmp_path, linked)) == ["Router", "Link: Wiring rules"]


def test_what_is_deleted_or_hidden_is_left_out(tmp_path: Path) -> None:
    hides = "<Cell N='HideText' V='1'/>"
    shapes = [shape("seen", 1, 3), shape("gone", Del=1), shape("unseen", inner=hides), shape(None, 1, 1, Master=2)]
    extraction = one_page(tmp_path, *shapes, m2=shape("unseen too", inner=hides))
    assert said(extraction) == ["seen"]
    assert extraction.notes == ("Text that a shape hides was left out.",)


def test_backgrounds_are_the_last_pages(tmp_path: Path) -> None:
    pages = {"Frame": page(shape("Confidential")), "Plan": page(shape("Router"))}
    extraction = read(tmp_path, "a.vsdx", drawing(pages, backgrounds=("Frame",)))
    assert [(element.text, element.page) for element in extraction.elements if element.kind == "Title"] == [("Plan", 1), ("Frame", 2)]


def test_a_page_without_words_has_no_heading(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.vsdx", drawing({"Empty": page(shape(None)), "Plan": page(shape("Router"))}))
    assert (said(extraction), extraction.pages) == (["Router"], 2)
    assert element_with(extraction, "Plan").page == 2
    assert "Empty" not in texts(extraction)


def test_a_drawing_without_words_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.vsdx", drawing({"Plan": page(shape(None))}))
    assert raised.value.code == "empty"


def test_files_in_a_drawing_are_read_on_their_page(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {**parts_of({"Plan": page(shape("Router"))}, {}, (), "")}
    parts["visio/pages/_rels/page1.xml.rels"] = relations((EMBEDDED, "../embeddings/prices.xlsx"))
    parts["visio/embeddings/prices.xlsx"] = workbook({"S": [["name", "price"], ["Router", 41]]})
    extraction = read(tmp_path, "a.vsdx", packed(parts))
    found = element_with(extraction, "Router | 41")
    assert (found.page, found.heading_path[:2]) == (1, ("Plan", "prices.xlsx"))


def test_one_damaged_page_costs_itself(tmp_path: Path) -> None:
    pages = {name: page(shape(f"words of {name}")) for name in ("One", "Two", "Three", "Four")}
    extraction = read(tmp_path, "a.vsdx", drawing(pages, changed={"pages/page2.xml": "<PageContents", "pages/page3.xml": None}))
    assert (said(extraction), extraction.pages) == (["words of One", "words of Four"], 4)
    assert [note.partition(" was not read")[0] for note in extraction.notes] == ["Page 2", "Page 3"]


@pytest.mark.parametrize(
    ("part", "content"), [("master1", "<MasterContents"), ("master1", None), ("masters", "<Masters"), ("masters", None)]
)
def test_a_damaged_master_costs_what_it_says(tmp_path: Path, part: str, content: str | None) -> None:
    pages = {"Plan": page(shape(None, Master=2), shape(None, Master=2), shape("Router"))}
    damaged = drawing(pages, {"2": shape("Decision")}, changed={f"masters/{part}.xml": content})
    extraction = read(tmp_path, "a.vsdx", damaged)
    assert said(extraction) == ["Router"]
    assert [note.partition(" was not read")[0] for note in extraction.notes] == ["Master 2 of its shapes"]


@pytest.mark.parametrize(
    ("part", "content"),
    [("pages/pages.xml", None), ("pages/pages.xml", "<Pages"), ("pages/page1.xml", "<PageContents"), ("_rels/document.xml.rels", None)],
)
def test_a_drawing_without_a_page_that_can_be_read_is_damaged(tmp_path: Path, part: str, content: str | None) -> None:
    damaged = drawing({"Plan": page(shape("Router"))}, changed={part: content})
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.vsdx", damaged)
    assert raised.value.code == "damaged"


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    blank = " " * (office_file.LARGEST_PART_BYTES // 4)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.vsdx", drawing({"Plan": page(shape(f"Router{blank}"))}))
    assert raised.value.code == "too_large"


def test_any_part_may_be_cut_anywhere() -> None:
    """The only outcomes are elements and errors for the user; none of them is an exception of our own code."""
    inner = "<Section N='Hyperlink'><Row><Cell N='Description' V='link'/></Row></Section>"
    whole = parts_of({"One": page(shape("words", inner=inner)), "Two": page(shape(None, Master=2))}, {"2": shape("Decision")}, (), "Plan")
    outcomes = set()
    for name, content in whole.items():
        for cut in range(0, len(content), max(1, len(content) // 20)):
            source = open_source(packed({**whole, name: content[:cut]}), "a.vsdx")
            try:
                outcomes.add(len(list(elements_of(source, VISIO))) > 0)
            except DocumentError as error:
                outcomes.add(error.code)
    assert outcomes == {True, "damaged"}
