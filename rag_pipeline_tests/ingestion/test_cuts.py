import sys

from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.chunker import Chunker
from rag_pipeline.ingestion.cuts import spans_in
from rag_pipeline.models import Element
from rag_pipeline.stores.catalog.document_text import BLANKS
from rag_pipeline_tests.ingestion.test_chunker import word_counter

TEXTS = st.text(alphabet="ab. \n\u00a0\u2003", max_size=120)


def letters(text: str) -> int:
    return len("".join(text.split()))


@given(st.lists(st.tuples(st.sampled_from(["NarrativeText", "Title", "Table"]), TEXTS), max_size=6))
def test_each_chunks_words_are_found_in_the_elements_it_was_cut_from(drawn: list[tuple[str, str]]) -> None:
    elements = [Element(kind, text) for kind, text in drawn]  # type: ignore[arg-type]
    chunks = Chunker(word_counter(256), 16).chunk(elements)
    starts = [(chunk.position, sum(letters(one.text) for one in chunks[: chunk.position])) for chunk in chunks]
    found = {chunk.position: "" for chunk in chunks}
    begun = []
    for index, element in enumerate(elements):
        spans = spans_in(element.text, sum(letters(one.text) for one in elements[:index]), starts)
        assert "".join(element.text[span.start : span.end] for span in spans) == element.text or not letters(element.text)
        for span in spans:
            found[span.chunk] += element.text[span.start : span.end]
        begun += [span.chunk for span in spans if span.begins]
    assert {position: "".join(text.split()) for position, text in found.items()} == {
        chunk.position: "".join(chunk.text.split()) for chunk in chunks
    }
    assert begun == [chunk.position for chunk in chunks]


def test_blanks_are_counted_alike_by_the_catalog_and_here() -> None:
    assert {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()} == set(BLANKS)
