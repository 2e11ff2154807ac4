"""What is quoted of Markdown documents reads as when they are rendered, and stays as it is where that cannot be told. The examples of
inline markup are those of CommonMark 0.31 and GitHub's strikethrough."""

import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from docx import Document

from rag_pipeline.models import Answered, Citation, Computed, Hit, Mark, Nearest, Unverified
from rag_pipeline.stores.conversations import Conversation, StoredMessage
from rag_pipeline_tests.ui.conftest import make_hit
from ui.views.citations import Source, footnotes
from ui.views.exports import markdown_answer, plain_answer, word_document
from ui.views.markdown.documents import answer_as_read, as_read, passage_as_read
from ui.views.turns import Turn, turn_html

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "The **spare key** hangs behind the `boiler door`, see [the plan](http://example.com/plan)."
KEY_READ = "The spare key hangs behind the boiler door, see the plan (http://example.com/plan)."


def markdown(text: str, document: str = "a/handbook.md") -> Hit:
    return make_hit(text, document=document)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*foo bar* and **foo**", "foo bar and foo"),
        ("a * foo bar*", "a * foo bar*"),
        ("***strong** in emph*", "strong in emph"),
        ("``foo ` bar``", "foo ` bar"),
        ("~~Hi~~ Hello", "Hi Hello"),
        (r"\*not emphasized\*", "*not emphasized*"),
        ("&copy; AT&amp;T", "© AT&T"),
        ("[link](/uri 'title')", "link"),
        ("[**bold** link](https://example.com/a)", "bold link (https://example.com/a)"),
        ("[https://example.com](https://example.com)", "https://example.com"),
        ("[write](mailto:a@example.com) <mailto:b@example.com>", "write (mailto:a@example.com) mailto:b@example.com"),
        ("![a red lamp](http://example.com/lamp.png)", "a red lamp"),
        ("[go](javascript:alert(1))", "[go](javascript:alert(1))"),
        ("<b onclick='x'>bold</b>", "<b onclick='x'>bold</b>"),
        ("handlers[name](request)", "handlers[name](request)"),
        ("__init__ and snake_case_name", "__init__ and snake_case_name"),
        ("- a *b*\n- c", "a b\nc"),
        ("a `b`\n\n```\nx = `a` ** 2 *3*\n```\n\n`c`", "a b\n\n```\nx = `a` ** 2 *3*\n```\n\nc"),
        ("x = `a`\n```\n\nThen `b`", "x = `a`\n```\n\nThen `b`"),  # begins within code: what of it is, cannot be told
    ],
)
def test_signs_are_read(written: str, read: str) -> None:
    assert passage_as_read(markdown(written)) == read
    assert passage_as_read(markdown(written, "notes.txt")) == written


def test_a_sentence_is_read_with_the_signs_around_it() -> None:
    hit = markdown("Before.\n\n**Note: the key is *here*. It was `lost\nonce` before.** Then more.\n\n```\ncall(`a`)\n```")
    assert [as_read(text, hit) for text in ("Note: the key is *here*.", "**Note: the key is *here*.", "It was `lost once` before.**")] == [
        "Note: the key is here.",
        "Note: the key is here.",
        "It was lost once before.",
    ]
    assert as_read("Keys: **Note: the key is *here*.", hit) == "Keys: Note: the key is here."
    assert as_read("call(`a`)", hit) == "call(`a`)"
    assert as_read("Part; **Lamp** | `12`", hit) == "Part; Lamp | 12"  # put together from a row: it does not stand so in the passage


def answered(text: str, *hits: Hit) -> Answered:
    marks = tuple(Mark(one.start(), one.end(), int(one[1])) for one in re.finditer(r"\[(\d)\]", text))
    return Answered(text, tuple(Citation(number, hit) for number, hit in enumerate(hits, start=1)), "?", {}, marks=marks)


def test_places_in_an_answer_move_with_its_words() -> None:
    hits = markdown(f"{KEY}\n- It costs **12** euros, `7` more."), make_hit("**Plain** text", document="a.txt")
    end = answered(f"{KEY} [1] - It costs **12** euros, `7` more. [1][2] **Plain** text [2]", *hits)
    twelve, seven = end.answer.index("12"), end.answer.index("7")
    end = Answered(
        end.answer, end.citations, "?", {}, marks=end.marks, unverified=(Unverified(twelve, twelve + 2, "number", "No."),),
        computed=(Computed(seven, seven + 1, "sum", ("3", "4"), (1,)),),
    )  # fmt: skip
    shown = answer_as_read(end)
    assert shown.answer == f"{KEY_READ} [1] It costs 12 euros, 7 more. [1][2] **Plain** text [2]"
    said = [shown.answer[one.start : one.end] for one in (*shown.marks, *shown.unverified, *shown.computed)]
    assert said == ["[1]", "[1]", "[2]", "[2]", "12", "7"]


def test_it_reads_so_wherever_people_are_shown_it_and_stays_as_written_in_what_is_kept() -> None:
    end = answered(f"{KEY} [1]", markdown(KEY))
    page = turn_html(Turn("Where is it?", markdown=False, text=end.answer, hits=(markdown(KEY),), marks=end.marks))
    over = turn_html(Turn("Where is it?", markdown=False, end=end))
    near = Source.near(Nearest(markdown(KEY), (KEY,)))
    question = StoredMessage("q", "user", "Where is it?", "complete", NOW)
    kept = StoredMessage("a", "assistant", end.answer, "complete", NOW, {"citations": [one.to_json() for one in end.citations]})
    conversation = Conversation("c", "Keys", NOW, NOW, (question, kept))
    paragraphs = [one.text for one in Document(BytesIO(word_document(conversation, ""))).paragraphs]
    assert near.snippets == [KEY_READ]
    assert "The spare key hangs behind the boiler door" in footnotes([near], "")
    assert f"{KEY_READ} [1]" in paragraphs
    assert plain_answer(question, kept) == KEY_READ
    for shown in (page, over, markdown_answer(question, kept, "")):
        assert ("spare key hangs behind the boiler door" in shown, "**spare" in shown) == (True, False)
    assert "<a href='http://example.com" not in over + page
    assert "**spare key**" in kept.content
