"""Quality over HTTP: the figures of the past, and the list of questions that is edited by several people."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from rag_pipeline.evaluation.folder import evaluation_folder, question_files
from rag_pipeline.evaluation.question_set import update_set
from rag_pipeline.evaluation.results import Measurement, QuestionResult, write_result
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.views.quality import EMPTY_LINES, past_of, quality_html

PATH = "/api/v1/collections/default"
LEASE = {"question": "When does the lease end?", "document": "lease.txt", "page": 2, "answer": "In May"}
NOTHING = {"question": "Who won the cup?", "document": "", "page": None, "answer": ""}


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    (settings.uploads / "lease.txt").write_text("The lease ends in May.")
    update_documents(Workspace(settings, "default"))
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as made:
        yield made


def test_the_list_is_replaced_by_who_has_seen_it(client: httpx.Client, settings: Settings) -> None:
    empty = client.get(f"{PATH}/questions").json()
    assert empty == {"questions": [], "version": ""}
    saved = client.put(f"{PATH}/questions", json={**empty, "questions": [LEASE, NOTHING]})
    assert (saved.status_code, client.get(f"{PATH}/questions").json()) == (200, saved.json())
    late = client.put(f"{PATH}/questions", json={**empty, "questions": []})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "edited_meanwhile")
    report = update_set(settings, "default")
    assert (report.files, report.bad_rows) == ({"edited.jsonl": 2}, ())
    (path,) = question_files(settings, "default")
    path.write_bytes(path.read_bytes() + b'{"question": "x", "relevant": [{"file": "a", "start": 1, "end": 2}]}\n')
    refused = client.get(f"{PATH}/questions")  # what the list cannot show, saving it would lose
    assert (refused.status_code, "Rename the file" in refused.json()["error"]["message"]) == (400, True)
    assert [client.get(f"/api/v1/collections/{name}/questions").status_code for name in ("nothing", "%2E%2E")] == [404, 404]
    assert client.put(f"{PATH}/questions", json={"questions": [{**LEASE, "page": 0}]}).status_code == 422


def test_what_was_measured_is_shown_and_drawn(client: httpx.Client, settings: Settings) -> None:
    assert client.get(f"{PATH}/quality").json() == {"measurements": []}
    for number, value in ((1, 1.0), (2, 0.5)):
        measured = Measurement(number, f"key{number}", datetime(2026, 3, number, tzinfo=UTC), f"version-{number}", "model", "{}")
        rows = [QuestionResult(f"q{n}", "a.jsonl", "d", (), "", False, {"ndcg_at_10": value * n}) for n in (0, 1)]
        write_result(evaluation_folder(settings, "default"), measured, rows)
    found = client.get(f"{PATH}/quality").json()["measurements"]
    assert [(one["index_version"], one["figures"]) for one in found] == [
        ("version-1", {"ndcg_at_10": 0.5}),
        ("version-2", {"ndcg_at_10": 0.25}),
    ]
    assert found[0]["half_intervals"]["ndcg_at_10"] == pytest.approx(1.96 * 0.5, abs=1e-3)
    drawn = quality_html(past_of(settings, "default"), "default")
    assert drawn.count("<circle") == 2
    assert drawn.index("0.250 ± 0.490") < drawn.index("0.500 ± 0.980")
    assert "&lt;b&gt;" in quality_html((), "<b>")


def test_the_tab_shows_what_can_be_shown(client: httpx.Client, settings: Settings) -> None:
    shown = client.get("/quality").text
    assert "Nothing has been measured yet for default" in shown
    assert shown.count("<textarea") == 2 * EMPTY_LINES
    client.put(f"{PATH}/questions", json={"questions": [{**LEASE, "question": "<b>When?</b>\nAnd why?"}], "version": ""})
    shown = client.get("/quality", params={"collection": "default"}).text
    assert ("&lt;b&gt;When?&lt;/b&gt;&#10;And why?" in shown, "<b>" in shown) == (True, False)
    assert shown.count("<textarea") == 2 * (EMPTY_LINES + 1)
    (path,) = question_files(settings, "default")
    path.write_text("by hand")
    shown = client.get("/quality").text
    assert ("Nothing has been measured yet for default" in shown, "Rename the file" in shown, "<textarea" in shown) == (True, True, False)
