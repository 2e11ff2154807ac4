"""Backed up while it works, restored elsewhere: the same answers, the same conversations, and nothing of it half."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.backup import replacement
from rag_pipeline.backup.making import back_up
from rag_pipeline.backup.manifest import BackupError
from rag_pipeline.backup.restoring import restore
from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.consistency import dead_documents, unpublished_collections
from rag_pipeline.ingestion.look import look_around
from rag_pipeline.ingestion.pauses import pause, read_pauses
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.engine import Database, open_database
from rag_pipeline.stores.vectors import open_index
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.object_storage import KEYS, refusing, running
from rag_pipeline_tests.stores.vectors.conftest import change, points
from rag_pipeline_tests.stores.vectors.qdrant_over_http import QdrantOverHttp

QUESTIONS = ("How much does the zebra Ottilie eat?", "Who feeds the okapi?")
TOKEN = "anna-secret-token-of-32-characters"


def quiet(*_: object) -> None:
    pass


def make(settings: Settings, target: object, *, with_uploads: bool = False, progress: Callable[[int, int], None] = quiet) -> None:
    back_up(settings, str(target), with_uploads=with_uploads, say=quiet, progress=progress)


def bring_back(settings: Settings, target: object, *, replace: bool = False) -> None:
    restore(settings, str(target), replace=replace, say=quiet, progress=quiet)


def elsewhere(settings: Settings, data: Path, **more: object) -> Settings:
    """Another place for the same documents and the same model."""
    data.mkdir()
    known = (settings.data / "models.json").read_text()
    (data / "models.json").write_text(known.replace(str(settings.data), str(data)))
    (data / "models").symlink_to(settings.data / "models")
    return settings.model_copy(update={"data_dir": data, "uploads_dir": settings.uploads, **more})


async def converse(settings: Settings, *questions: str) -> None:
    kept = Conversations(Database(None, settings.conversations_path))
    made = await kept.create("owner", "zoo")
    for question in questions:
        answer = await kept.begin_answer("owner", made.conversation_id, question)
        await kept.finish_answer(answer, f"Answer to {question} ☂", "complete", {"citations": [{"number": 1}]})
    await kept.close()


async def conversations(settings: Settings) -> Any:
    kept = Conversations(open_database(settings))
    found = [await kept.get("owner", one.conversation_id) for one in await kept.recent("owner")]
    await kept.close()
    return found


async def answers(settings: Settings) -> list[tuple[str, list[str]]]:
    answerer = build_answerer(settings)
    found = []
    for question in QUESTIONS:
        events = [event async for event in answerer.stream(question, (), Scope())]
        assert isinstance(events[-1], Answered)
        found.append((events[-1].answer, [citation.hit.chunk_id for citation in events[-1].citations]))
    await answerer.close()
    return found


def state(settings: Settings) -> Any:
    """All that a restore brings back."""
    index = open_index(settings)
    revisions = {name: index.revisions(name) for name in index.collections()}
    index.close()
    rows = [(row.collection, row.document, row.state, row.chunks) for row in Catalog(settings.catalog_path).documents()]
    return rows, revisions, asyncio.run(conversations(settings)), read_pauses(settings)


def tree(folder: Path) -> dict[str, tuple[int, ...]]:
    """Differs once a file was written, replaced or removed."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file() and "lock" not in path.name}
    return {str(path): (status.st_ino, status.st_size, status.st_mtime_ns) for path, status in found.items()}


@pytest.fixture
def zoo(settings: Settings) -> Settings:
    (settings.uploads / "farm").mkdir()
    (settings.uploads / "farm" / "zebra.txt").write_text("The zebra Ottilie eats eleven carrots each morning.")
    (settings.uploads / "farm" / "okapi.txt").write_text("The okapi is fed by Ansgar.")
    run_steps(settings, "farm")
    asyncio.run(converse(settings, "When?", "Who?"))
    pause(settings, ["farm"])
    return settings


