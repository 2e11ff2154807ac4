"""Pausing on the command line, and what is said of how far the work is."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rag_pipeline.cli import commands, ingest
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.ingestion.steps import extracted_text
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.usefixtures("recorded_here")


def here(*arguments: str) -> Result:
    return CliRunner().invoke(commands.cli, arguments)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    for collection in ("zoo", "park"):
        (tmp_path / "data" / "uploads" / collection).mkdir(parents=True)
        (tmp_path / "data" / "uploads" / collection / "note.txt").write_text(f"All about the {collection}.")
    return load_settings()


def test_who_names_a_paused_collection_is_told_and_the_others_are_done(settings: Settings) -> None:
    assert "zoo: paused" in here("pause", "zoo").output
    named = here("ingest", "zoo")
    assert (named.exit_code, "rag continue zoo" in named.output, "rag ingest --continue zoo" in named.output) == (1, True, True)
    assert here("pause", "nowhere").exit_code == 1
    unnamed = here("ingest")
    assert unnamed.exit_code == 0, unnamed.output
    assert "Left out: 'zoo' is paused" in unnamed.output
    rows = json.loads(here("status", "--json").stdout)
    assert {(row["collection"], row["stage"], row["vectors"]) for row in rows} == {("park", "indexed", 1)}
    assert here("ingest", "--continue", "zoo").exit_code == 0
    assert "zoo" not in read_pauses(settings)
    assert len(json.loads(here("status", "--json").stdout)) == 2


def test_a_failed_document_of_a_paused_collection_stays_failed_until_that_goes_on(settings: Settings) -> None:
    (settings.uploads / "zoo" / "broken.docx").write_bytes(b"PK\x03\x04")
    assert here("ingest", "zoo").exit_code == 0
    here("pause", "zoo")
    for arguments in (["broken.docx"], ["--failed"]):
        again = here("retry", *arguments)
        assert (again.exit_code, "rag continue zoo" in again.output) == (1, True)
    stages = {row["document"]: row["stage"] for row in json.loads(here("status", "--json").stdout)}
    assert stages["broken.docx"] == "failed"


def test_everything_is_paused_and_continued(settings: Settings) -> None:
    assert here("pause").exit_code == 0
    assert here("ingest").exit_code == 0
    assert not settings.catalog_path.exists()
    assert here("continue", "park").exit_code == 0
    assert ("zoo" in read_pauses(settings), "park" in read_pauses(settings)) == (True, False)
    assert here("stop", "park").exit_code == 0
    assert here("continue").exit_code == 0
    assert ("zoo" in read_pauses(settings), "park" in read_pauses(settings)) == (False, False)


def test_watching_sends_the_terminal_no_escapes_of_file_names(settings: Settings) -> None:
    (settings.uploads / "zoo" / "evil\x1b]0;owned\x07\nnext.txt").write_text("All about the zoo.")
    steps.source_documents.update_documents(Workspace(settings, "zoo"))
    main, terminal = os.openpty()
    command = [sys.executable, "-m", "rag_pipeline", "status", "--watch"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as watching:
        os.close(terminal)
        seen = b""
        while b"evil" not in seen or b"note.txt" not in seen:
            seen += os.read(main, 65536)
        watching.send_signal(2)
        assert b"evil\\x1b]0;owned\\x07\\nnext.txt" in seen
        with suppress(OSError):  # the terminal's other end is closed once the program has ended
            while os.read(main, 65536):
                pass
        assert watching.wait(30) == 0
    os.close(main)


def test_watching_prints_a_line_for_each_change_and_ends_by_ctrl_c(settings: Settings) -> None:
    steps.source_documents.update_documents(Workspace(settings, "zoo"))
    command = [sys.executable, "-m", "rag_pipeline", "status", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as watching:
        assert watching.stdout
        assert watching.stdout.readline() == "zoo: 0 of 1 document can be asked about; how long it takes is known once it has begun\n"
        assert here("pause", "zoo").exit_code == 0
        assert watching.stdout.readline() == "zoo: 0 of 1 document can be asked about; paused\n"
        watching.send_signal(2)
        assert watching.wait(30) == 0


def test_slices_go_on_for_as_long_as_they_get_something_done(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left did not become less where documents were read faster than cut: that ended `rag ingest` with a third of them."""
    for number in range(7):
        (settings.uploads / "zoo" / f"{number}.txt").write_text(f"All about animal {number}.")
    monkeypatch.setattr(ingest, "slice_seconds", lambda *_: 1e-9)
    monkeypatch.setattr(extracted_text, "_batches", lambda tasks, *_: [tasks[:2]] if tasks else [])
    monkeypatch.setattr(ingest, "_left", lambda settings, names, lane: dict.fromkeys(names, 5 if lane == "text" else 0))
    done = here("ingest", "zoo")
    assert (done.exit_code, "nothing more can be done" in done.stderr) == (0, True)
    assert len([row for row in json.loads(here("status", "--json").stdout) if row["chunks"]]) == 8


def test_doing_everything_again_heeds_a_pause_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "is_paused_now", lambda *_: True)  # as if it had come a moment after the start
    assert here("ingest", "--full", "zoo").exit_code == 0
    assert [row["stage"] for row in json.loads(here("status", "--json").stdout)] == ["waiting"]
