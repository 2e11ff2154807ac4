"""Which language is spoken, what it says, and that a catalogue says all of it."""

import ast
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment

import rag_pipeline
from rag_pipeline.answering.quoting.refusal import nothing_near
from rag_pipeline.document_life import HeldDeletions, HoldRules
from rag_pipeline.errors import RagError
from rag_pipeline.models import Nearest, Refused
from rag_pipeline_tests.ui.conftest import make_hit
from rag_pipeline_tests.ui.messages import ROOT, found, read, updated, written
from ui.views.language import ENGLISH, catalogues, gettext, languages, marked_up, ngettext, speaking
from ui.views.language.choice import chosen, require_spoken
from ui.views.language.formats import day, duration, listed, moment, number, percent, size
from ui.views.language.known import KNOWN
from ui.views.language.told import held_deletions_in_words, reason_of, stage_in_words, told
from ui.views.progress import progress_html
from ui.views.refusals import refusal_in_words

CATALOGUES = sorted(catalogues.FOLDER.glob("*.po"))
GERMAN = languages()["de"]
PLACES, TAGS = re.compile(r"\{\w+\}"), re.compile(r"<[^>]+>")
NAMES = {"nDCG@10", "Hit@1", "Hit@5", "pdf, docx", "odd even   asked"}
"""Shown in every language as they are, and names of classes that a macro makes."""


@pytest.mark.parametrize(
    ("accept", "fixed", "code"),
    [
        ("de", "auto", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "auto", "de"),
        ("DE-ch-1996", "auto", "de"),
        ("fr-FR, fr;q=0.9, en;q=0.1, de;q=0.5", "auto", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "auto", "en"),
        ("de;q=0, en", "auto", "en"),
        ("de;q=rubbish", "auto", "en"),
        ("fr, *", "auto", "en"),
        ("", "auto", "en"),
        (",;q=, ;;; de" * 999 + ",de", "auto", "en"),
        ("en", "de", "de"),
        ("de", "en", "en"),
    ],
)
def test_the_first_language_that_is_asked_for_and_spoken_is_chosen(accept: str, fixed: str, code: str) -> None:
    assert chosen(accept, fixed).code == code


def test_a_setting_that_names_no_language_is_refused() -> None:
    require_spoken("auto")
    require_spoken("de")
    with pytest.raises(RagError, match=r"RAG_LANGUAGE: 'tlh' is not spoken here.*auto, en, de"):
        require_spoken("tlh")


def test_a_message_is_said_in_the_language_that_is_spoken_within_and_no_longer() -> None:
    with speaking(GERMAN):
        assert gettext("{number} selected", number=1048) == "1.048 ausgewählt"
        assert [ngettext("{number} document", "{number} documents", count) for count in (1, 2)] == ["1 Dokument", "2 Dokumente"]
        assert gettext("no message at all") == "no message at all"
        shown = marked_up("Or copy files into <code>{folder}</code>. A folder in it is a collection.", folder="<b>")
        assert "<code>&lt;b&gt;</code>" in shown
    assert gettext("{number} selected", number=1048) == "1,048 selected"
    assert [ngettext("{number} document", "{number} documents", count) for count in (0, 1, 2048)] == [
        "0 documents",
        "1 document",
        "2,048 documents",
    ]


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    when = datetime(2026, 2, 1, 7, 5)

    def shown() -> list[str]:
        return [moment(when), day(when), number(1234.56, 1), percent(0.123), size(3456), duration(7900), listed(["a", "b", "c"])]

    assert shown() == ["2026-02-01 07:05", "2026-02-01", "1,234.6", "12.3%", "3.5 kB", "2 h 12 min", "a, b and c"]
    with speaking(GERMAN):
        assert shown() == [
            "01.02.2026, 07:05",
            "01.02.2026",
            "1.234,6",
            "12,3 %",
            "3,5 kB",
            "2 h 12 min",
            "a, b und c",
        ]


