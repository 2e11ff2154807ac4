"""The opening of a reply, however its pieces are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.generation.reply_opening import OpeningFilter

TEXTS = st.text(alphabet="ab [](),;0123459\n", max_size=60)


@given(TEXTS)
def test_an_opening_that_is_none_passes_unchanged(text: str) -> None:
    opening = OpeningFilter()
    assert "".join(opening.feed(character) for character in text) + opening.finish() == text
    assert not opening.not_found


def test_thoughts_that_never_end_show_nothing() -> None:
    opening = OpeningFilter()
    assert opening.feed("<think>so") + opening.feed(" and so") + opening.finish() == ""
