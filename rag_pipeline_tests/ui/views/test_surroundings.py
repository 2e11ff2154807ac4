from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.chunker import Chunker
from rag_pipeline.models import Element, Hit, Place
from rag_pipeline_tests.ui.conftest import make_hit
from ui.views.surroundings import NEIGHBOURS, Surroundings, surroundings


def passages(*texts: str, first: int = 0) -> list[Hit]:
    return [make_hit(text, position=position, chunk_id=f"c{position}") for position, text in enumerate(texts, start=first)]


def paragraphs(around: Surroundings) -> list[str]:
    return ["".join(span.text for span in block.spans) for block in around.blocks if block.spans]


def marked(around: Surroundings) -> str:
    parts = [span.text for block in around.blocks for span in block.spans if span.marked]
    parts += [" | ".join(row.cells) for block in around.blocks for row in block.rows if row.marked]
    return "\n".join(parts)


def test_a_passage_stands_between_its_neighbours() -> None:
    around = passages("before it", "the passage", "after it")
    shown = surroundings(around[1], around)
    assert paragraphs(shown) == ["before it", "the passage", "after it"]
    assert marked(shown) == "the passage"
    assert (shown.cut_before, shown.cut_after) == (False, False)


def test_it_is_said_that_the_document_goes_on() -> None:
    later = passages("before it", "the passage", "after it", first=4)
    assert surroundings(later[1], later).cut_before
    many = passages("the passage", *["short"] * NEIGHBOURS)
    assert surroundings(many[0], many).cut_after


def test_words_that_stand_elsewhere_too_are_marked_in_their_place_only() -> None:
    around = passages("the same", "the same", "the same")
    shown = surroundings(around[1], around)
    assert [[span.marked for span in block.spans] for block in shown.blocks] == [[False], [True], [False]]


def test_what_stands_around_is_cut_to_a_window_at_words() -> None:
    around = passages(" ".join(f"a{n}" for n in range(3000)), "HERE IT IS", " ".join(f"b{n}" for n in range(3000)))
    shown = surroundings(around[1], around)
    text = " ".join(paragraphs(shown))
    assert (shown.cut_before, shown.cut_after) == (True, True)
    assert 2500 < len(text) < 3500
    assert f" {text.split()[0]} " in around[0].text
    assert f" {text.split()[-1]} " in around[2].text
    assert marked(shown) == "HERE IT IS"


def test_a_table_goes_on_over_passages_and_its_rows_are_marked() -> None:
    around = passages("Prices\nTool || Price\nSaw | 3", "Jigsaw | 4\nDrill | 5", "Ladder | 6\nAsk at the desk.")
    shown = surroundings(around[1], around)
    above, table, below = shown.blocks
    assert (paragraphs(shown), table.heading) == (["Prices", "Ask at the desk."], True)
    assert [(row.cells[0], row.marked) for row in table.rows] == [
        ("Tool", False), ("Saw", False), ("Jigsaw", True), ("Drill", True), ("Ladder", False),
    ]  # fmt: skip
    assert above.rows == below.rows == ()


def test_what_is_quoted_is_marked_more_in_its_place_only() -> None:
    around = passages("Ada came.", "Ada came. Ada left.\nTool || Price\nSaw | 3\nDrill | 5", "Ada left.")
    text = around[1].text
    places = [Place(text.index("Ada left"), text.index("\nTool")), Place(text.index("Drill"), len(text))]
    shown = surroundings(around[1], around, places)
    assert [[(span.text, span.marked, span.quoted) for span in block.spans] for block in shown.blocks if block.spans] == [
        [("Ada came.", False, False)],
        [("Ada came. ", True, False), ("Ada left.", True, True)],
        [("Ada left.", False, False)],
    ]
    assert [row.quoted for block in shown.blocks for row in block.rows] == [False, False, True]


def test_rows_without_their_header_name_no_columns() -> None:
    around = passages("Jigsaw | 4\nDrill | 5", first=3)
    assert not surroundings(around[0], around).blocks[0].heading


def test_a_passage_whose_neighbours_are_gone_is_shown_by_itself() -> None:
    shown = surroundings(make_hit("old words", position=2), [])
    assert marked(shown) == "old words"
    assert (shown.cut_before, shown.cut_after) == (True, True)


@given(st.lists(st.text(alphabet="ab \n|", min_size=1, max_size=60).filter(lambda text: text.strip()), min_size=1, max_size=5), st.data())
def test_the_marked_words_are_the_passages_words(texts: list[str], data: st.DataObject) -> None:
    around = passages(*(text.strip() for text in texts))
    hit = data.draw(st.sampled_from(around))
    shown = surroundings(hit, around)
    if "|" not in "".join(texts):
        assert "".join(marked(shown).split()) == "".join(hit.text.split())
        assert "".join(" ".join(paragraphs(shown)).split()) == "".join(" ".join(texts).split())


def test_neighbouring_chunks_are_the_document_and_share_nothing() -> None:
    """What the surroundings are put together from: the chunker leaves out no word and repeats none."""

    class Words:
        max_tokens = 64

        def count(self, text: str) -> int:
            return len(text.split()) + 2

        def count_many(self, texts: list[str]) -> list[int]:
            return [self.count(text) for text in texts]

    said = [f"Sentence {number} of it says {number * 7919}." for number in range(100)]
    chunks = Chunker(cast("object", Words())).chunk([Element("NarrativeText", " ".join(said))])  # type: ignore[arg-type]
    assert len(chunks) > 3
    assert " ".join(chunk.text for chunk in chunks).split() == " ".join(said).split()
