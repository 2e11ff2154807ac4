"""What reopens a document that failed: the limit it failed at, a touch, being asked for; and nothing else."""

import os
from collections.abc import Callable, Iterable

import pytest

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.extract.element_rows import element_row
from rag_pipeline.ingestion.extract.process.pool import ExtractionRequest, ExtractionResult
from rag_pipeline.ingestion.extract.process.worker import failure
from rag_pipeline.ingestion.folder.listing import list_folder, plan_folder
from rag_pipeline.ingestion.steps.workspace import Workspace, circumstances, extractor_fingerprint
from rag_pipeline.models import Element
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.document_rows import known_signatures, reopen_documents
from rag_pipeline.stores.catalog.reading_rows import unread_documents
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.conftest import run_steps

LIMITS = {"timeout": "extraction_timeout_seconds", "out_of_memory": "extraction_memory_bytes", "damaged": None}


def row(settings: Settings, name: str = "a.txt") -> DocumentStatus:
    (found,) = [one for one in Catalog(settings.catalog_path).documents() if one.document == name]
    return found


def is_noticed(settings: Settings) -> bool:
    """Whether the sensor would ask for a run."""
    catalog = Catalog(settings.catalog_path)
    known = known_signatures(catalog, None, circumstances(settings))
    plan = plan_folder(list_folder(settings.uploads), known, 1e12, 0)
    return bool(plan) or bool(unread_documents(catalog, extractor_fingerprint(settings), settings.max_attempts))


def raised(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={name: getattr(settings, name) * 2})


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[DocumentError | TransientError], list[str]]:
    """Reading fails from now on with this error; what was tried is listed."""

    def start(error: DocumentError | TransientError) -> list[str]:
        tried: list[str] = []

        def fail(requests: Iterable[ExtractionRequest], settings: Settings, ahead: int) -> list[ExtractionResult]:
            asked = list(requests)
            tried.extend(request.path for request in asked)
            return [failure(request.key, error) for request in asked]

        monkeypatch.setattr(steps.extracted_text, "extract_all", fail)
        return tried

    return start


@pytest.mark.parametrize("code", LIMITS)
@pytest.mark.parametrize("changed", ["extraction_timeout_seconds", "extraction_memory_bytes", "max_file_bytes", "max_attempts"])
def test_a_limit_reopens_what_failed_at_it_and_nothing_else(
    settings: Settings, failing: Callable[[DocumentError], list[str]], code: str, changed: str
) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    tried = failing(DocumentError(code, "Too much. Raise the limit."))
    run_steps(settings)
    run_steps(settings)
    assert (row(settings).error_code, len(tried)) == (code, 1)
    other = raised(settings, changed)
    reopened = LIMITS[code] == changed
    assert is_noticed(other) == reopened
    run_steps(other)
    assert len(tried) == (2 if reopened else 1)
    assert not is_noticed(other)


