"""A batch that dies is done again; what the user has to mend is said at once."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rag_pipeline.definitions import defs
from rag_pipeline.defs.assets import ACCIDENTS
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion import steps
from rag_pipeline.stores.catalog.database import Catalog


@pytest.fixture(autouse=True)
def _a_document(uploads: Path) -> None:
    (uploads / "a.txt").write_text("Zebras.")


def dies_first(monkeypatch: pytest.MonkeyPatch, step: Any, name: str, error: Exception | Callable[[], None]) -> list[str]:
    """The step does its work, and then the machine gives out: once. The batches it was called with."""
    real, called = getattr(step, name), []

    def dying(workspace: object, batch: str) -> object:
        called.append(batch)
        report = real(workspace, batch)
        if len(called) == 1 and isinstance(error, Exception):
            raise error
        if len(called) == 1:
            error()
            time.sleep(1)  # the interrupt arrives between two instructions
        return report

    monkeypatch.setattr(step, name, dying)
    return called


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("ingest").execute_in_process(instance=instance, partition_key="default", raise_on_error=False)


@pytest.mark.parametrize(("step", "name"), [(steps.extracted_text, "extract_batch"), (steps.embeddings, "embed_batch")])
def test_a_batch_that_died_is_done_again_and_the_run_succeeds(
    uploads: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, step: Any, name: str
) -> None:
    called = dies_first(monkeypatch, step, name, MemoryError("the machine gave out"))
    result = run(instance)
    assert result.success
    assert len(called) == 2
    assert called[0] == called[1]
    assert len([event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]) == 1
    (row,) = Catalog(uploads.parent / "catalog.duckdb").documents()
    assert (row.state, row.chunks) == ("indexed", 1)


@pytest.mark.parametrize(("step", "name"), [(steps.extracted_text, "extract_batch"), (steps.embeddings, "embed_batch")])
def test_what_somebody_interrupts_is_not_done_again(
    uploads: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, step: Any, name: str
) -> None:
    """Ctrl-C, or *Terminate* in the Dagster UI: both are an interrupt in the batch."""
    called = dies_first(monkeypatch, step, name, lambda: signal.raise_signal(signal.SIGINT))
    with suppress(KeyboardInterrupt):
        assert not run(instance).success
    assert len(called) == 1


def test_what_the_user_has_to_mend_is_said_at_once(uploads: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    called = dies_first(monkeypatch, steps.embeddings, "embed_batch", RagError("The model is not there."))
    result = run(instance)
    assert not result.success
    assert len(called) == 1
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "The model is not there." in str(failure.step_failure_data.error)


def test_retries_are_few_and_wait_longer_each_time() -> None:
    assert (ACCIDENTS.max_retries, ACCIDENTS.backoff) == (2, dg.Backoff.EXPONENTIAL)
