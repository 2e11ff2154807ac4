"""The command line as scripts use it: exit status, clean JSON, plain words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rag_pipeline.cli import commands
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.servers import free_port
from rag_pipeline_tests.stores.test_tags import give
from rag_pipeline_tests.ui.documents import make_document


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def rag(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RAG_DATA_DIR": str(data), "RAG_SETTLE_SECONDS": "0"}
    return subprocess.run([sys.executable, "-m", "rag_pipeline", *arguments], capture_output=True, text=True, env=environment, timeout=200)


def here(*arguments: str) -> Result:
    """The same in this process, where a new one would show no more: starting one costs seconds."""
    return CliRunner().invoke(commands.cli, arguments)


def as_json(result: subprocess.CompletedProcess[str] | Result) -> object:
    status = result.exit_code if isinstance(result, Result) else result.returncode
    assert status == 0, result.stderr
    return json.loads(result.stdout)


def test_status_names_what_could_not_be_read() -> None:
    document = make_document(document="deck.pptx", warnings=("Slide 7 was not\nread.",))
    assert commands._status_line(document).splitlines()[1].strip() == "warning: Slide 7 was not\\nread."
    assert commands._status_row(document)["warnings"] == ["Slide 7 was not\nread."]


def test_status_says_what_is_away_below_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RAG_UPLOADS_DIR", str(tmp_path / "unplugged"))
    monkeypatch.setenv("RAG_QDRANT_URL", f"http://127.0.0.1:{free_port()}")
    said = here("status")
    assert said.exit_code == 1
    assert said.stdout.startswith("No documents yet")
    assert str(tmp_path / "unplugged") in said.stderr
    assert "RAG_QDRANT_URL" in said.stderr


@pytest.mark.timeout(600)
def test_a_complete_session_without_dagster_or_app(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(data))
    (data / "uploads" / "zoo").mkdir(parents=True)
    (data / "uploads" / "zoo" / "zebra.txt").write_text("The zebra Ottilie eats eleven carrots each morning.")
    (data / "uploads" / "zoo" / "broken.docx").write_bytes(b"PK\x03\x04")
    (data / "uploads" / "note.txt").write_text("The keeper is called Ansgar.")

    ingested = rag(data, "ingest")
    assert ingested.returncode == 0, ingested.stderr
    assert "2 documents" in ingested.stdout

    rows = as_json(rag(data, "status", "--json"))
    assert isinstance(rows, list)
    keys = {"document", "collection", "state", "stage", "error_code", "error", "attempts", "pages", "chunks", "vectors", "size_bytes"}
    keys |= {"indexed_at", "warnings"}
    assert all(set(row) == keys for row in rows)
    assert {(row["collection"], row["document"], row["state"]) for row in rows} == {
        ("zoo", "zebra.txt", "indexed"),
        ("zoo", "broken.docx", "failed"),
        ("default", "note.txt", "indexed"),
    }

    hits = as_json(rag(data, "search", "What does the zebra eat?", "--collection", "zoo", "--top-k", "1", "--json"))
    assert isinstance(hits, list)
    assert set(hits[0]) == {"rank", "score", "text", "document", "collection", "page_first", "page_last", "chunk_id", "copies"}
    assert (hits[0]["rank"], hits[0]["document"]) == (1, "zebra.txt")

    none = here("search", "What does the zebra eat?", "--type", "pdf", "--json")
    assert as_json(none) == []
    narrowed = as_json(here("search", "Who keeps the zebra?", "--type", "txt", "--since", "2020-01-01", "--json"))
    assert isinstance(narrowed, list)
    assert {hit["document"] for hit in narrowed} == {"zebra.txt", "note.txt"}
    assert as_json(here("search", "Who keeps the zebra?", "--before", "2020-01-01", "--json")) == []

    give(Settings(data_dir=data), "zebra.txt", "Stripes")
    tagged = as_json(here("search", "Who keeps the zebra?", "--tag", "stripes", "--json"))
    assert isinstance(tagged, list)
    assert {hit["document"] for hit in tagged} == {"zebra.txt"}
    assert as_json(here("search", "Who keeps the zebra?", "--tag", "stripes", "--tag", "dots", "--json")) == []
    refused = here("ask", "Who keeps the zebra?", "--tag", "a,b")
    assert (refused.exit_code, "holds a comma" in refused.stderr) == (1, True)

    answer = as_json(rag(data, "ask", "How many carrots does the zebra eat?", "--json"))
    assert isinstance(answer, dict)
    assert "eleven carrots" in answer["answer"]
    assert answer["citations"][0]["document"] == "zebra.txt"
    assert answer["refused"] is False
    assert {"reformulated_question", "timings"} <= set(answer)


def test_an_empty_folder_is_no_error(data: Path) -> None:
    assert "holds no documents" in rag(data, "ingest").stdout
    assert as_json(rag(data, "status", "--json")) == []
    refused = as_json(rag(data, "ask", "Is anybody there?", "--json"))
    assert isinstance(refused, dict)
    assert refused["refused"] is True


USAGE_ERRORS = [
    ["frobnicate"],
    ["search"],
    ["ask", "x", "--top-k"],
    ["search", "x", "--top-k", "0"],
    ["status", "--x"],
    ["retry"],
    ["retry", "--failed", "--again"],
    ["retry", "a.txt", "--failed"],
]


@pytest.mark.parametrize("arguments", USAGE_ERRORS)
def test_usage_errors_exit_with_two(arguments: list[str]) -> None:
    assert here(*arguments).exit_code == 2


def test_a_usage_error_ends_the_process_with_two(data: Path) -> None:
    assert rag(data, "retry", "a.txt", "--failed").returncode == 2


def test_an_unknown_collection_is_named_with_those_that_exist(data: Path) -> None:
    (data / "uploads" / "zoo").mkdir(parents=True)
    (data / "uploads" / "zoo" / "a.txt").write_text("x")
    result = rag(data, "ingest", "zo")
    assert result.returncode == 1
    assert "zo. There are: zoo" in result.stderr


@pytest.mark.parametrize("question", ["", "😀😀", "?!", "word " * 20_000], ids=["empty", "emoji", "punctuation", "100,000 characters"])
def test_a_question_that_is_none_is_refused_in_words(data: Path, question: str) -> None:
    result = rag(data, "ask", question)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr


def test_a_damaged_catalog_is_named_with_the_way_out(data: Path) -> None:
    data.mkdir(exist_ok=True)
    (data / "catalog.duckdb").write_bytes(b"junk" * 5000)
    for command in (["status"], ["ingest"]):
        (data / "uploads").mkdir(exist_ok=True)
        (data / "uploads" / "a.txt").write_text("x")
        result = rag(data, *command)
        assert result.returncode == 1
        assert "Move it away" in result.stderr
        assert "Traceback" not in result.stderr


def test_doctor_reports_every_subject(data: Path) -> None:
    findings = as_json(rag(data, "doctor", "--json"))
    assert isinstance(findings, list)
    subjects = {finding["subject"] for finding in findings}
    assert {"machine", "data folder", "catalog", "embedding model", "vector index", "language model", "Dagster UI", "app"} <= subjects
    assert all(finding["remedy"] for finding in findings if finding["state"] == "problem")


def test_nothing_changed_imports_no_model_library(data: Path) -> None:
    (data / "uploads").mkdir(parents=True)
    (data / "uploads" / "a.txt").write_text("Zebras.")
    assert rag(data, "ingest").returncode == 0
    code = (
        "import sys; sys.argv = ['rag', 'ingest']\n"
        "from rag_pipeline.cli.commands import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert 'sentence_transformers' not in sys.modules and 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "RAG_DATA_DIR": str(data)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=100)
    assert result.returncode == 0, result.stderr


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("recorded_here")
def test_held_deletions_and_retries(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(data))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")

    uploads = data / "uploads"
    (uploads / "zoo").mkdir(parents=True)
    for number in range(3):
        (uploads / "zoo" / f"{number}.txt").write_text(f"Zebra {number}.")
    (uploads / "broken.docx").write_bytes(b"PK\x03\x04")
    assert here("ingest").exit_code == 0
    for file in list((uploads / "zoo").iterdir()):
        file.unlink()

    held = here("ingest", "zoo")
    assert "rag ingest --confirm-deletions zoo" in held.stderr
    rows = json.loads(here("status", "--json").stdout)
    assert {row["document"] for row in rows if "deletion_held_since" in row} == {"0.txt", "1.txt", "2.txt"}
    assert "deletion of 3 documents is held" in here("status").stderr
    assert here("ingest", "zoo", "--confirm-deletions").exit_code == 0
    assert [row["document"] for row in json.loads(here("status", "--json").stdout)] == ["broken.docx"]

    (uploads / "broken.docx").write_text("Now it is text.")
    assert here("retry", "default/broken.docx").exit_code == 0
    assert json.loads(here("status", "--json").stdout)[0]["state"] == "indexed"
    again = here("retry", "broken.docx")
    assert (again.exit_code, "rag retry --again broken.docx" in again.stderr) == (1, True)
    assert here("retry", "--again", "broken.docx").exit_code == 0
    assert json.loads(here("status", "--json").stdout)[0]["state"] == "indexed"
    unknown = here("retry", "nothing.pdf")
    assert (unknown.exit_code, "no document nothing.pdf" in unknown.stderr) == (1, True)
    assert "no document has failed" in here("retry", "--failed").stdout

    (uploads / "gone.docx").write_bytes(b"PK\x03\x04")
    assert here("ingest").exit_code == 0
    (uploads / "gone.docx").unlink()
    gone = here("retry", "gone.docx")
    assert (gone.exit_code, "is missing" in gone.stderr) == (1, True)
    assert "whose file is there" in here("retry", "--failed").stdout
    assert {row["state"] for row in json.loads(here("status", "--json").stdout)} == {"indexed", "failed"}


@pytest.mark.usefixtures("recorded_here")
def test_what_still_answers_for_a_collection_without_documents_is_removed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed after it removed the rows, or a catalog that was moved away."""
    monkeypatch.setenv("RAG_DATA_DIR", str(data))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    (data / "uploads" / "zoo").mkdir(parents=True)
    (data / "uploads" / "zoo" / "a.txt").write_text("Zebras.")
    assert here("ingest").exit_code == 0
    (data / "uploads" / "zoo" / "a.txt").unlink()
    (data / "catalog.duckdb").unlink()
    assert here("ingest", "zoo").exit_code == 0
    assert open_index(load_settings()).collections() == []
    assert "Nothing to do" in here("ingest").stdout
