"""One part that is not understood costs that part, never the document."""

import pytest

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.source import MOST_NOTES, Source
from rag_pipeline_tests.ingestion.extract.documents import open_source


def test_a_part_that_fails_is_named_and_the_rest_goes_on() -> None:
    source = open_source(b"")
    with source.part("Slide 7"):
        raise AttributeError("no 'top'")
    with source.part("The sheet Plan"):
        raise DocumentError("damaged", "It is cut off.")
    assert source.notes == ["Slide 7 was not read (AttributeError: no 'top').", "The sheet Plan was not read: It is cut off."]
    assert source.unread_parts == 2


def test_a_library_that_breaks_costs_its_part() -> None:
    class Panic(BaseException):
        """As of a library written in Rust."""

    source = open_source(b"")
    with source.part("Sheet A"):
        raise Panic("index out of bounds")
    assert source.notes == ["Sheet A was not read (Panic: index out of bounds)."]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), TransientError("vanished", "gone")])
def test_what_concerns_the_whole_document_is_raised(error: BaseException) -> None:
    with pytest.raises(type(error)), open_source(b"").part("Slide 7"):
        raise error


def test_a_thousand_parts_give_no_thousand_notes() -> None:
    source: Source = open_source(b"")
    for number in range(1000):
        with source.part(f"Slide {number}"):
            raise ValueError
    assert len(source.notes) == MOST_NOTES + 1
    assert source.notes[-1] == "More parts were not read."
