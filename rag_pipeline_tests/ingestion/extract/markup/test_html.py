import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


def test_headings_lists_and_tables(tmp_path: Path) -> None:
    body = """<h1>Guide</h1><p>Intro with <b>bold</b> words.</p><h2>Parts</h2><ul><li>bolt</li></ul>
        <table><caption>Sizes</caption><tr><th>name</th><th colspan=2>size</th></tr>
        <tr><td rowspan=2>bolt</td><td>3</td><td>mm</td></tr><tr><td>4</td><td>mm</td></tr></table>"""
    extraction = read(tmp_path, "a.html", page(body, "<title>Guide</title>"))
    assert [(element.kind, element.text) for element in extraction.elements] == [
        ("Title", "Guide"),
        ("NarrativeText", "Intro with bold words."),
        ("Title", "Parts"),
        ("ListItem", "bolt"),
        ("NarrativeText", "Sizes"),
        ("Table", "name || size\nbolt | 3 | mm\nbolt | 4 | mm"),
    ]
    assert extraction.elements[-1].heading_path == ("Guide", "Parts")


@pytest.mark.parametrize("tag", ["form", "details", "summary", "figure", "figcaption", "label", "button", "nav", "textarea", "main"])
def test_text_that_unstructured_would_drop_is_kept(tmp_path: Path, tag: str) -> None:
    assert element_with(read(tmp_path, "a.html", page(f"<p>before</p><{tag}>wanted words</{tag}><p>after</p>")), "wanted words")


@pytest.mark.parametrize("tag", ["section", "article", "main", "header", "my-card"])
@pytest.mark.parametrize("before", ["<title>T</title>", "<head><title>T</title>", "<meta charset=utf-8><title>T</title><script></script>"])
def test_a_page_may_leave_out_the_tags_of_its_head_and_body(tmp_path: Path, tag: str, before: str) -> None:
    body = f"<{tag}><h1>wanted</h1> words</{tag}> and <b>more</b> <section>of them</section>"
    assert " ".join(texts(read(tmp_path, "a.html", f"<!DOCTYPE html>{before}{body}".encode()))) == "T wanted words and more of them"


def test_at_a_line_end_of_the_source_no_blank_is_shown_between_chinese_or_japanese_letters(tmp_path: Path) -> None:
    body = "<p>名前は\n  まだ無い。Cats\nand 猫</p><p>이사회는\n열린다</p><pre>第一\n第二</pre>"
    shown = texts(read(tmp_path, "a.html", page(body)))
    assert shown[:2] == ["名前はまだ無い。Cats and 猫", "이사회는 열린다"]
    assert shown[2].split() == ["第一", "第二"]


def test_what_stands_beside_the_main_part_is_kept(tmp_path: Path) -> None:
    body = "<h1>first</h1><div><main><p>second</p></main></div><main>third</main><aside>fourth</aside><p>fifth</p>"
    assert texts(read(tmp_path, "a.html", page(body))) == ["first", "second", "third", "fourth", "fifth"]


@pytest.mark.parametrize("between", ["", "</body>", "</body></html>", "</BODY ></HTML>\n<html><head></head><body>", "</body><body>"])
def test_a_page_goes_on_behind_its_end(tmp_path: Path, between: str) -> None:
    assert texts(read(tmp_path, "a.html", f"<html><body><p>one two</p>{between}<p>three four</p></body></html>five".encode())) == [
        "one two",
        "three four",
        "five",
    ]


def test_control_characters_cost_nothing_but_themselves(tmp_path: Path) -> None:
    table = "<table><tr><th>se\x02cond&#1;</th><td>a&#x1F;\x0c</td></tr></table>"
    body = f"<p>fi\x01rst</p>{table}<input value='th\x0bird&#31;'><p>&#310;&#x1b9;</p>"
    assert " ".join(texts(read(tmp_path, "a.html", page(body)))).split() == ["first", "second", "|", "a", "third", "Ķƹ"]


def test_what_no_reader_sees_is_left_out(tmp_path: Path) -> None:
    body = "<p>seen</p><script>alert('no')</script><style>p {color: red}</style><!-- secret --><template>no</template>"
    assert texts(read(tmp_path, "a.html", page(body))) == ["seen"]


