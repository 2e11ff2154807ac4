import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.conversation.remembered import stored_form
from rag_pipeline.answering.generation.marks import marks_in
from rag_pipeline.answering.quoting.refusal import WHICH_DOCUMENT
from rag_pipeline.models import Answered, Box, Citation, Failed, Mark, Nearest, Place, Provenance, Reformulated, Refused, Retrieved, Token
from rag_pipeline.stores.conversations.records import StoredMessage
from rag_pipeline_tests.ui.conftest import make_hit
from ui.views import rendering
from ui.views.citations import Source, page_label, passage_url
from ui.views.turns import Turn, question_html, shown_turn, turn_html, turn_of

HIT = make_hit(document="Über <b>.pdf", collection="my docs", chunk_id="a/b", page_first=2)
CITED = [Citation(1, HIT), Citation(2, make_hit(chunk_id="c2"))]
OUR_TAGS = frozenset(re.findall(r"\w+", "p br hr em strong s a h1 h2 h3 h4 h5 h6 ul ol li pre code blockquote table thead tbody tr th td"))
HOSTILE = [
    "<img src=http://example.com/x.png onerror=alert(1)>",
    "![x](http://example.com/y.png)",
    "[click](javascript:alert(1)) [go](http://example.com)",
    "<script>fetch('http://example.com')</script>",
    "[x][1]\n\n[1]: http://example.com/z.png",
    "<http://example.com>",
    "| a |\n|---|\n| ![x](http://example.com) |",
    "`` <iframe src=//example.com> ``",
    "<div style='background:url(http://example.com)'>",
]