def test_the_same_answers_elsewhere(zoo: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder, a zip file and a bucket."""
    monkeypatch.setattr("rag_pipeline.backup.packing.PART_BYTES", 1 << 18)
    storage = {**KEYS, "s3_endpoint_url": running().url, "api_tokens": f"anna:read:farm:{TOKEN}", "openai_api_key": "sk-never-kept"}
    settings = Settings(data_dir=zoo.data, **storage)
    bucket = running().bucket()
    expected = state(settings)
    (settings.backup_path / "of a killed backup").mkdir(parents=True)
    with running().failing(refusing(403, "AccessDenied", "PUT")), pytest.raises(RagError, match="Give the keys the right to it"):
        make(settings, f"{bucket.address}/on/monday")
    for kind, target in {"folder": tmp_path / "Ärger & 🎉", "zip": tmp_path / "x.zip", "bucket": f"{bucket.address}/on/monday"}.items():
        make(settings, target)
        with pytest.raises(BackupError, match=r"is there already|is not empty"):
            make(settings, target)
        assert not settings.backup_path.exists()
        new = elsewhere(settings, tmp_path / f"from-{kind}")
        bring_back(new, target)
        assert state(new) == expected
        assert not look_around(new, Catalog(new.catalog_path), open_index(new), []).backlog
        assert not new.restore_path.exists()
    assert asyncio.run(answers(new)) == asyncio.run(answers(settings))
    _require_no_secrets(new, tmp_path / "Ärger & 🎉")


def _require_no_secrets(restored: Settings, backup: Path) -> None:
    parts = sorted(backup.glob("part-*"))
    assert len(parts) > 3
    unpacked = subprocess.run(["zcat", "-f", *parts], stdout=subprocess.PIPE, check=True).stdout  # as one does without us
    with tarfile.open(fileobj=BytesIO(unpacked)) as tar:
        whole = b"".join(tar.extractfile(one).read() for one in tar if one.isreg() and one.size < 1 << 22)  # type: ignore[union-attr]
    assert b"anna:read:farm:sha256-" in whole
    assert TOKEN.encode() not in whole
    assert b"sk-never-kept" not in whole
    private = [restored.catalog_path, restored.conversations_path, restored.index_path, restored.data / "tokens.txt"]
    assert [path for path in (backup, *parts, *private) if path.stat().st_mode & 0o077] == []


def test_a_backup_is_of_one_moment(zoo: Settings, tmp_path: Path) -> None:
    """Whatever changes while it is packed: a collection that goes, documents that come, a conversation that goes on."""
    expected = state(zoo)
    changed: list[int] = []

    def change_everything(*_: object) -> None:
        if not changed:
            changed.append(1)
            (zoo.uploads / "farm" / "okapi.txt").unlink()
            (zoo.uploads / "farm" / "zebra.txt").rename(zoo.uploads / "zebra.txt")
            for collection in ("default", "farm"):
                run_steps(zoo.model_copy(update={"deletion_hold_hours": 0}), collection)
            asyncio.run(converse(zoo, "And now?"))

    make(zoo, tmp_path / "backup", progress=change_everything)
    assert state(zoo) != expected
    assert open_index(zoo).collections() == ["default"]
    new = elsewhere(zoo, tmp_path / "new")
    bring_back(new, tmp_path / "backup")
    assert state(new) == expected
    for collection in ("default", "farm"):  # and the folder, which is further, is caught up with
        run_steps(new.model_copy(update={"deletion_hold_hours": 0}), collection)
    assert state(new)[1] == state(zoo)[1]


@pytest.mark.timeout(120)
def test_backed_up_while_an_ingest_runs(settings: Settings, tmp_path: Path) -> None:
    for number in range(30):
        (settings.uploads / f"{number}.txt").write_text(f"Paragraph about subject{number}.")
    run_steps(settings)
    for number in range(30):
        (settings.uploads / f"more{number}.txt").write_text(f"Another about subject{number}.")
    environment = {"RAG_DATA_DIR": str(settings.data), "RAG_SETTLE_SECONDS": "0", "RAG_EXTRACTION_BATCH_DOCUMENTS": "10"}
    ingest = subprocess.Popen([sys.executable, "-m", "rag_pipeline", "ingest"], env={**os.environ, **environment}, stderr=subprocess.PIPE)
    made = 0
    while ingest.poll() is None and made < 4:
        time.sleep(0.6)
        make(settings, tmp_path / f"{made}.zip")
        made += 1
    _, said = ingest.communicate()
    assert ingest.returncode == 0, said
    seen = set()
    for number in range(made):
        new = elsewhere(settings, tmp_path / f"new{number}")
        bring_back(new, tmp_path / f"{number}.zip")
        catalog, index = Catalog(new.catalog_path), open_index(new)
        assert unpublished_collections(catalog, index, []) == {}
        assert dead_documents(Workspace(new, "default")) == set()
        assert not index.damaged()
        seen.add(index.count("default"))
    assert seen
    first = elsewhere(settings, tmp_path / "first")
    bring_back(first, tmp_path / "0.zip")
    run_steps(first)
    assert state(first)[1] == state(settings)[1]


@pytest.fixture
def small(settings: Settings) -> Settings:
    """A data folder without a model or a run."""
    EdgeIndex(settings.index_path).publish(change("c", points("a.md", "foxes run", "owls sleep")))
    asyncio.run(converse(settings, "When?"))
    with Catalog(settings.catalog_path).writing():
        pass
    return settings


def rag(data: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"RAG_DATA_DIR": str(data), **environment})


def damage(backup: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (file,) = backup.glob(f"{name}*")
    file.write_bytes(change(file.read_bytes()))


def with_manifest(**changes: object) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), **changes}).encode()


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "interrupted": ("backup.json, which is written last, is missing", lambda backup: (backup / "backup.json").unlink()),
    "newer format": ("newer program: rag 0.1.0, format 2", lambda backup: damage(backup, "backup.json", with_manifest(format=2, parts=3))),
    "newer product": ("newer program: rag 99.1.0", lambda backup: damage(backup, "backup.json", with_manifest(product="99.1.0"))),
    "no manifest": ("backup.json of the backup", lambda backup: damage(backup, "backup.json", lambda content: content[:-50])),
    "a flipped bit": ("part-00002", lambda backup: damage(backup, "part-00002", lambda content: bytes([content[0] ^ 1]) + content[1:])),
    "a part cut off": ("part-00003", lambda backup: damage(backup, "part-00003", lambda content: content[:-1])),
    "a part missing": ("part-00001", lambda backup: next(backup.glob("part-00001*")).unlink()),
    "files missing": ("The content", lambda backup: damage(backup, "backup.json", with_manifest(files=1000))),
}


def test_what_is_not_whole_is_refused_and_touches_nothing(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.backup.packing.PART_BYTES", 2048)
    make(small, tmp_path / "good")
    make(small, tmp_path / "good.zip")
    before = tree(small.data)
    for name, (message, spoil) in DAMAGES.items():
        shutil.copytree(tmp_path / "good", backup := tmp_path / name)
        spoil(backup)
        refused = rag(small.data, "restore", str(backup), "--replace")
        assert (refused.exit_code, tree(small.data)) == (1, before), name
        assert message in refused.output, name
        assert "Nothing was changed" in refused.output, name
    content = (tmp_path / "good.zip").read_bytes()
    for spoiled, message in ((content[:-100], "is no whole backup"), (content.replace(b"part-00001", b"part-10001", 1), "part-00001")):
        (tmp_path / "spoiled.zip").write_bytes(spoiled)
        assert message in rag(small.data, "restore", str(tmp_path / "spoiled.zip"), "--replace").output
    assert "There is no whole backup at" in rag(small.data, "restore", str(tmp_path / "none"), "--replace").output
    assert "There is data already" in rag(small.data, "restore", str(tmp_path / "good")).output
    assert "There is nothing to back up" in rag(tmp_path / "nothing", "backup", str(tmp_path / "b")).output
    assert "in the watched folder" in rag(small.data, "backup", str(small.uploads / "b")).output
    assert tree(small.data) == before
    assert not (tmp_path / "nothing").exists()


def test_nothing_is_exchanged_under_a_program_that_runs(small: Settings, tmp_path: Path) -> None:
    make(small, tmp_path / "backup")
    before = tree(small.data)
    for lock, message in ((small.data / "up.lock", "`rag up`"), (small.locks_path / "run.lock", "A run, a pause or a backup is at work")):
        with FileLock(lock):
            assert message in rag(small.data, "restore", str(tmp_path / "backup"), "--replace").output

    async def with_an_open_app() -> Result:
        app = Conversations(Database(None, small.conversations_path))
        await app.recent("owner")
        refused = await asyncio.to_thread(rag, small.data, "restore", str(tmp_path / "backup"), "--replace")
        await app.close()
        return refused

    assert "is in use by another program" in asyncio.run(with_an_open_app()).output
    with FileLock(small.locks_path / "backup.lock"):
        assert "Another backup" in rag(small.data, "backup", str(tmp_path / "other")).output
    assert tree(small.data) == before


def test_a_full_disk_is_told_before_anything_is_written(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(small, tmp_path / "backup")
    before = tree(small.data)
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1 << 20))  # type: ignore[attr-defined]
    assert "Not enough disk space to restore the backup" in rag(small.data, "restore", str(tmp_path / "backup"), "--replace").output
    assert "Not enough disk space to copy the catalog" in rag(small.data, "backup", str(tmp_path / "other")).output
    assert tree(small.data) == before


class Killed(BaseException):
    """As kill -9 is: nothing of ours that would tidy up knows it."""


def test_killed_at_any_step_of_the_exchange(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rename and deletion of the exchange is the last one once; what comes next finds the old or the new."""
    make(small, tmp_path / "old")
    old = state(small)
    EdgeIndex(small.index_path).publish(change("c", points("b.md", "bees")))
    asyncio.run(converse(small, "And now?"))
    pause(small, ["c"])
    make(small, tmp_path / "new", with_uploads=True)
    new = state(small)
    outcomes = []
    for last in range(100):
        settings = Settings(data_dir=tmp_path / f"data{last}")
        bring_back(settings, tmp_path / "old")
        left = iter(range(last))
        with monkeypatch.context() as patched:
            for owner, name in ((Path, "rename"), (Path, "unlink"), (Path, "replace"), (replacement.shutil, "rmtree")):
                patched.setattr(owner, name, _counted(getattr(owner, name), left))
            try:
                bring_back(settings, tmp_path / "new", replace=True)
            except Killed:
                pass
            else:
                break
        shown = rag(settings.data, "status", "--json")
        assert shown.exit_code == 0, shown.output
        outcomes.append(state(settings) == new)
        assert outcomes[-1] or state(settings) == old
    assert state(settings) == new
    assert outcomes == sorted(outcomes)
    assert outcomes.count(True) > 3
    assert outcomes.count(False) > 0


def _counted(original: Callable[..., Any], left: Iterator[int]) -> Callable[..., Any]:
    def step(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return original(*arguments, **options)

    return step


def test_from_a_server_to_files_and_back(small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.requests._back_off", lambda state: 0.0)
    http = QdrantOverHttp()
    served = small.model_copy(update={"qdrant_url": http.url})
    index = open_index(served)
    index.publish(change("c", points("a.md", "foxes run"), points("b.md", "bees"), documents=2))
    make(served, tmp_path / "of-server")
    assert "Copying c from the Qdrant server" in rag(small.data, "backup", str(tmp_path / "shown.zip"), RAG_QDRANT_URL=http.url).output
    bring_back(files := Settings(data_dir=tmp_path / "files"), tmp_path / "of-server")
    assert open_index(files).revisions("c") == index.revisions("c")
    index.publish(change("c", points("other.md", "wolves"), scratch=True))
    with pytest.raises(BackupError, match="the collection c on the Qdrant server"):
        bring_back(again := Settings(data_dir=tmp_path / "again", qdrant_url=http.url), tmp_path / "of-server")
    assert not again.catalog_path.exists()
    bring_back(again, tmp_path / "of-server", replace=True)
    assert open_index(again).revisions("c") == open_index(files).revisions("c")
    assert not again.index_path.exists()
    http.stop()