def test_the_title_of_a_page_comes_first(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.html", page("<p>words</p>", "<title>Name of the page</title>"))
    assert texts(extraction) == ["Name of the page", "words"]


def test_the_encoding_that_a_page_declares(tmp_path: Path) -> None:
    content = '<html><head><meta charset="windows-1251"></head><body><p>Привет, мир</p></body></html>'.encode("cp1251")
    assert texts(read(tmp_path, "a.html", content)) == ["Привет, мир"]
    declared_inside = b'<?xml version="1.0" encoding="utf-8"?><html><body><p>words</p></body></html>'
    assert texts(read(tmp_path, "a.xhtml", declared_inside)) == ["words"]


def test_groups_nested_too_deeply_are_flattened(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.html", page("<div>" * 5000 + "<p>deep words</p>" + "</div>" * 5000 + "<p>after</p>"))) == [
        "deep words",
        "after",
    ]


def test_other_elements_nested_too_deeply_are_refused_rather_than_cut(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.html", page("<ul><li>" * 500 + "words" + "</li></ul>" * 500))
    assert raised.value.code == "too_deep"


STORY = "<h1>Story</h1>" + "<p>A paragraph of the story, long enough to be what the page is about.</p>" * 3
LINKS = "<ul><li><a href='/a'>Start page</a></li><li><a href='/b'>Other story</a></li></ul>"


@pytest.mark.parametrize(
    "part",
    [
        f"<nav>{LINKS}</nav>",
        f"<div role='navigation'>{LINKS}</div>",
        f"<footer>{LINKS}</footer>",
        f"<div class='related share'>{LINKS}</div>",
        f"<aside><article>{LINKS}</article></aside>",
        "<div id='cookie-banner'>We value your privacy. Other story.</div>",
    ],
)
def test_boilerplate_around_the_content_is_left_out(tmp_path: Path, part: str) -> None:
    assert "Other story" not in " ".join(texts(read(tmp_path, "a.html", page(f"{part}<main>{STORY}</main>{part}"))))


OWN_LINKS = f"<article><h1>My links</h1>{LINKS * 4}</article>"
COMMENTS = "<div class='comments'><p>Somebody says that this is a fine list of links, and that there should be more of them.</p></div>"


@pytest.mark.parametrize(
    "body",
    [
        LINKS,  # a page of links is about its links
        f"<div class='container has-sidebar'>{OWN_LINKS}</div>{COMMENTS * 3}",
        f"<div class='toc layout'>{OWN_LINKS}</div>{COMMENTS * 3}",
        f"<section class='nav-content-wrap'><div role='main'><h1>My links</h1>{LINKS * 4}</div></section>{COMMENTS * 3}",
        f"<div class='toc layout'><div role='article'><h1>My links</h1>{LINKS * 4}</div></div>{COMMENTS * 3}",
        f"<header><article><h2><a href='/a'>The story</a></h2></article></header>{STORY}",
        f"<main>{STORY}<aside>An aside of the author.</aside></main>",
        f"<header><h1>Title</h1></header>{STORY}",
        f"{STORY}<footer>Written by a person in a place.</footer>",
    ],
)
def test_what_may_be_content_is_kept(tmp_path: Path, body: str) -> None:
    plain = " ".join(re.sub("<[^>]+>", " ", body).split())
    assert " ".join(texts(read(tmp_path, "a.html", page(body)))) == plain


@pytest.mark.parametrize("hidden", ["hidden", "style='display: none'", "style='visibility:hidden'", "style='font-size:0'"])
def test_hidden_text_is_left_out_and_named(tmp_path: Path, hidden: str) -> None:
    extraction = read(tmp_path, "a.html", page(f"<p>seen</p><p {hidden}>secret</p>"))
    assert texts(extraction) == ["seen"]
    assert extraction.notes == ("Text that the page hides from its readers was left out.",)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<ul><li>red</li><li>blue</li></ul>", "red blue"),
        ("<h3>Large</h3><p>and heavy</p>", "Large and heavy"),
        ("<table><tr><td>in</td><td>side</td></tr></table>", "in side"),
        ("so<b>me</b>", "some"),
        ("one<br>two", "one two"),
    ],
)
@pytest.mark.parametrize("names", ["<tr><th>name</th><th>what</th></tr>", "<tr><td>name</td><td>what</td></tr>"])
def test_a_table_of_data_stays_one_whatever_a_cell_holds(tmp_path: Path, names: str, cell: str, text: str) -> None:
    body = f"<table>{names}<tr><td>bolt</td><td>{cell}</td></tr><tr><td>nut</td><td>plain</td></tr></table>"
    assert texts(read(tmp_path, "a.html", page(body))) == [f"name || what\nbolt | {text}\nnut | plain"]


