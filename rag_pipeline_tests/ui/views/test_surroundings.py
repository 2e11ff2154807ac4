from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.stores.catalog.text_windows import TextWindow
from ui.views.surroundings import Surroundings, locate, surroundings


def marked(around: Surroundings) -> str:
    parts = [span.text for block in around.blocks for span in block.spans if span.marked]
    parts += [" | ".join(row.cells) for block in around.blocks for row in block.rows if row.marked]
    return "\n".join(parts)


def test_a_passage_is_found_whatever_the_white_space() -> None:
    start, end = locate("two  three\nfour", "one two\n\nthree four five") or (0, 0)
    assert "one two\n\nthree four five"[start:end] == "two\n\nthree four"


def test_a_passage_that_leaves_something_out_is_found_by_its_ends() -> None:
    words = [f"word{number}" for number in range(40)]
    text = " ".join([*words[:20], "PAGE 7", *words[20:]])
    assert locate(" ".join(words), text) == (0, len(text))


def test_what_is_not_there_is_not_found() -> None:
    assert locate("no such thing", "something else") is None
    assert locate("  ", "text") is None


def test_a_later_window_is_looked_at_when_the_first_does_not_hold_the_passage() -> None:
    windows = [TextWindow("the passing", True, False), TextWindow("before it\n\nthe passage\n\nafter it", False, True)]
    around = surroundings("the passage", windows)
    assert [span.text for block in around.blocks for span in block.spans] == ["before it", "the passage", "after it"]
    assert marked(around) == "the passage"
    assert (around.cut_before, around.cut_after) == (True, False)


def test_a_long_document_is_cut_to_a_window_at_words() -> None:
    text = " ".join(f"a{n}" for n in range(3000)) + " HERE IT IS " + " ".join(f"b{n}" for n in range(3000))
    around = surroundings("HERE IT IS", [TextWindow(text)])
    shown = "".join(span.text for block in around.blocks for span in block.spans)
    assert (around.cut_before, around.cut_after) == (True, True)
    assert 2500 < len(shown) < 3500
    assert f" {shown.split()[0]} " in text
    assert f" {shown.split()[-1]} " in text
    assert marked(around) == "HERE IT IS"


def test_rows_of_a_table_are_marked_as_rows() -> None:
    around = surroundings("Jigsaw | 4\nDrill | 5", [TextWindow("Tool | Price\nSaw | 3\nJigsaw | 4\nDrill | 5\nLadder | 6")])
    (table,) = around.blocks
    assert table.heading
    assert [(row.cells[0], row.marked) for row in table.rows] == [
        ("Tool", False), ("Saw", False), ("Jigsaw", True), ("Drill", True), ("Ladder", False),
    ]  # fmt: skip


def test_a_passage_that_is_gone_from_the_text_is_shown_by_itself() -> None:
    around = surroundings("old words", [TextWindow("new words")])
    assert marked(around) == "old words"
    assert around.cut_before


@given(st.text(alphabet="ab \n|", max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_the_marked_words_are_the_passages_words(text: str, start: int, end: int) -> None:
    passage = text[min(start, end) : max(start, end)]
    around = surroundings(passage, [TextWindow(text)])
    if passage.split() and "|" not in text:
        assert "".join(marked(around).split()) == "".join(passage.split())
