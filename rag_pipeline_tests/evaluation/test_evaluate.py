"""An evaluation from a file of questions to the report, over a real index."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.rows import read_rows
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import line, pdf

BRIDGE = "The Iron Bridge crosses the river Severn in Shropshire. It was opened in 1781.\n\nRepairs in 2018 cost 3.6 million pounds.\n"
BEES = "A honey bee visits fifty to one hundred flowers on one trip. Bees dance to tell the others where nectar is.\n"


@pytest.fixture
def indexed(settings: Settings, ingest: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, text in (("bridge.txt", BRIDGE), ("insects/bees.txt", BEES)):
        path = settings.uploads / "facts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ingest("facts")
    monkeypatch.setenv("RAG_DATA_DIR", str(settings.data_dir))
    return settings


def questions(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def report_of(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["eval", *arguments, "--collection", "facts", "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_answers_refusals_and_follow_ups(indexed: Settings, tmp_path: Path) -> None:
    start = BRIDGE.index("It was opened")
    opened = {"file": "docs/bridge.txt", "start": start, "end": start + 22}
    path = questions(
        tmp_path,
        {"question": "When was the Iron Bridge opened?", "relevant": [opened]},
        {
            "question": "When was it opened?",
            "history": [{"role": "user", "content": "What does the Iron Bridge cross?"}, {"role": "assistant", "content": "The Severn."}],
            "relevant": [opened],
        },
        {"question": "How do bees tell others where nectar is?", "relevant": [{"file": "docs/insects/bees.txt"}]},
        {"question": "Who won the chess championship of Peru?", "relevant": [], "answerable": False},
    )
    report = report_of(path)
    retrieval = report["retrieval"]
    assert retrieval["questions"] == 3
    assert retrieval["hit@1"] == retrieval["mrr@10"] == retrieval["ndcg@10"] == retrieval["all_files@5"] == 1.0
    assert (retrieval["character_recall@5"], report["retrieval_without_reformulation"]["questions"]) == (1.0, 1)
    assert report["follow_ups_rewritten"] == {"questions": 1, "harmed": 0.0, "helped": 0.0}
    refusal = {"refused_of_answerable": 0.0, "refused_of_unanswerable": 1.0, "precision": 1.0, "recall": 1.0, "balanced_accuracy": 1.0}
    assert report["refusal"] == {"questions": 3, **refusal}
    assert max(report["refusal_curve"].values()) == 1.0
    assert report["citations"] == {"questions": 3, "supported_sentences": 1.0, "citations_of_nothing": 0.0}
    assert report["latency_ms"]["retrieval_p95"] >= report["latency_ms"]["retrieval_p50"] > 0


def test_the_pages_that_answers_cite(indexed: Settings, ingest: Callable[..., Any], tmp_path: Path) -> None:
    pages = ("Bees dance to tell the others where nectar is.", "The Tin Bridge was painted green in 1911.")
    (indexed.uploads / "facts" / "two.pdf").write_bytes(pdf(*(line(text, 100) for text in pages)))
    ingest("facts")
    rows = [{"question": "When was the Tin Bridge painted?", "relevant": [{"file": "two.pdf", "page": page}]} for page in (2, 1)]
    report = report_of(questions(tmp_path, *rows))
    assert report["cited_pages"] == {"questions": 2, "right_page": 0.5}
    assert report["retrieval"]["page@5"] == 1.0  # the passage stands on both


def test_rewritings_need_no_documents(indexed: Settings, tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Where did Ada Lovelace live?"}]
    path = questions(
        tmp_path,
        {"question": "What did she write?", "history": history, "rewrite": "What did Ada Lovelace write?"},
        {"question": "Who is Bob?", "history": history, "rewrite": "Who is Bob?"},
    )
    report = report_of(path)
    assert report["rewriting"]["token_f1"] == 1.0 > report["rewriting"]["token_f1_of_copying"]
    assert report["rewriting_of_complete_questions"] == {"questions": 1.0, "left_unchanged": 1.0}


def test_files_that_are_not_indexed_are_counted(indexed: Settings, tmp_path: Path) -> None:
    here = {"question": "When was the Iron Bridge opened?", "relevant": [{"file": "bridge.txt"}]}
    there = {"question": "Where is the tower?", "relevant": [{"file": "tower.txt"}]}
    assert report_of(questions(tmp_path, here, there), "--no-answers")["retrieval"]["rows_whose_files_are_not_indexed"] == 1
    result = CliRunner().invoke(cli, ["eval", questions(tmp_path, there), "--collection", "facts"])
    assert (result.exit_code, "None of the files" in result.output) == (1, True)


def test_a_table_for_people(indexed: Settings, tmp_path: Path) -> None:
    path = questions(tmp_path, {"question": "When was the Iron Bridge opened?", "relevant": [{"file": "bridge.txt"}]})
    result = CliRunner().invoke(cli, ["eval", path, "-c", "facts"])
    assert (result.exit_code, "hit@5" in result.output, "refused of answerable" in result.output) == (0, True, True)


@pytest.mark.parametrize("line", ["{", "[]", '{"question": " "}', '{"question": 3}', '{"question": "x", "relevant": [{"page": 1}]}'])
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "fine"}\n\n' + line + "\n")
    with pytest.raises(RagError, match="line 3 is no question"):
        read_rows(path)
    path.write_text("\n")
    with pytest.raises(RagError, match="holds no question"):
        read_rows(path)