def test_a_limit_that_is_high_enough_makes_the_document_answer(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("Zebras. " * 100)
    small = settings.model_copy(update={"max_file_bytes": 500})
    run_steps(small)
    assert row(settings).error_code == "too_large"
    assert not is_noticed(small)
    assert not is_noticed(settings.model_copy(update={"max_file_bytes": 600}))
    assert is_noticed(settings)
    run_steps(settings)
    assert row(settings).state == "indexed"


def test_more_time_makes_the_document_answer(settings: Settings) -> None:
    """The advice that a timeout prints, taken, with a real document and real limits."""
    (settings.uploads / "a.html").write_text("<h1>Zebras</h1>" + "<p>They have stripes.</p>" * 20)
    short = settings.model_copy(update={"extraction_timeout_seconds": 0.001})
    run_steps(short)
    assert (row(settings, "a.html").error_code, "RAG_EXTRACTION_TIMEOUT_SECONDS" in (row(settings, "a.html").error or "")) == (
        "timeout",
        True,
    )
    run_steps(settings)
    assert row(settings, "a.html").state == "indexed"


@pytest.mark.parametrize(
    "error", [DocumentError("damaged", "Broken."), TransientError("worker_died", "Killed.")], ids=["permanent", "passing"]
)
def test_a_touch_starts_again_from_nothing(settings: Settings, failing: Callable[[Exception], list[str]], error: Exception) -> None:
    file = settings.uploads / "a.txt"
    file.write_text("Zebras.")
    tried = failing(error)
    for _ in range(settings.max_attempts + 2):
        run_steps(settings)
    before = len(tried)
    assert before == (settings.max_attempts if isinstance(error, TransientError) else 1)
    os.utime(file, (1, 1))
    assert is_noticed(settings)
    run_steps(settings)
    assert (len(tried), row(settings).attempts) == (before + 1, 1)


def test_asking_again_reads_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text(f"Zebras of {name}.")

    def fail(requests: list[ExtractionRequest], settings: Settings, ahead: int) -> list[ExtractionResult]:
        return [failure(request.key, DocumentError("damaged", "Broken.")) for request in requests]

    with monkeypatch.context() as patched:
        patched.setattr(steps.extracted_text, "extract_all", fail)
        run_steps(settings)
    assert not is_noticed(settings)
    assert reopen_documents(Catalog(settings.catalog_path), [row(settings).document_id]) == 1
    assert is_noticed(settings)
    run_steps(settings)
    assert (row(settings).state, row(settings, "b.txt").state) == ("indexed", "failed")
    assert reopen_documents(Catalog(settings.catalog_path), [row(settings).document_id]) == 0


def test_an_indexed_document_is_read_again_when_asked_and_what_it_says_now_is_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key and its numbers are as they were, as with other languages of OCR; its copies share what was read."""
    for collection in ("one", "two"):
        (settings.uploads / collection).mkdir()
        (settings.uploads / collection / "a.txt").write_text("Zebras.")
        run_steps(settings, collection)
    catalog, index = Catalog(settings.catalog_path), open_index(settings)

    def said(collection: str) -> list[str]:
        return [str(chunk.payload["text"]) for batch in index.chunks(collection) for chunk in batch]

    identity = next(one.document_id for one in catalog.documents("one"))
    assert reopen_documents(catalog, [identity]) == 0
    assert reopen_documents(catalog, [identity], again=True) == 2
    assert [(one.state, one.chunks, one.indexed_at) for one in catalog.documents()] == [("pending", 0, None)] * 2
    assert is_noticed(settings)

    def read(requests: Iterable[ExtractionRequest], settings: Settings, ahead: int) -> list[ExtractionResult]:
        rows = [(request.key, element_row(request.key, 0, Element("NarrativeText", "Okapis."))) for request in requests]
        return [ExtractionResult(key, None, None, "extracted", False, elements=[row]) for key, row in rows]

    monkeypatch.setattr(steps.extracted_text, "extract_all", read)
    run_steps(settings, "two")
    assert (said("one"), said("two")) == (["Zebras."], ["Okapis."])
    run_steps(settings, "one")
    assert said("one") == ["Okapis."]
    assert [(one.state, one.chunks) for one in catalog.documents()] == [("indexed", 1)] * 2
    assert not is_noticed(settings)
    before = index.manifest("one")
    run_steps(settings, "one")
    assert index.manifest("one") == before


def test_a_document_without_text_is_read_again_when_asked(settings: Settings) -> None:
    (settings.uploads / "zero.txt").write_text("   ")
    run_steps(settings)
    assert row(settings, "zero.txt").state == "empty"
    reopen_documents(Catalog(settings.catalog_path), [row(settings, "zero.txt").document_id])
    workspace = Workspace(settings, "default")
    assert len(steps.extracted_text.plan_extraction(workspace)) == 1


def test_a_file_that_could_not_be_opened_is_read_again_when_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("rag_pipeline.ingestion.folder.disk.read_identity", refuse)
        for _ in range(settings.max_attempts + 1):
            run_steps(settings)
    assert (row(settings).error_code, row(settings).attempts) == ("unreadable", settings.max_attempts)
    assert not is_noticed(settings)
    reopen_documents(Catalog(settings.catalog_path), [row(settings).document_id])
    assert is_noticed(settings)
    run_steps(settings)
    assert row(settings).state == "indexed"


def refused_once(settings: Settings, media_type: str, detected_by: str | None) -> None:
    """As if an earlier program had refused the file: it told another type, or did not know what reads it."""
    with Catalog(settings.catalog_path).writing() as connection:
        connection.execute(
            "UPDATE documents SET state = 'unsupported', error_code = 'unsupported_type', media_type = ?, detected_by = ?,"
            " extraction_key = NULL, chunks = 0",
            [media_type, detected_by],
        )


@pytest.mark.parametrize("detected_by", [None, "an earlier program"])
def test_what_was_refused_is_looked_at_again_once_its_type_can_be_told(settings: Settings, detected_by: str | None) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    run_steps(settings)
    refused_once(settings, "application/octet-stream", detected_by)
    assert is_noticed(settings)
    run_steps(settings)
    assert row(settings).state == "indexed"


@pytest.mark.parametrize(("name", "then", "now"), [("a.tex", "text/x-source-code", "text/x-tex"), ("a.txt", "text/plain", "text/plain")])
def test_text_that_may_be_of_another_type_by_now_is_looked_at_once(settings: Settings, name: str, then: str, now: str) -> None:
    (settings.uploads / name).write_text("\\section{Zebras} graze.")
    run_steps(settings)
    with Catalog(settings.catalog_path).writing() as connection:
        connection.execute("UPDATE documents SET media_type = $then, detected_by = 'an earlier program'", {"then": then})
    assert is_noticed(settings)
    run_steps(settings)
    assert (row(settings, name).media_type, is_noticed(settings)) == (now, False)


def test_what_is_still_refused_is_looked_at_once(settings: Settings) -> None:
    (settings.uploads / "a.bin").write_bytes(bytes(range(256)))
    run_steps(settings)
    assert (row(settings, "a.bin").error_code, is_noticed(settings)) == ("unsupported_type", False)
    refused_once(settings, row(settings, "a.bin").media_type or "", "an earlier program")
    assert is_noticed(settings)
    run_steps(settings)
    assert (row(settings, "a.bin").error_code, is_noticed(settings)) == ("unsupported_type", False)
