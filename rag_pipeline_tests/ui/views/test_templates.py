import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import ui
from rag_pipeline.models import Citation, Nearest, Place
from rag_pipeline_tests.ui.conftest import make_hit
from ui.views.citations import Source, footnotes, places_in, without_footnotes
from ui.views.environment import render
from ui.views.messages import failure_html, message_page

HOSTILE = "</p><script>x</script> {{ 7 * 7 }} {% raw %} ' \" & &amp;\r\n\r\n# no heading"


def test_what_a_template_is_given_is_text() -> None:
    for shown in (failure_html(HOSTILE, HOSTILE), message_page(HOSTILE, HOSTILE)):
        assert "&lt;/p&gt;&lt;script&gt;x" in shown
        assert "{{ 7 * 7 }} {% raw %} &#39; &#34; &amp; &amp;amp;&#10;&#10;# no heading" in shown
        assert "\n" not in shown
        assert "\r" not in shown


def test_what_a_template_names_and_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="message"):
        render("failure.html", title="It failed")


def test_the_lines_of_a_template_are_for_those_who_read_it() -> None:
    assert render("suggestions.html", names=["a b", "c\nd"]) == (
        "<datalist id='collection-names'><option value='a b'></option><option value='c&#10;d'></option></datalist>"
    )


def test_no_form_leaves_the_page_with_what_was_entered_before_its_script_is_there() -> None:
    """Without a method a browser would send it as part of an address: a password, too."""
    folder = Path(ui.__file__).parent / "views" / "templates"
    forms = [tag for file in folder.rglob("*.html") for tag in re.findall(r"<form\b[^>]*>", file.read_text())]
    assert len(forms) > 10
    leaving = [tag for tag in forms if not re.search(r"method=[\"'](?:dialog|post)[\"']", tag)]
    assert leaving == ['<form class="go" action="/documents/{{ page.document_id }}">']  # to another page of the same document


def test_every_template_is_used() -> None:
    root = Path(ui.__file__).parent
    folder = root / "views" / "templates"
    templates = {file: file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*.html"))}
    texts = {file: file.read_text() for file in [*root.rglob("*.py"), *templates]}
    assert len(templates) > 10
    assert [name for own, name in templates.items() if not any(f'"{name}"' in text for other, text in texts.items() if other != own)] == []


def test_a_source_has_one_name_and_one_address_for_pages_and_programs() -> None:
    citation = Citation(3, make_hit(document="a [x].pdf", collection="ä", page_first=1, page_last=2), 2)
    source = Source.of(citation)
    assert (source.name, source.url) == ("a [x].pdf, page 2", "/passages/%C3%A4/c1?page=2")
    quoting = Source.of(replace(citation, quoted=(Place(0, 3), Place(5, 9)))).url
    assert quoting == "/passages/%C3%A4/c1?page=2&quoted=0-3,5-9"
    assert places_in("0-3,5-9,4-4,x,9-12,-1-2," + "9" * 5000 + "-1", "ten signs.") == (Place(0, 3), Place(5, 9), Place(9, 10))
    below = footnotes([source], "http://app")
    assert below == "\n\n[3] [a (x).pdf, page 2](http://app/passages/%C3%A4/c1?page=2)"
    assert without_footnotes(f"Said [3].{below}") == "Said [3]."
    near = footnotes([Source.near(Nearest(citation.hit, ("One ![x](http://evil) week.", "No\nrefunds."), 2))], "http://app")
    assert (
        near
        == r"""

- [a (x).pdf, page 2](http://app/passages/%C3%A4/c1?page=2): “One \!\[x\](http://evil) week. … No refunds.”"""
    )
    assert without_footnotes(f"Nothing is said.{near}") == "Nothing is said."