def test_what_the_pipeline_says_is_said_otherwise_or_by_its_code() -> None:
    words = "The archive is protected with a password. Put it into the passwords file (RAG_PASSWORDS_FILE), or save a copy without one."
    assert told(words) == words
    with speaking(GERMAN):
        assert told(words).startswith("Das Archiv ist mit einem Passwort geschützt. Das Passwort in die Passwortdatei")
        assert stage_in_words("vectors 312 of 1,048") == "Vektoren 312 von 1.048"
        assert told("2,048 documents cannot be answered from: see Documents.").startswith("2.048 Dokumente")
        assert told("[1] has no such number.") == "[1] enthält diese Zahl nicht."
        assert told("Never heard.") == "Never heard."
        reason = reason_of("damaged", "The PDF is damaged (x).")
        assert (reason.words[:27], reason.original) == ("Die Datei ist beschädigt. I", "The PDF is damaged (x).")
        held = held_deletions_in_words(HeldDeletions(2, datetime(2026, 1, 1)), HoldRules(0.5, 20, 24))
        assert held.startswith("Die Löschung von 2 Dokumenten ist zurückgehalten")
        assert "02.01.2026, 00:00 UTC" in held


def test_a_refusal_names_the_nearest_places_in_any_language() -> None:
    hits = (make_hit(document="a.pdf", page_first=3), make_hit(document="b.txt"))
    refused = Refused(nothing_near("Who?", hits, 3), tuple(map(Nearest, hits)), "", {})
    assert refusal_in_words(refused) == refused.reason
    with speaking(GERMAN):
        said = refusal_in_words(refused)
        assert "Am nächsten: a.pdf, Seite 3; b.txt." in said
        assert not re.search(r"\b(the|documents|try)\b", said, re.IGNORECASE)
        assert refusal_in_words(Refused("In words of the model's own.", (), "", {})) == "In words of the model's own."


# --- catalogues ---


def forms(one: Message) -> list[tuple[str, str]]:
    """Each form of a message with what it is in English."""
    if isinstance(one.id, str):
        return [(one.id, str(one.string or ""))]
    return [(one.id[min(place, 1)], str(form or "")) for place, form in enumerate(one.string)]


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_catalogue_has_all_messages_in_the_form_that_make_messages_writes(file: Path) -> None:
    catalog = read(file)
    wanted = {one.id for one in found() if one.id}
    assert {one.id for one in catalog if one.id} == wanted, "run: make messages"
    assert list(catalog.obsolete) == []
    assert written(updated(file)) == file.read_text(encoding="utf-8"), "run: make messages"


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_translation_is_there_and_holds_what_the_original_does(file: Path) -> None:
    messages = [one for one in read(file) if one.id]
    assert [one.id for one in messages if one.fuzzy or not all(text for _, text in forms(one))] == []
    for kind in (PLACES, TAGS):
        apart = [both for one in messages for both in forms(one) if sorted(kind.findall(both[0])) != sorted(kind.findall(both[1]))]
        assert apart == []


def test_scripts_are_given_their_own_messages_only() -> None:
    assert {"Copied", "{number} selected", "“{title}” deleted."} <= GERMAN.for_scripts
    assert "Settings in force" not in GERMAN.for_scripts
    assert len(GERMAN.for_scripts) < len(GERMAN.messages) / 3


def test_the_pipeline_says_what_is_known_of_it() -> None:
    """Most neighbouring words of a known sentence, which is put together of pieces there, stand beside each other in a source."""
    texts = [text for file in sources(Path(rag_pipeline.__file__).parent, ROOT) if file.name != "known.py" for text in texts_of(file)]
    together = re.sub(r"\s+", " ", "\n".join(texts))

    def share(text: str) -> float:
        pairs = [" ".join(pair) for part in PLACES.split(text) for pair in pairwise(part.strip(" .,:;()").split())]
        return sum(pair in together for pair in pairs) / len(pairs) if pairs else 1.0

    assert [text for text in KNOWN if share(text) < 0.5] == []


