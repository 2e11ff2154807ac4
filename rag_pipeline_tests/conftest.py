"""What many tests need: settings on a folder of their own, and the ingestion steps without Dagster."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import hypothesis
import psutil
import pytest

from rag_pipeline.cli import ingest as cli_ingest
from rag_pipeline.cli.recording import Recorder
from rag_pipeline.evaluation.quality import Measured
from rag_pipeline.ingestion.backlog import LANES, Lane
from rag_pipeline.ingestion.steps.lanes import Reports, run_lanes
from rag_pipeline.ingestion.steps.vector_index import IndexReport
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.privacy import switch_off_telemetry
from rag_pipeline.settings import Settings
from rag_pipeline_tests.made_model import made_model, put_into
from rag_pipeline_tests.programs import require

switch_off_telemetry(os.environ)

_MEMORY_AS_DISK = Path("/dev/shm")
_NEEDED_BYTES = 8 << 30
"""Of memory: what three processes leave at a time is 1.5 GB of files, and all that they start takes 6 GB beside them."""


def _is_quicker_than_a_disk(place: Path) -> bool:
    """Not in a container, which gives it 64 MB and starts no programs from it, nor where memory is short."""
    if not os.access(place, os.W_OK):
        return False
    about = os.statvfs(place)
    free_bytes = min(about.f_bavail * about.f_frsize, psutil.virtual_memory().available)
    return free_bytes >= _NEEDED_BYTES and not about.f_flag & os.ST_NOEXEC


# An ingestion makes sure of dozens of small files: it waits for a disk as long as it works.
if "TMPDIR" not in os.environ and _is_quicker_than_a_disk(_MEMORY_AS_DISK):
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY_AS_DISK)

# Each client of httpx reads all authorities that are trusted, 15 ms each time. Whoever is spoken to here is on loopback, without TLS.
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
os.environ.pop("SSL_CERT_FILE", None)  # would come first

# Most of the many objects in here were imported and stay. To go through them for garbage after each 700 new ones took a fifth of the time.
gc.set_threshold(50_000)

# How long an example takes is the machine's affair. In continuous integration examples are the same each time.
hypothesis.settings.register_profile("suite", parent=hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("suite")


WHOLE_PRODUCT = (
    "test_distributed",
    "test_up",
    "test_killed",
    "test_privacy",
    "test_cli",
    "test_state_machine",
    "test_two_runs",
    "test_runs",
    "test_pipeline",
)
"""Modules of which single tests take half a minute, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: with two processes, one of them at the end would leave the other idle."""
    items.sort(key=lambda item: WHOLE_PRODUCT.index(item.path.stem) if item.path.stem in WHOLE_PRODUCT else len(WHOLE_PRODUCT))


def pytest_sessionstart() -> None:
    """Start the server of reading processes: it keeps the environment of that moment, which must not be that of a test without programs."""
    ensure_running()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        require(*mark.args)


@pytest.fixture(autouse=True)
def _memory_is_given_back(tmp_path: Path) -> Iterator[None]:
    """An index takes 34 MB there, of which it fills next to nothing. To look at what a test left: ``TMPDIR=/tmp pytest …``"""
    yield
    if tmp_path.is_relative_to(_MEMORY_AS_DISK):
        for left in tmp_path.iterdir():  # not the folder itself: processes that go on were started in it
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder that is not in memory, where a file that was mapped has no holes any more."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own RAG_ variables, .env file, or API key must not reach a test."""
    for name in [name for name in os.environ if name.startswith(("RAG_", "OPENAI_", "DAGSTER_HOME")) and not name.startswith("RAG_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


_OF_A_DATA_FOLDER = {"settings", "data", "uploads"}
"""Fixtures that stand for one in ``tmp_path / "data"``."""


@pytest.fixture(scope="session")
def packaged_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the packaged model is ready."""
    given = os.environ.get("RAG_TEST_PACKAGED_MODEL")  # by the test that started this process
    return Path(given) if given else made_model(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def _model_is_made(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if "embedding" not in request.path.parts and _OF_A_DATA_FOLDER & set(request.fixturenames):
        put_into(tmp_path / "data", request.getfixturevalue("packaged_model"))


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path / "data", settle_seconds=0)
    if getattr(request, "param", "disk") == "bucket":
        return watching_a_bucket(made)
    made.uploads.mkdir(parents=True)
    return made


in_both_folders = pytest.mark.parametrize("settings", ["disk", "bucket"], indirect=True)
"""A test of what holds wherever the watched folder is. ``settings.uploads`` can be written to as a path in both."""


def watching_a_bucket(settings: Settings) -> Settings:
    from rag_pipeline_tests.object_storage import BucketPath, running

    place = BucketPath(running().bucket().folder.bucket, "docs/")
    return running().settings(settings, place)


def run_steps(settings: Settings, collection: str = "default", full_refresh: bool = False) -> IndexReport:
    """All five steps."""
    return _run(Workspace(settings, collection, full_refresh), LANES)


def text_lane(settings: Settings, piece: Slice | None = None, collection: str = "default") -> None:
    """Read, cut, published, and no vectors."""
    _run(Workspace(settings, collection, slice=piece), ["text"])


def vectors_lane(settings: Settings, piece: Slice | None = None, collection: str = "default") -> None:
    """Embedded, and published again."""
    _run(Workspace(settings, collection, slice=piece), ["vectors"])


def _run(workspace: Workspace, lanes: Sequence[Lane]) -> IndexReport:
    run_lanes(workspace, lanes, reports := Reports())
    return reports.vector_index[-1]


class _RecorderHere(Recorder):
    """Writes the same with the Dagster that is loaded here already."""

    def begin(self) -> None:
        pass

    def record(self, done: Mapping[str, Reports], measured: Mapping[str, Measured]) -> str:
        from rag_pipeline.defs.record import record
        from rag_pipeline.defs.runs import open_instance

        with open_instance(self._settings) as instance:
            record(instance, self._settings, done, measured)
        return ""


@pytest.fixture
def recorded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that call ``rag ingest`` in this process: what it did is written into Dagster's records by no other process, which would
    load Dagster each time. How that is done is tested in ``defs/test_runs.py`` and by whole commands."""
    monkeypatch.setattr(cli_ingest, "Recorder", _RecorderHere)


@pytest.fixture
def ingest(settings: Settings) -> Callable[..., IndexReport]:
    def run(collection: str = "default", full_refresh: bool = False) -> IndexReport:
        return run_steps(settings, collection, full_refresh)

    return run