def test_a_table_that_places_things_reads_as_text(tmp_path: Path) -> None:
    menu, words = "<ul><li>Start</li><li>Contact</li></ul>", "<h1>News</h1><p>" + "Many words of the page. " * 20 + "</p>"
    body = f"<table><tr><td colspan=2><h2>Company</h2></td></tr><tr><td>{menu}</td><td>{words}</td></tr></table>"
    extraction = read(tmp_path, "a.html", page(body))
    assert "Table" not in {element.kind for element in extraction.elements}
    assert element_with(extraction, "Many words").heading_path[-1] == "News"


def test_a_table_of_thousands_of_rows_is_one_table(tmp_path: Path) -> None:
    """For each row all cells were looked at: 20,000 rows took more than ten minutes, which is longer than any file may take."""
    rows = "".join(f"<tr><td>{number}</td><td>value {number}</td></tr>" for number in range(8_000))
    (table,) = read(tmp_path, "a.html", page(f"<table>{rows}</table>")).elements
    assert table.kind == "Table"
    assert table.text.split("\n")[-1] == "7999 | value 7999"


def test_cells_over_rows_and_columns_keep_the_others_in_their_columns(tmp_path: Path) -> None:
    body = """<table><tr><th>a</th><th>b</th><th>c</th><th>d</th></tr><tr><td>1</td><td colspan=2>2</td><td rowspan=2>4</td></tr>
        <tr><td>5</td></tr><tr><td>6</td><td>7</td><td>8</td><td>9</td></tr></table>"""
    assert texts(read(tmp_path, "a.html", page(body))) == ["a || b || c || d\n1 | 2 |  | 4\n5 |  |  | 4\n6 | 7 | 8 | 9"]


def test_text_of_a_table_outside_its_cells_is_kept(tmp_path: Path) -> None:
    body = "<table>loose<tr><td>a</td><td>b</td></tr><tr>words<td>c</td><td>d</td></tr></table>"
    assert texts(read(tmp_path, "a.html", page(body))) == ["loose words", "a || b\nc | d"]


CELLS = st.sampled_from(
    ["{}", "<p>{}</p>", "<ul><li>{}</li><li>{}</li></ul>", "<ol><li>{}<ul><li>{}</li></ul></li></ol>", "<h2>{}</h2>{}", "<b>{}</b> {}",
     "<table><tr><td>{}</td><td>{}</td></tr></table>", "<table><tr><th>{}</th></tr><tr><td><ul><li>{}</li></ul></td></tr></table>",
     "<div><pre>{}</pre></div>", "<blockquote>{}</blockquote>", "<dl><dt>{}</dt><dd>{}</dd></dl>", "<a href='x'>{}</a><br>{}",
     "<form><label>{}</label><button>{}</button></form>"]
)  # fmt: skip


@settings(max_examples=60)
@given(st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=4)))
def test_every_word_of_every_cell_is_read_once_and_in_its_place(rows: list[list[str]]) -> None:
    number = 0
    wanted: list[list[list[str]]] = []
    body = ""
    for row in rows:
        body += "<tr>"
        wanted.append([])
        for cell in row:
            words = [f"w{number + index}" for index in range(cell.count("{}"))]
            number += len(words)
            body += f"<td>{cell.format(*words)}</td>"
            wanted[-1].append(words)
        body += "</tr>"
    head = "".join(f"<th>h{index}</th>" for index in range(len(rows[0])))
    (table,) = html_elements(f"<table><tr>{head}</tr>{body}</table>")
    assert [[cell.split() for cell in row.split(" | ")] for row in table.text.split("\n")[1:]] == wanted
    loose = html_elements(f"<table>{body}</table>")  # of data or not: it may read as text, but all of it
    assert Counter(" ".join(element.text for element in loose).replace("|", " ").split()) == Counter(f"w{index}" for index in range(number))