@pytest.mark.parametrize("markdown", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_model_or_document_says_becomes_a_request(text: str, markdown: bool) -> None:
    shown = answer_html(text, CITED, markdown=markdown)
    assert not re.search(r"<(img|script|iframe|a href='?http|link|style|div|object|svg)", shown)
    assert [address for address in re.findall(r"<a [^>]*href='([^']*)'", shown) if not address.startswith("/passages/")] == []
    assert "src=" not in re.sub(r"&lt;.*?&gt;", "", shown)


@given(st.text(alphabet=st.sampled_from("<>&'\"`*_#[]()!|-1 2\n\rhttps:/xsrcimg=")), st.booleans())
def test_any_text_gives_only_tags_of_ours_on_one_line(text: str, markdown: bool) -> None:
    shown = answer_html(text, CITED, markdown=markdown)
    assert "\n" not in shown
    assert "\r" not in shown
    names = set(re.findall(r"<\s*([a-zA-Z][a-zA-Z0-9]*)", shown))
    assert names <= OUR_TAGS


def test_a_citation_links_to_its_passage_and_says_where_it_leads() -> None:
    shown = answer_html("It works [1], and [2].", CITED, markdown=True)
    assert "href='/passages/my%20docs/a%2Fb'" in shown
    assert "title='Über &lt;b&gt;.pdf, page 2'" in shown
    assert shown.count("class='cite'") == 2


@pytest.mark.parametrize("text", ["see [7]", "`a[1]`", "an array[x]"])
def test_what_is_no_citation_stays_text(text: str) -> None:
    assert "class='cite'" not in answer_html(text, CITED, markdown=True)


@pytest.mark.parametrize("markdown", [True, False])
def test_only_the_marks_that_an_answer_tells_are_links(markdown: bool) -> None:
    text = "As shown [1] `a [2]` by Ada [2]. [1]"
    shown = rendering.answer_html(text, CITED, (Mark(33, 36, 1),), markdown=markdown)
    assert shown.count("class='cite'") == 1
    assert "As shown [1]" in shown
    assert "by Ada [2]. <a class='cite'" in shown
    assert "[2]</code>" in rendering.answer_html("`a [2]`", CITED, (Mark(3, 6, 2),), markdown=True)


@given(st.text(alphabet="ab [1]2`*\n\ufdd0\ufdd1"), st.booleans())
def test_no_sign_of_ours_is_left(text: str, markdown: bool) -> None:
    shown = answer_html(text, CITED, markdown=markdown)
    assert "\ufdd0" not in shown
    assert "\ufdd1" not in shown


def test_quoted_text_is_not_read_as_markdown() -> None:
    assert "# not a heading *at all*" in answer_html("# not a heading *at all*", (), markdown=False)
    assert "<strong>bold</strong>" in answer_html("**bold**", (), markdown=True)


def test_code_keeps_its_empty_lines_without_ending_the_block() -> None:
    assert "a&#10;&#10;b" in answer_html("```\na\n\nb\n```", (), markdown=True)


def test_names_that_are_no_text_can_be_shown() -> None:
    assert "a\\udcff.pdf" in question_html("a\udcff.pdf")


def test_pages_are_named_only_where_the_format_has_them() -> None:
    assert page_label(make_hit()) == ""
    assert page_label(make_hit(page_first=3)) == "page 3"
    assert page_label(make_hit(page_first=3, page_last=4)) == "pages 3–4"
    assert passage_url(make_hit(collection="ä/b")) == "/passages/%C3%A4%2Fb/c1"


def answer_html(text: str, citations: Sequence[Citation], *, markdown: bool) -> str:
    return rendering.answer_html(text, citations, marks_in(text, len(citations)), markdown=markdown)


def turn(*events: object, question: str = "Is the lamp repaired?") -> str:
    made = Turn(question, markdown=True)
    for event in events:
        made = made.after(event)  # type: ignore[arg-type]
    return turn_html(made)


def test_a_turn_at_each_moment_of_its_stream() -> None:
    first, found, text, mark = Reformulated("Is the lamp repaired?"), Retrieved((HIT,)), Token("Yes "), Token("[1]", 1)
    assert "Searching" in turn(first)
    assert "Reading 1 passage<" in turn(first, found)
    streaming = turn(first, found, text, mark)
    assert "live" in streaming
    assert "<a class='cite'" in streaming
    done = turn(
        first, found, text, mark, Answered("Yes [1]", (CITED[0],), "Is the lamp repaired?", {"total": 1.25}, "m<1>", marks=(Mark(4, 7, 1),))
    )
    assert "live" not in done
    assert "class='source'" in done
    assert "m&lt;1&gt; · 1.2 s" in done
    assert "Searched for" not in done


def test_the_reformulated_question_is_shown_only_when_it_differs() -> None:
    assert "Searched for “<bdi>the brass lamp</bdi>”" in turn(Reformulated("the brass lamp"))
    assert "Searched for" not in turn(Reformulated("is the lamp   repaired"))


def test_what_was_asked_before_is_shown_while_it_is_searched_for_and_where_the_answer_leant_on_it() -> None:
    searched = Reformulated("And in May?", (), "And in May? Who swam in June?")
    end = Refused("Nothing there.", (Nearest(HIT),), "And in May?", {}, provenance=Provenance({}, (HIT,), "", "", {}))
    leant = replace(end, provenance=Provenance({}, (HIT,), searched.with_topic, "", {}))
    shown = [turn(searched, *after, question="And in May?") for after in ((), (end,), (leant,))]
    assert ["what was asked before: “<bdi>Who swam in June?</bdi>”" in one for one in shown] == [True, False, True]
    assert not any("Searched for “" in one for one in shown)


def test_a_refusal_and_a_failure_look_like_neither_each_other_nor_an_answer() -> None:
    refused = turn(Refused("Nothing there.", (Nearest(HIT),), "q", {}))
    failed = turn(Retrieved((HIT,)), Token("Half an ans"), Failed("The model <hung> up.", "chat_x"))
    assert "class='refusal'" in refused
    assert "Nearest passages" in refused
    assert "class='failure'" in failed
    assert "Half an ans" in failed
    assert "&lt;hung&gt;" in failed
    assert "class='failure'" not in refused
    assert "class='answer'" not in refused


def test_below_a_refusal_stand_the_sentences_that_come_nearest_and_how_other_passages_begin() -> None:
    text = "Home | FAQ\nOne free week.\nNo refunds."
    nearest = Nearest(make_hit(text, chunk_id="c7"), ("One free <week>.", "No refunds."), None, (Place(11, 25),))
    refused = Refused("Nothing there.", (nearest, Nearest(make_hit(text))), "q", {})
    shown = turn(refused)
    texts = ["One free &lt;week&gt;.", "No refunds.", "Home | FAQ One free week. No refunds."]
    assert re.findall("class='source-text' dir='auto'>([^<]*)<", shown) == texts
    assert "/passages/default/c7?quoted=11-25" in shown
    assert "<strong>Not found in your documents</strong>" in shown
    assert "<strong>Please say which one</strong>" in turn(replace(refused, reason=WHICH_DOCUMENT))
    reason, state, detail = stored_form("", refused)
    question = StoredMessage("1", "user", "q", "complete", datetime(2026, 1, 1))
    kept = StoredMessage("2", "assistant", reason, state, datetime(2026, 1, 1), json.loads(json.dumps(detail)))
    assert [one.snippets for one in shown_turn(turn_of(question, kept, markdown=False)).sources] == [
        one.snippets for one in map(Source.near, refused.nearest)
    ]


def test_what_was_withdrawn_is_shown_on_request_alone_and_stays_so_when_it_was_kept() -> None:
    detail = {
        "citations": [],
        "nearest": [],
        "timings": {},
        "reformulated_question": "q",
        "model": "m",
        "marks": [],
        "withdrawn": "In <Lyon>.",
    }
    question = StoredMessage("1", "user", "q", "complete", datetime(2026, 1, 1))
    ends = (Answered("Body", (), "q", {}, "m", withdrawn="In <Lyon>."), Refused("Nothing.", (), "q", {}, withdrawn="In <Lyon>."))
    for end, content, state in zip(ends, ("Body", "Nothing."), ("complete", "refused"), strict=True):
        live = turn_html(Turn("q", markdown=False, searched="q").after(Token("In <Lyon>.")).after(end))
        before, _, on_request = live.partition("<details class='withdrawn'>")
        assert content in before
        assert "Lyon" not in before
        assert "<p dir='auto'>In &lt;Lyon&gt;.</p></details>" in on_request
        assert "Written by" not in live
        kept = StoredMessage("2", "assistant", content, state, datetime(2026, 1, 1), detail)  # type: ignore[arg-type]
        assert turn_html(replace(turn_of(question, kept, markdown=False), message_id="")) == live


def test_a_question_is_shown_as_it_was_typed() -> None:
    assert question_html("a <b>\nc") == "<div class='question' dir='auto'>a &lt;b&gt;&#10;c</div>"


def test_of_a_passage_on_several_pages_the_one_with_the_claim_is_linked() -> None:
    hit = make_hit(page_first=1, page_last=2)
    turn = Turn("q", markdown=False).after(Answered("Yes [1].", (Citation(1, hit, 2),), "q", {}, marks=(Mark(4, 7, 1),)))
    assert turn_html(turn).count("/passages/default/c1?page=2'") == 2
    assert ">page 2<" in turn_html(turn)
    assert passage_url(make_hit(page_first=2), 2).endswith("/c1")


def test_a_kept_answer_is_shown_as_it_was() -> None:
    boxes = (Box(1, 0, 0, 1, 0.1, 0, 5), Box(2, 0, 0, 1, 0.1, 6, 10))
    citation = Citation(1, make_hit("Title\nBody", page_first=1, page_last=2, boxes=boxes, copies=("a/b.txt",)), 2)
    detail = {"citations": [citation.to_json()], "timings": {"total": 0.5}, "reformulated_question": "q", "model": None}
    question = StoredMessage("1", "user", "q", "complete", datetime(2026, 1, 1))
    answer = StoredMessage("2", "assistant", "Body [1]", "complete", datetime(2026, 1, 1), json.loads(json.dumps(detail)))
    live = Turn("q", markdown=False, searched="q").after(Answered("Body [1]", (citation,), "q", {"total": 0.5}, marks=(Mark(5, 8, 1),)))
    assert turn_html(turn_of(question, answer, "7", markdown=False)) == turn_html(replace(live, message_id="2", conversation="7"))
    assert ">Body<" in turn_html(live)
