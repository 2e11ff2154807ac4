"""Quality over time: from questions and thumbs to figures, warnings and what a report can be compared with, over a real index."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count, permutations
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.cli.commands import cli
from rag_pipeline.cli.evaluate import compared, run_evaluation
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation import quality
from rag_pipeline.evaluation.comparison import chance_of_drop, differences, interval, paired
from rag_pipeline.evaluation.folder import evaluation_folder
from rag_pipeline.evaluation.question_set import read_set, update_set
from rag_pipeline.evaluation.results import read_parquet, result_files, results_folder, values_of
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.engine import Database

SWAPPED = replace(
    TUNING, ranking=replace(TUNING.ranking, coverage=0.0, pairs=0.0, cosine=0.05, rank=0.25, name=0.85, dense_weight=3, text_weight=0.01)
)
"""What counted most counts nothing, and the other way round."""


def dropped(settings: Settings, *rows: dict[str, Any], name: str = "questions.jsonl") -> Path:
    path = evaluation_folder(settings, "default") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def hundred(settings: Settings, ingest: Callable[..., Any]) -> Settings:
    """A hundred short documents whose numbers only words tell apart, and a question for each."""
    numbers = ["".join(digits) for digits in permutations("13579")][:100]
    for number in numbers:
        (settings.uploads / f"{number[::-1]}.txt").write_text(f"The screw with the number {number} is kept in the drawer of the cupboard.")
    rows = [{"question": f"Where is the screw {number} kept?", "relevant": [{"file": f"{number[::-1]}.txt"}]} for number in numbers]
    ingest()
    dropped(settings, *rows)
    return settings.model_copy(update={"top_k": 1})  # of which the answers are quoted; ten are measured


def test_worse_retrieval_is_told_and_the_same_is_not_twenty_times_of_twenty(hundred: Settings) -> None:
    workspace = Workspace(hundred, "default")
    assert quality.due(hundred, workspace.index.manifests(), ["default"]) == ["default"]
    update_set(hundred, "default")
    first = quality.measure(workspace)
    assert first
    assert (first.questions, first.measured, first.differences, first.drop) == (100, True, (), None)
    assert quality.due(hundred, workspace.index.manifests(), ["default"]) == []
    same = quality.measure(workspace)
    assert same
    assert (same.number, same.measured, same.measures) == (first.number, False, first.measures)
    assert same.seconds < 1
    worse = quality.measure(workspace, tuning=SWAPPED)
    assert worse
    assert worse.drop
    assert worse.drop.losses > worse.drop.wins
    assert worse.changed[0].passages_before != worse.changed[0].passages_after
    assert quality.last_report(workspace).drop == worse.drop  # type: ignore[union-attr]  # as long as nothing else was measured

    before, after = map(read_parquet, result_files(evaluation_folder(hundred, "default")))
    better = paired(values_of(before), values_of(after)).filter(pl.col("measure") == quality.HEADLINE)["difference"].to_list()
    drawn = [Random(seed).choices(better, k=100) for seed in range(20)]
    assert [chance_of_drop(one) < quality.CERTAIN for one in drawn] == [True] * 20
    again = [differences(paired(values_of(before), values_of(before.sample(100, seed=seed)))) for seed in range(20)]
    assert {one.chance_of_drop < quality.CERTAIN for found in again for one in found} == {False}

    where = results_folder(evaluation_folder(hundred, "default")) / "*.parquet"
    read = duckdb.sql(f"SELECT number, avg(ndcg_at_10) FROM '{where}' GROUP BY ALL ORDER BY ALL").fetchall()
    assert read == [(1, pytest.approx(first.measures[quality.HEADLINE])), (2, pytest.approx(worse.measures[quality.HEADLINE]))]


@pytest.fixture
def facts(settings: Settings, ingest: Callable[..., Any]) -> Settings:
    (settings.uploads / "bridge.txt").write_text("The Iron Bridge was opened in 1781.\n\nRepairs in 2018 cost 3.6 million pounds.\n")
    (settings.uploads / "bees.txt").write_text("Bees dance to tell the others where nectar is.\n")
    ingest()
    return settings


async def rated(settings: Settings, *ratings: tuple[str, str, str | None]) -> list[str]:
    """An answered question for each of (question, thumb, reason), in a conversation of its own; the conversations' ids."""
    conversations, ids, numbers = Conversations(Database(None, settings.conversations_path)), [], count()
    for question, thumb, reason in ratings:
        made = await conversations.create("anna", question)
        message = await conversations.begin_answer("anna", made.conversation_id, question)
        cited = {"document": "bridge.txt", "collection": "default", "text": "The Iron Bridge was opened in 1781.", "page": None}
        detail = {"reformulated_question": question, "citations": [cited]}
        await conversations.finish_answer(message, f"Answer {next(numbers)} [1].", "complete", detail)
        await conversations.give_feedback("anna", message, thumb, reason=reason)  # type: ignore[arg-type]
        ids.append(made.conversation_id)
    await conversations.close()
    return ids


async def deleted(settings: Settings, conversation_id: str) -> None:
    conversations = Conversations(Database(None, settings.conversations_path))
    await conversations.delete("anna", conversation_id)
    await conversations.close()