@pytest.mark.parametrize(
    ("declared", "encoding", "words"),
    [
        ("iso-8859-1", "cp1252", "“quoted” – 5 €"),  # by the Encoding Standard of the WHATWG, 4.2
        ("gb2312", "gb18030", "朱镕基"),
        ("x-sjis", "cp932", "日本語①"),
        ("windows-874", "cp874", "ก"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
    ],
)
def test_encodings_mean_what_writers_mean_by_them(tmp_path: Path, declared: str, encoding: str, words: str) -> None:
    content = f"<html><head><meta charset={declared}></head><body><p>{words}</p></body></html>".encode(encoding)
    assert texts(read(tmp_path, "a.html", content)) == [words]


@pytest.mark.parametrize("declared", ["undefined", "idna", "rot13", "no-such", "unicode_escape"])
def test_an_encoding_that_is_none_costs_nothing(tmp_path: Path, declared: str) -> None:
    words = "Un café à la crème, déjà servi là-bas"
    content = f"<html><head><meta charset={declared}></head><body><p>{words}</p></body></html>".encode("cp1252")
    assert texts(read(tmp_path, "a.html", content)) == [words]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<p>Total</p><p>5</p><div>7</div><p><b>无</b></p>", ["Total", "5", "7", "无"]),  # texts of one letter
        ("<p>s<b>o</b>me</p>", ["some"]),
        ("<p>so <math><mi>E</mi><mo>=</mo><mi>m</mi><annotation>E=m</annotation></math> it is</p>", ["so E = m it is"]),
        ("<svg><title>t</title><text>axis</text><text x=1><tspan>two</tspan> words</text></svg>", ["t axis two words"]),
        ("<svg><foreignObject><div>node words</div></foreignObject></svg>", ["node words"]),
        ("<p>Size <select><option>small<option selected>large</select> now</p>", ["Size large now"]),
        ("<p>Size <select><option>small<option>large</select></p>", ["Size small"]),
        ("<p>Any <select multiple><option>small<option>large</select></p>", ["Any small, large"]),
        ("<p>Name <input value='Ada'> <input type=hidden value=token> <input type=checkbox value=on></p>", ["Name Ada"]),
        ("<table><tr><th>a<th>b</tr><tr><td><input value=5><td><select><option>x<option selected>y</select></table>", ["a || b\n5 | y"]),
    ],
)
def test_what_a_page_shows_otherwise_than_as_text(tmp_path: Path, body: str, wanted: list[str]) -> None:
    assert texts(read(tmp_path, "a.html", page(body))) == wanted


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<svg><title>Looms sold</title><desc>More each year</desc><text>2020</text></svg>", "Looms sold More each year 2020"),
        ("<div role='img' aria-label='A loom'></div>", "A loom"),
        ("<map><area alt='The mill'><area alt='The river'></map>", "The mill The river"),
        ("<p>The <abbr title='World Health Organization'>WHO</abbr> says.</p>", "The WHO (World Health Organization) says."),
        ("<iframe srcdoc='<p>Words in a frame</p><script>gone</script>'></iframe>", "Words in a frame"),
    ],
)
def test_words_for_those_who_do_not_see_it(tmp_path: Path, body: str, said: str) -> None:
    found = texts(read(tmp_path, "a.html", f"<p>Some words.</p>{body}<p>Last words.</p>".encode()))
    assert " ".join(found) == f"Some words. {said} Last words."


def test_what_a_page_says_of_itself(tmp_path: Path) -> None:
    head = (
        "<meta name='Description' content='How looms are set up.'><meta name='keywords' content='words'><meta name='viewport' content='w'>"
    )
    assert texts(read(tmp_path, "a.html", f"{head}<p>Some words.</p>".encode())) == ["Description: How looms are set up.", "Some words."]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ('<ol type="a"><li>One</li><li><p>Two <b>or</b> three</p></li></ol>', ["a. One", "b. Two or three"]),
        ('<ol start="5"><li>Five</li><li value="9"><b>Nine</b></li><li>Ten</li></ol>', ["5. Five", "9. Nine", "10. Ten"]),
        ("<ol reversed><li>Two</li><li>One</li></ol>", ["2. Two", "1. One"]),
        ('<ol type="I" start="1999"><li>A year</li></ol>', ["MCMXCIX. A year"]),
        ('<ol style="color:red; list-style-type: lower-roman"><li>One</li><li>Two</li></ol>', ["i. One", "ii. Two"]),
        ('<ol type="A" start="26"><li>Zed</li><li>Next</li><li value="-1">Less</li></ol>', ["Z. Zed", "AA. Next", "-1. Less"]),
        ('<ol type="i"><li><ul><li>only a list</li></ul></li></ol>', ["i.", "only a list"]),
        ('<ol type="1"><li>One</li><li value="2">Two</li></ol><ol start="x"><li>Again</li></ol>', ["One", "Two", "Again"]),
        ("<ol><li>One</li></ol><ul><li value='7'>Plain</li></ul>", ["One", "Plain"]),
    ],
)
def test_numbers_of_lists_are_told_where_they_are_no_count(tmp_path: Path, lists: str, expected: list[str]) -> None:
    extraction = read(tmp_path, "a.html", f"<p>Words before the list.</p>{lists}<p>And words after it.</p>".encode())
    assert texts(extraction)[1:-1] == expected
