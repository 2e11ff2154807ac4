"""Where a program broke a line, a blank or nothing stands, by the letters around it (CSS Text Module Level 3, 4.1.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.line_breaks import between_lines, columns, without_breaks


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("名前は", "まだ無い。", ""),
        ("开门，", "下午六点关门", ""),
        ("「カード", "決済」", ""),
        ("ﾊﾝｶｸ", "ｶﾅ", ""),
        ("ราคา", "สินค้า", ""),
        ("회의는", "열렸다", " "),
        ("会议室 B", "楼上", " "),
        ("楼上", "meeting room", " "),
        ("The harbour", "office", " "),
        ("", "名前", " "),
    ],
)
def test_only_letters_that_know_no_blanks_stand_side_by_side(before: str, after: str, between: str) -> None:
    assert between_lines(before, after) == between


def test_the_other_line_breaks_of_a_text_stay() -> None:
    assert without_breaks("名前は\n  まだ\r\n無い。\nThe end\nof 吾輩\nは\n\n猫") == "名前はまだ無い。\nThe end\nof 吾輩は\n\n猫"


@given(st.text(alphabet="名前 a\n\r\té한"))
def test_nothing_but_blank_space_is_lost(text: str) -> None:
    assert "".join(without_breaks(text).split()) == "".join(text.split())


def test_wide_letters_take_two_columns() -> None:
    assert (columns("abc"), columns("名前 a"), columns("é")) == (3, 6, 1)
