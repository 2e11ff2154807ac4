"""The life of documents against a simple model: whatever happens to the folder and the runs, catalog and index say what the model says.

Real folder, DuckDB file and Edge index. Reading and embedding are replaced by ones that are quick, and that fail as the words say.
Longer: RAG_TEST_STATE_MACHINE_EXAMPLES=2000 python -m pytest rag_pipeline_tests/ingestion/test_state_machine.py -n 0
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from rag_pipeline.document_life import hold_rules, moved_files, worth_a_scan
from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.backlog import backlogs
from rag_pipeline.ingestion.extract.element_rows import element_row
from rag_pipeline.ingestion.extract.process.pool import ExtractionRequest, ExtractionResult
from rag_pipeline.ingestion.extract.process.worker import failure
from rag_pipeline.ingestion.folder.listing import list_folder, plan_folder
from rag_pipeline.ingestion.steps.workspace import Workspace, circumstances
from rag_pipeline.models import Element
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import known_signatures, reopen_documents, utc_now
from rag_pipeline.stores.catalog.missing_files import confirm_deletions, confirm_removals, missing_files
from rag_pipeline.stores.vectors import open_index

EXAMPLES = int(os.environ.get("RAG_TEST_STATE_MACHINE_EXAMPLES", "8"))
COLLECTIONS = ("one", "two")
NAMES = ("a.txt", "b.txt", "c.txt", "d.txt", "e.txt")
CONTENTS = ("zebra", "giraffe", "okapi", "damaged", "slow", "flaky", "large " * 20)
MEMBERS = 3
LIMIT_BYTES, HIGH_LIMIT_BYTES = 100, 10_000
LIMIT_SECONDS, HIGH_LIMIT_SECONDS = 10.0, 20.0
ATTEMPTS = 2
STEPS = {"all": range(9), "text": (0, 1, 2, 3, 4, 8), "vectors": (5, 6, 7, 8)}
"""A run of a lane does some of the steps of a whole one, in their order."""


class Weather:
    """What makes a flaky document fail at this moment."""

    bad = False


def read(requests: Iterable[ExtractionRequest], settings: Settings, ahead: int) -> Iterator[ExtractionResult]:
    """Stands in for the worker processes: the words say what becomes of a document."""
    for request in requests:
        path = Path(request.path)
        if not path.is_file():
            yield failure(request.key, TransientError("vanished", "It is gone."))
            continue
        words = path.read_text()
        if hashlib.sha256(words.encode()).hexdigest() != request.content_hash:
            yield failure(request.key, TransientError("changed_while_read", "It changed."))
        elif words == "damaged":
            yield failure(request.key, DocumentError("damaged", "It is damaged."))
        elif words == "slow" and settings.extraction_timeout_seconds <= LIMIT_SECONDS:
            yield failure(request.key, DocumentError("timeout", "It takes long."))
        elif words == "flaky" and Weather.bad:
            yield failure(request.key, TransientError("worker_died", "Killed."))
        else:
            rows = [element_row(request.key, 0, Element("NarrativeText", words))]
            yield ExtractionResult(request.key, None, None, "extracted", False, elements=rows)


class Embedder:
    """Stands in for the model: a vector that the text decides."""

    dtype = "float32"

    def embed_documents(self, texts: Sequence[str]) -> Any:
        vectors = [np.random.default_rng(len(text)).normal(size=384) for text in texts]
        return np.asarray([vector / np.linalg.norm(vector) for vector in vectors], dtype=np.float32)


@dataclass
class File:
    """A file of the folder. ``stamp`` changes with anything that a look can see, ``inode`` with a new file, ``written`` with new bytes."""

    content: str
    inode: int
    written: int
    stamp: int


@dataclass
class Row:
    """What the catalog should say of a document. ``tried`` is what decided its last failure, ``held`` whether its file is missing."""

    content: str | None
    stamp: int
    inode: int
    written: int
    size: int
    state: str = "pending"
    tried: tuple[object, ...] | None = None
    attempts: int = 0
    transient: bool = False
    missing: str = ""  # "", "held", "expired", "confirmed"


def collection(path: str) -> str:
    return path.partition("/")[0]


class Lifecycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="lifecycle-"))
        self.settings = Settings(
            data_dir=self.root / "data", settle_seconds=0, max_attempts=ATTEMPTS, max_file_bytes=LIMIT_BYTES,
            extraction_timeout_seconds=LIMIT_SECONDS, deletion_hold_documents=MEMBERS, deletion_hold_share=0.5,
        )  # fmt: skip
        self.numbers = count(1)
        self.files: dict[str, File] = {}
        self.unplugged: dict[str, dict[str, File]] = {}
        self.rows: dict[str, Row] = {}
        self.answering: dict[str, dict[str, bool]] = {name: {} for name in COLLECTIONS}  # path → whether with a vector
        self.staged: dict[str, dict[str, tuple[object, ...] | None]] = {name: {} for name in COLLECTIONS}
        self.staged_vectors: dict[str, set[str]] = {name: set() for name in COLLECTIONS}
        self.read: set[str] = set()
        self.cut: set[str] = set()
        self.embedded: set[str] = set()
        Weather.bad = False

    @initialize()
    def begin(self) -> None:
        for name in COLLECTIONS:
            (self.settings.uploads / name).mkdir(parents=True)
        for name, content in zip(NAMES, CONTENTS, strict=False):
            self.write("one", name, content)
        self.run("one")

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    # --- what happens to the folder ---

    @rule(where=st.sampled_from(COLLECTIONS), name=st.sampled_from(NAMES), content=st.sampled_from(CONTENTS))
    def write(self, where: str, name: str, content: str) -> None:
        path = f"{where}/{name}"
        real = self.settings.uploads / path
        real.unlink(missing_ok=True)
        real.write_text(content)
        written = next(self.numbers)
        os.utime(real, (written, written))
        self.files[path] = File(content, written, written, written)

    @rule(where=st.sampled_from(COLLECTIONS), content=st.sampled_from(CONTENTS[:3]))
    def fill(self, where: str, content: str) -> None:
        for name in NAMES:
            self.write(where, name, content)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.files)))
        file = self.files[path]
        file.stamp = file.written = next(self.numbers)
        os.utime(self.settings.uploads / path, (file.written, file.written))

    @precondition(lambda self: self.files)
    @rule(data=st.data(), where=st.sampled_from(COLLECTIONS), name=st.sampled_from(NAMES))
    def move(self, data: st.DataObject, where: str, name: str) -> None:
        path, target = data.draw(st.sampled_from(sorted(self.files))), f"{where}/{name}"
        if path != target:
            (self.settings.uploads / path).rename(self.settings.uploads / target)
            self.files[target] = self.files.pop(path)
            self.files[target].stamp = next(self.numbers)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.files)))
        del self.files[path]
        (self.settings.uploads / path).unlink()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def delete_by_the_app(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.rows)))
        # Of a moment ago: right after the note, the same file there again would be taken for one that is about to go.
        confirm_removals(Catalog(self.settings.catalog_path), {path: collection(path)}, utc_now() - timedelta(minutes=1))
        (self.settings.uploads / path).unlink(missing_ok=True)
        self.files.pop(path, None)
        self.rows[path].missing = "confirmed"

    @rule(where=st.sampled_from(COLLECTIONS))
    def unplug(self, where: str) -> None:
        if where not in self.unplugged:
            (self.settings.uploads / where).rename(self.root / where)
            (self.settings.uploads / where).mkdir()
            self.unplugged[where] = {path: self.files.pop(path) for path in sorted(self.files) if collection(path) == where}

    @rule(where=st.sampled_from(COLLECTIONS))
    def plug_in(self, where: str) -> None:
        if where in self.unplugged:
            shutil.rmtree(self.settings.uploads / where)
            (self.root / where).rename(self.settings.uploads / where)
            self.files = {path: file for path, file in self.files.items() if collection(path) != where} | self.unplugged.pop(where)

    # --- what people and the clock do ---

    @rule(seconds=st.sampled_from((LIMIT_SECONDS, HIGH_LIMIT_SECONDS)), size=st.sampled_from((LIMIT_BYTES, HIGH_LIMIT_BYTES)))
    def change_limits(self, seconds: float, size: int) -> None:
        self.settings = self.settings.model_copy(update={"extraction_timeout_seconds": seconds, "max_file_bytes": size})

    @rule(bad=st.booleans())
    def weather_changes(self, bad: bool) -> None:
        Weather.bad = bad

    @rule(where=st.sampled_from(COLLECTIONS))
    def confirm(self, where: str) -> None:
        confirm_deletions(Catalog(self.settings.catalog_path), [where])
        for path, row in self.rows.items():
            if collection(path) == where and row.missing:
                row.missing = "confirmed"

    @rule()
    def a_day_passes(self) -> None:
        with Catalog(self.settings.catalog_path).writing() as connection:
            connection.execute("UPDATE missing_files SET missing_since = missing_since - INTERVAL 25 HOUR")
        for row in self.rows.values():
            row.missing = "expired" if row.missing == "held" else row.missing

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.rows)))
        (identity,) = [row.document_id for row in Catalog(self.settings.catalog_path).documents() if row.file == path]
        reopen_documents(Catalog(self.settings.catalog_path), [identity])
        self.reopen(self.rows[path])

    @precondition(lambda self: self.present_and_indexed())
    @rule(data=st.data())
    def read_again(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.present_and_indexed()))
        content = self.rows[path].content or ""
        (identity,) = [row.document_id for row in Catalog(self.settings.catalog_path).documents() if row.file == path]
        reopen_documents(Catalog(self.settings.catalog_path), [identity], again=True)
        for row in self.rows.values():
            if row.content == content and row.state == "indexed":
                row.state = "pending"
        self.read.discard(content)
        self.cut.discard(content)

    def present_and_indexed(self) -> list[str]:
        return sorted(path for path, row in self.rows.items() if row.state == "indexed" and not row.missing)

    @rule(where=st.sampled_from(COLLECTIONS), lane=st.sampled_from(sorted(STEPS)))
    def run_lane(self, where: str, lane: str) -> None:
        self.run_until(where, lane, len(STEPS[lane]))

    def run(self, where: str) -> None:
        self.run_lane(where, "all")

    @rule()
    def run_all(self) -> None:
        for where in COLLECTIONS:
            self.run(where)

    @rule()
    def come_to_rest(self) -> None:
        """When all runs that could change something are through, the sensor has no reason for another."""
        for _ in range(ATTEMPTS + 1):
            self.run_all()
        catalog, listing = Catalog(self.settings.catalog_path), list_folder(self.settings.uploads)
        known = known_signatures(catalog, None, circumstances(self.settings))
        plan = plan_folder(listing, known, 1e12, 0)
        moved, missing = moved_files(plan.removed, known, listing.signatures), missing_files(catalog)
        assert not plan.to_read
        assert not worth_a_scan(plan.removed, listing.files, moved, missing, hold_rules(self.settings), utc_now())
        assert not backlogs(self.settings, catalog, open_index(self.settings), COLLECTIONS)

    @rule(where=st.sampled_from(COLLECTIONS), lane=st.sampled_from(sorted(STEPS)), data=st.data())
    def crash(self, where: str, lane: str, data: st.DataObject) -> None:
        self.run_until(where, lane, data.draw(st.integers(1, len(STEPS[lane]) - 1)))

    def run_until(self, where: str, lane: str, last: int) -> None:
        """A run that is killed after so many of its steps, for real and in the model."""
        workspace = Workspace(self.settings, where)
        batches: list[str] = []
        texts: list[str] = []
        real_steps = (
            lambda: steps.source_documents.update_documents(workspace),
            lambda: batches.extend(steps.extracted_text.plan_extraction(workspace)),
            lambda: [steps.extracted_text.extract_batch(workspace, batch) for batch in batches],
            lambda: steps.extracted_text.commit_extraction(workspace),
            lambda: steps.chunks.cut_chunks(workspace),
            lambda: texts.extend(steps.embeddings.plan_embeddings(workspace)),
            lambda: [steps.embeddings.embed_batch(workspace, batch) for batch in texts],
            lambda: steps.embeddings.commit_embeddings(workspace),
            lambda: steps.vector_index.update_index(workspace),
        )
        tasks: list[str] = []
        unseen: list[str] = []
        model = (
            lambda: self.model_scan(where),
            lambda: tasks.extend(self.model_plan(where)),
            lambda: self.staged[where].update({content: self.model_reading(content) for content in tasks}),
            lambda: self.model_commit(where),
            lambda: self.cut.update(self.readable(where)),
            lambda: unseen.extend(self.model_plan_vectors(where)),
            lambda: self.staged_vectors[where].update(unseen),
            lambda: self.model_commit_vectors(where),
            lambda: self.model_publish(where),
        )
        for number in STEPS[lane][:last]:
            real_steps[number]()
            model[number]()
        self.the_catalog_equals_the_model()
        self.the_answers_equal_the_model()

    # --- the model ---

    def reopen(self, row: Row) -> None:
        if row.state == "failed":
            row.state, row.tried, row.attempts, row.transient = "pending", None, 0, False
            row.stamp = row.stamp if row.content is not None else 0

    def model_scan(self, where: str) -> None:
        listed = {path: file for path, file in self.files.items() if collection(path) == where}
        known = {path: row for path, row in self.rows.items() if collection(path) == where}
        read = {path: file for path, file in listed.items() if self.is_to_look_at(known.get(path), file)}
        contents = {file.content for file in read.values() if len(file.content) <= self.settings.max_file_bytes}
        self.model_deletions(known, listed, contents)
        for path, row in known.items():
            if row.missing and path in listed:
                row.missing = ""
                if row.transient:
                    self.reopen(row)
        for path, file in read.items():
            self.model_look(path, file)

    def is_to_look_at(self, row: Row | None, file: File) -> bool:
        grown = row is not None and row.state == "failed" and row.content is None and len(file.content) <= self.settings.max_file_bytes
        return row is None or row.stamp != file.stamp or grown

    def model_look(self, path: str, file: File) -> None:
        row = self.rows.get(path)
        fits = len(file.content) <= self.settings.max_file_bytes
        if row and fits and row.content == file.content:
            row.stamp, row.inode, row.written = file.stamp, file.inode, file.written
            self.reopen(row)
            return
        content, state = (file.content, "pending") if fits else (None, "failed")
        self.rows[path] = Row(content, file.stamp, file.inode, file.written, len(file.content), state)

    def model_deletions(self, known: dict[str, Row], listed: dict[str, File], contents: set[str]) -> None:
        gone = {path: row for path, row in known.items() if path not in listed}
        present = {(file.inode, file.written, len(file.content)) for file in self.files.values()}
        moved = {path for path, row in gone.items() if row.content in contents or self.identity(row) in present}
        lost = [path for path, row in gone.items() if not row.missing and path not in moved]
        of = len(known) - sum(bool(row.missing) for row in gone.values())
        mass = bool(lost) and ((len(lost) == of and len(listed) < of) or (len(lost) > of / 2 and len(lost) >= MEMBERS))
        for path, row in gone.items():
            if mass and path in lost:
                row.missing = "held"
            elif row.missing != "held" or path in moved:
                del self.rows[path]

    def identity(self, row: Row) -> tuple[int, int, int] | None:
        """By what a file is known again under another name; not where the catalog asks for another look at it."""
        again = row.content is None and row.size <= self.settings.max_file_bytes
        return None if again or not row.stamp else (row.inode, row.written, row.size)

    def model_reading(self, content: str) -> tuple[object, ...] | None:
        """What becomes of a content that is read now: None, or what a failure depends on."""
        if content == "damaged":
            return ("damaged",)
        if content == "slow" and self.settings.extraction_timeout_seconds <= LIMIT_SECONDS:
            return ("timeout", self.settings.extraction_timeout_seconds)
        return ("worker_died",) if content == "flaky" and Weather.bad else None

    def model_plan(self, where: str) -> list[str]:
        self.model_commit(where)
        due = [row for path, row in self.rows.items() if collection(path) == where and row.content is not None and not row.missing]
        return sorted({row.content for row in due if row.content not in self.read and not self.is_given_up(row)} - {None})  # type: ignore[type-var]

    def is_given_up(self, row: Row) -> bool:
        if row.tried is None or (row.transient and row.attempts < ATTEMPTS):
            return False
        return row.tried[0] != "timeout" or row.tried[1] == self.settings.extraction_timeout_seconds

    def model_commit(self, where: str) -> None:
        for content, failed in self.staged[where].items():
            if failed is None:
                self.read.add(content)
            for row in self.rows.values():
                if failed and row.content == content and not row.missing:  # what a document with a missing file answers from stays
                    row.attempts = row.attempts + 1 if row.tried == failed else 1
                    row.state, row.tried, row.transient = "failed", failed, failed[0] == "worker_died"
        self.staged[where].clear()
        for row in self.rows.values():
            if row.content in self.read and row.tried is not None:
                row.state, row.tried, row.attempts, row.transient = "pending", None, 0, False

    def readable(self, where: str) -> set[str]:
        """Contents of a collection's documents that were read."""
        rows = [row for path, row in self.rows.items() if collection(path) == where and row.tried is None]
        return {row.content for row in rows if row.content is not None and row.content in self.read}

    def model_plan_vectors(self, where: str) -> set[str]:
        self.model_commit_vectors(where)
        return (self.readable(where) & self.cut) - self.embedded

    def model_commit_vectors(self, where: str) -> None:
        self.embedded |= self.staged_vectors[where]
        self.staged_vectors[where].clear()

    def model_publish(self, where: str) -> None:
        contents = self.readable(where) & self.cut
        published = {path: row for path, row in self.rows.items() if collection(path) == where and row.content in contents}
        for row in published.values():
            row.state = "indexed" if row.content in self.embedded else "pending"
        # What an edited document said before answers until it is read.
        waiting = {path for path, row in self.rows.items() if row.state == "pending" and path not in published}
        kept = {path: seen for path, seen in self.answering[where].items() if path in waiting}
        self.answering[where] = kept | {path: row.state == "indexed" for path, row in published.items()}
        self.embedded &= self.cut  # what is to be read again is cut no more, and what nobody needs is forgotten

    # --- what must always be so ---

    def the_catalog_equals_the_model(self) -> None:
        rows = {row.file: (row.state, row.deletion_held_since is not None) for row in Catalog(self.settings.catalog_path).documents()}
        assert rows == {path: (row.state, row.missing in ("held", "expired")) for path, row in self.rows.items()}

    def the_answers_equal_the_model(self) -> None:
        index = open_index(self.settings)
        for name in COLLECTIONS:
            manifest = index.manifest(name)
            found = (manifest.documents, manifest.chunks, manifest.vectors) if manifest else (0, 0, 0)
            assert found == (len(self.answering[name]), len(self.answering[name]), sum(self.answering[name].values()))


@pytest.mark.timeout(0)
def test_catalog_and_answers_always_equal_a_simple_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.extracted_text, "extract_all", read)
    monkeypatch.setattr(steps.embeddings, "load_embedder", lambda *arguments: Embedder())
    from hypothesis import Phase

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    profile = hypothesis_settings(max_examples=EXAMPLES, stateful_step_count=20, phases=[Phase.generate], suppress_health_check=checks)
    run_state_machine_as_test(Lifecycle, settings=profile)  # type: ignore[no-untyped-call]
