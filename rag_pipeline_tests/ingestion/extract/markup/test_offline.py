"""Nothing in a document, and nothing in a library that reads it, may open a connection or start a program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE

from rag_pipeline.ingestion.extract.markup.unstructured_offline import prepare_unstructured, rule_based_english
from rag_pipeline_tests.ingestion.extract.documents import deck, word_document, workbook

REFERENCES = """<html><head><link rel="stylesheet" href="http://canary.invalid/a.css"><base href="http://canary.invalid/">
<meta http-equiv="refresh" content="0; url=http://canary.invalid/"></head><body><h1>Words</h1><p>Enough words to be narrative text.</p>
<img src="http://canary.invalid/a.png"><iframe src="file:///etc/passwd"></iframe><script src="http://canary.invalid/a.js"></script>
<object data="http://canary.invalid/"></object></body></html>"""
DOCTYPE = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>words &x;</p></body></html>'

TEMPLATE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"

PROGRAM = """
import json, sys
events = []
WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.exec", "os.posix_spawn")
sys.addaudithook(lambda name, arguments: events.append(f"{name} {arguments}") if name in WATCHED else None)
from pathlib import Path
from rag_pipeline.ingestion.extract import HEAD_BYTES, extract, media_type_of
texts = []
for path in map(Path, sys.argv[1:]):
    texts += [element.text for element in extract(path, media_type_of(path.name, path.read_bytes()[:HEAD_BYTES])).elements]
print(json.dumps({"events": events, "text": "\\n".join(texts)}))
"""


def with_template() -> bytes:
    def fill(document: Document) -> None:
        document.add_heading("Words", 1)
        document.add_paragraph("Enough words here to be narrative text, with a verb that is needed.")
        document.part.relate_to("http://canary.invalid/t.dotm", TEMPLATE, is_external=True)
        document.part.relate_to("http://canary.invalid/a.png", RELATIONSHIP_TYPE.IMAGE, is_external=True)

    return word_document(fill)


def test_no_connection_is_opened_and_no_program_started(tmp_path: Path) -> None:
    files = {
        "a.html": REFERENCES.encode(),
        "b.html": DOCTYPE.encode(),
        "a.eml": b"Subject: x\nContent-Type: text/html\n\n" + REFERENCES.encode(),
        "a.docx": with_template(),
        "a.pptx": deck(("Title", "Some words in a text that is narrative.")),
        "a.xlsx": workbook({"S": [['=WEBSERVICE("http://canary.invalid/")', "words"]]}),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    blocked = ("DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "UNSTRUCTURED_DISABLE_NOTICE")
    environment = {name: value for name, value in os.environ.items() if name not in blocked}
    environment["PYTHONPATH"] = str(Path(__file__).parents[4])
    command = [sys.executable, "-c", PROGRAM, *(str(tmp_path / name) for name in files)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["events"] == []
    assert "root:" not in found["text"]
    assert done.stderr == ""


def test_the_rule_based_pipeline_knows_sentences_and_verbs() -> None:
    document = rule_based_english()("The pump was repaired. It works.")
    assert [sentence.text for sentence in document.sents] == ["The pump was repaired.", "It works."]
    assert [token.text for token in document if token.tag_ == "VB"] == ["was", "repaired"]


def test_an_installed_model_is_left_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from unstructured.nlp import tokenize

    monkeypatch.setattr(tokenize, "_load_spacy_model", "untouched")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    prepare_unstructured.__wrapped__()
    assert tokenize._load_spacy_model == "untouched"
