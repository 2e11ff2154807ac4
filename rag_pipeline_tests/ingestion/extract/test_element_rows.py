"""Elements on their way from one process to another, and to the catalog."""

from rag_pipeline.ingestion.extract.element_rows import element_frame, element_row, elements_in
from rag_pipeline.models import Box, Element

ELEMENTS = [
    Element("Title", "Ärger 🎉", 1, (), (Box(1, 0.123456789, 0.0, 1.0, 0.5, 0, 5),)),
    Element("Table", "a || b\n1 | 2", None, ("Ärger 🎉", "Below"), (), "a | b"),
    Element("NarrativeText", "", 2, (), (Box(1, 0.1, 0.2, 0.3, 0.4, 0, 1), Box(2, 0.5, 0.6, 0.7, 0.8, 1, 2))),
]


def test_elements_come_back_as_they_went_with_boxes_to_five_decimals() -> None:
    rows = [element_row("key", 7 + index, element) for index, element in enumerate(ELEMENTS)]
    frame = element_frame(rows)
    first, *others = elements_in(frame)
    assert others == ELEMENTS[1:]
    assert first == Element("Title", "Ärger 🎉", 1, (), (Box(1, 0.12346, 0.0, 1.0, 0.5, 0, 5),))
    assert frame["position"].to_list() == [7, 8, 9]
    assert frame["extraction_key"].unique().to_list() == ["key"]


def test_no_elements_are_a_frame_too() -> None:
    assert elements_in(element_frame([])) == []