def texts_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sources(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


# --- no English in place ---


class Shown(HTMLParser):
    """What of a template's own text is shown: text, and attributes that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)
        self.words += [value for name, value in attrs if name in ("aria-label", "title", "placeholder", "alt", "data-label") and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            del self._within[len(self._within) - 1 - self._within[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not {"code", "kbd", "script", "style"} & set(self._within):
            self.words.append(data)


def own_words(template: str) -> list[str]:
    text = "".join(
        value if kind == "data" else " "
        for _, kind, value in Environment().lex(template)
        if kind in ("data", "variable_begin", "block_begin")
    )
    shown = Shown()
    shown.feed(text)
    shown.close()
    return [words.strip() for words in shown.words if re.search(r"[^\W\d_]", words) and words.strip() not in NAMES]


@pytest.mark.parametrize("file", sorted(ROOT.rglob("*.html")), ids=lambda file: file.name)
def test_a_template_shows_messages_and_no_words_of_its_own(file: Path) -> None:
    assert own_words(file.read_text()) == []


def test_words_of_a_template_are_found() -> None:
    assert own_words('<p title=\'{{ _("a") }}\'>{{ _("b") }} <code>c</code>{# d #}</p>') == []
    assert own_words("<p title='Read it'>{{ x }} again{% if y %} later{% endif %}</p>") == ["Read it", "again  later"]


SENTENCE = re.compile(r"[A-Z“][\w’'-]*,? [a-z][^\"`]*")
_TRANSLATING = {"gettext", "ngettext", "message", "marked_up"}


@pytest.mark.parametrize("file", sorted((ROOT / "views" / "static").rglob("*.js")), ids=lambda file: file.name)
def test_a_script_says_messages_and_no_sentences_of_its_own(file: Path) -> None:
    code = re.sub(r"^\s*//.*$|(?<=\s)// .*$", "", file.read_text(), flags=re.MULTILINE)
    code = re.sub(r"n?gettext\(\"[^\"]*\"(, \"[^\"]*\")?", "", code)
    assert [text for text in re.findall(r"[\"`]([^\"`\n]*)[\"`]", code) if SENTENCE.fullmatch(text)] == []


def test_what_scripts_say_is_found_wherever_it_stands() -> None:
    """Within a template string, too."""
    known = {one.id if isinstance(one.id, str) else one.id[0] for one in found() if one.id}
    said = [
        text
        for file in sorted((ROOT / "views" / "static").rglob("*.js"))
        for text in re.findall(r"gettext\(\"([^\"]*)\"", file.read_text())
    ]
    assert len(said) > 100
    assert [text for text in said if text not in known] == []


def sentences_in_place(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    said = {id(part) for call in ast.walk(tree) if isinstance(call, ast.Call) for part in ast.walk(call)
            if isinstance(call.func, ast.Name) and call.func.id in _TRANSLATING}  # fmt: skip
    raised = {id(part) for one in ast.walk(tree) if isinstance(one, ast.Raise) for part in ast.walk(one)}
    documented = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said | raised | documented
        if is_text and SENTENCE.match(node.value):
            yield node.value


@pytest.mark.parametrize("file", list(sources(ROOT / "views", ROOT / "pages")), ids=lambda file: file.name)
def test_a_module_of_what_is_shown_says_messages(file: Path) -> None:
    of_documents = [
        "What do the documents say about “{}”?",
        "Was steht in den Dokumenten über „{}“?",
    ]  # in the language of the documents, as a suggestion is
    assert [text for text in sentences_in_place(file) if text not in of_documents] == []


def test_a_language_is_a_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = 'msgid ""\nmsgstr "Language: he\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    (tmp_path / "he.po").write_text(f'{header}msgid "Stop"\nmsgstr "עצור"\n\nmsgid "Delete"\nmsgstr ""\n', encoding="utf-8")
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    hebrew = chosen("he-IL")
    assert (hebrew.code, hebrew.direction, ENGLISH.direction) == ("he", "rtl", "ltr")
    with speaking(hebrew):
        assert (gettext("Stop"), gettext("Delete")) == ("עצור", "Delete")
        assert "data-progress" in progress_html("line")


def test_a_catalogue_says_of_which_language_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.po").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n', encoding="utf-8")
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"x\.po does not say of which language"):
        languages()


def test_time_left_is_told_in_days_too() -> None:
    with speaking(GERMAN):
        assert [duration(timedelta(hours=hours).total_seconds()) for hours in (47, 48, 72)] == ["47 h", "2 Tage", "3 Tage"]