def test_thumbs_are_questions_until_their_conversation_is_deleted(facts: Settings) -> None:
    thumbs = ("When was the Iron Bridge opened?", "up", None), ("Who built it?", "down", "wrong"), ("Why?", "down", None)
    ids = asyncio.run(rated(facts, *thumbs))
    report = update_set(facts, "default")
    assert (report.thumbs_up, report.thumbs_down, report.questions) == (1, 1, 2)  # a thumb down without a reason says too little
    good, bad = read_set(facts, "default")
    assert (good.row.question, good.answer, good.verdict) == ("When was the Iron Bridge opened?", "Answer 0 [1].", "good")
    ((place),) = good.row.wanted
    assert (place.file, place.start, place.end) == ("bridge.txt", 0, 34)
    assert (bad.verdict, bad.reason, bad.row.wanted) == ("bad", "wrong", ())
    measured = quality.measure(Workspace(facts, "default"))
    assert measured
    assert (measured.measures["hit_at_1"], measured.measures["bad_again"]) == (1.0, 0.0)
    assert "citations_supported_sentences" in measured.measures
    again = quality.measure(Workspace(facts, "default"), again=True)
    assert again
    assert (again.number, again.measured, again.measures, again.drop) == (1, True, measured.measures, None)

    asyncio.run(deleted(facts, ids[0]))
    assert update_set(facts, "default").thumbs_up == 0
    kept = b"".join(file.read_bytes() for file in evaluation_folder(facts, "default").rglob("*.parquet"))
    assert b"Iron Bridge opened" not in kept
    (result,) = map(read_parquet, result_files(evaluation_folder(facts, "default")))
    gone = result.filter(pl.col("question_id") == good.question_id)
    assert gone.select("answer", "passages", "hit_at_1").row(0) == (None, None, 1.0)  # the figure stays


def test_bad_lines_are_named_the_good_ones_count_and_what_fails_is_tried_three_times(facts: Settings) -> None:
    workspace = Workspace(facts, "default")

    def is_due() -> bool:
        return quality.due(facts, workspace.index.manifests(), ["default"]) == ["default"]

    update_set(facts, "default")
    assert (is_due(), quality.measure(workspace), facts.evaluation_path.exists()) == (False, None, False)  # there is no question
    fine = {"question": "When was the Iron Bridge opened?", "relevant": [{"file": "bridge.txt"}]}
    gone = {"question": "Where is the tower?", "relevant": [{"file": "tower.txt"}]}
    path = dropped(facts, fine, {"question": "?!"}, fine, gone)
    path.write_bytes(
        path.read_bytes()
        + b'{"question": "\\ud800"}\n{"question": "\xff"}\n{"question": "x", "relevant": [{"file": "a", "page": "3"}]}\n'
        + b"[" * 5000
    )
    report = update_set(facts, "default")
    assert (report.files, report.repeated) == ({"questions.jsonl": 2}, 1)
    assert [(row.file, row.line) for row in report.bad_rows] == [("questions.jsonl", line) for line in (5, 6, 7, 8, 2)]
    assert "page is no whole number" in report.bad_rows[2].reason
    damaged = results_folder(evaluation_folder(facts, "default")) / "00000001-damaged.parquet"
    damaged.parent.mkdir()
    damaged.write_bytes(b"no parquet")
    for _ in range(3):
        assert is_due()
        with pytest.raises(RagError, match=r"damaged\.parquet cannot be read .* remove it"):
            quality.update_and_measure(workspace)
    assert not is_due()
    damaged.unlink()
    measured = quality.measure(workspace)
    assert measured
    assert (measured.questions, measured.not_asked) == (1, 1)  # of whose documents none is there
    assert not is_due()
    (damaged.parent / "tries.json").write_text("{")
    assert is_due()


def test_a_report_against_an_earlier_one(facts: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(facts.data_dir))
    path = dropped(
        facts,
        {"id": "q1", "question": "When was the Iron Bridge opened?", "relevant": [{"file": "bridge.txt"}]},
        {"id": "q2", "question": "How do bees tell others where nectar is?", "relevant": [{"file": "bees.txt"}]},
    )
    command = ["eval", str(path), "-c", "default", "--no-answers"]
    report = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)
    assert [(one["id"], one["document"]) for one in report["questions"]] == [("q1", "bridge.txt"), ("q2", "bees.txt")]
    report["questions"][0]["measures"]["retrieval.hit@1"] = 0.0
    earlier = tmp_path / "before.json"
    earlier.write_text(json.dumps(report))
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(cli, [*command, "--against", str(earlier)])
    assert (shown.exit_code, "95 % interval" in shown.output, "+0.000 … +1.000" in shown.output) == (0, True, True)
    now = run_evaluation(facts, path, "default", core=False, answers=False, progress=lambda *_: None)
    (found,) = [one for one in compared(now, earlier) if one.measure == "retrieval.hit@1"]
    assert (found.before, found.after, found.wins, found.losses, found.ties, found.documents) == (0.5, 1.0, 1, 0, 1, 2)
    earlier.write_text('{"retrieval": {"hit@1": 1.0}}')
    with pytest.raises(RagError, match="one of an older version"):
        compared(now, earlier)


def test_intervals_by_document_are_wider_where_its_questions_share_a_fate() -> None:
    shares = [*[1.0] * 40, *[0.0] * 160]
    alone = interval(shares, [1] * 200)
    shared = interval([sum(shares[start : start + 20]) for start in range(0, 200, 20)], [20] * 10)
    assert alone == pytest.approx((0.145, 0.255), abs=0.02)  # the normal approximation: .2 ± 1.96 √(.2 · .8 / 200)
    assert shared[1] - shared[0] > 3 * (alone[1] - alone[0])


@pytest.mark.parametrize(("better", "chance"), [([0, 0], 1.0), ([-1], 0.5), ([-1] * 7, 1 / 128), ([1] * 7, 1.0), ([-1, 1], 0.75)])
def test_the_chance_of_a_drop_is_exact_for_few_questions(better: list[float], chance: float) -> None:
    assert chance_of_drop(better) == pytest.approx(chance)
