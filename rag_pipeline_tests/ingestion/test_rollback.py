"""Going back to the version before: what answers then, what stays so, and what ends it."""

import pytest
from click.testing import CliRunner, Result

from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion.consistency import unpublished_collections
from rag_pipeline.ingestion.rollback import roll_back, rolled_back
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits


def found(settings: Settings) -> set[str]:
    return {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text="zebra"))}


def unpublished(settings: Settings) -> dict[str, int]:
    return unpublished_collections(Catalog(settings.catalog_path), open_index(settings), ["default"])


def rag(settings: Settings, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"RAG_DATA_DIR": str(settings.data_dir), "RAG_SETTLE_SECONDS": "0", **environment})


@pytest.fixture
def two_versions(settings: Settings) -> Settings:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text(f"The zebra of {name} has stripes.")
        run_steps(settings)
    return settings


def test_the_version_before_answers_and_the_sensor_leaves_it_so(two_versions: Settings) -> None:
    assert "earlier version" in roll_back(two_versions, "default").message
    assert found(two_versions) == {"a.txt"}
    assert unpublished(two_versions) == {}
    assert [manifest.documents for manifest in rolled_back(open_index(two_versions), ["default", "other"])] == [1]


def test_a_deletion_that_no_run_published_is_noticed_all_the_same(two_versions: Settings) -> None:
    """The run died after its scan: of the document no row is left that would ask for another."""
    roll_back(two_versions, "default")
    (two_versions.uploads / "a.txt").unlink()
    update_documents(Workspace(two_versions, "default"))
    assert unpublished(two_versions) == {"default": 1}
    run_steps(two_versions)
    assert (found(two_versions), unpublished(two_versions)) == ({"b.txt"}, {})


def test_a_run_publishes_though_nothing_differs(two_versions: Settings) -> None:
    roll_back(two_versions, "default")
    (two_versions.uploads / "b.txt").unlink()
    run_steps(two_versions)
    assert found(two_versions) == {"a.txt"}
    assert rolled_back(open_index(two_versions), ["default"]) == []


def test_a_run_that_is_publishing_is_not_waited_for_long(two_versions: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.rollback.PATIENCE_SECONDS", 0.01)
    with Workspace(two_versions, "default").lock("vector_index"), pytest.raises(TransientError, match="Try again"):
        roll_back(two_versions, "default")
    assert found(two_versions) == {"a.txt", "b.txt"}


def test_status_does_without_a_server_that_does_not_answer(two_versions: Settings) -> None:
    down = rag(two_versions, "status", RAG_QDRANT_URL="http://127.0.0.1:1")
    assert (down.exit_code, "a.txt" in down.stdout) == (0, True)


def test_twice_is_as_it_was(two_versions: Settings) -> None:
    roll_back(two_versions, "default")
    assert "newest version again" in roll_back(two_versions, "default").message
    assert found(two_versions) == {"a.txt", "b.txt"}
    assert rolled_back(open_index(two_versions), ["default"]) == []


def test_the_next_run_publishes_all_again(two_versions: Settings) -> None:
    roll_back(two_versions, "default")
    (two_versions.uploads / "c.txt").write_text("The zebra of c.txt has stripes.")
    run_steps(two_versions)
    assert found(two_versions) == {"a.txt", "b.txt", "c.txt"}
    assert unpublished(two_versions) == {}
    assert rolled_back(open_index(two_versions), ["default"]) == []


def test_without_an_earlier_version_nothing_happens(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("The zebra has stripes.")
    run_steps(settings)
    with pytest.raises(RagError, match="nothing to go back to"):
        roll_back(settings, "default")
    assert found(settings) == {"a.txt"}


def test_the_command_says_what_answers_and_status_goes_on_saying_it(two_versions: Settings) -> None:
    done = rag(two_versions, "rollback", "default")
    assert (done.exit_code, "with 1 document" in done.output) == (0, True)
    assert "earlier version" in rag(two_versions, "status").stderr
    assert rag(two_versions, "status", "--json").stdout.startswith("[")
    again = rag(two_versions, "rollback", "default")
    assert "with 2 documents" in again.output
    assert "earlier version" not in rag(two_versions, "status").stderr
    refused = rag(two_versions, "rollback", "nowhere")
    assert (refused.exit_code, "nothing to go back to" in refused.stderr) == (1, True)
    assert [folder.name for folder in two_versions.index_path.iterdir() if not folder.name.startswith(".")] == ["default"]


def test_a_collection_is_called_as_its_folder_is(settings: Settings) -> None:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / "100% sure").mkdir(exist_ok=True)
        (settings.uploads / "100% sure" / name).write_text(f"The zebra of {name} has stripes.")
        run_steps(settings, "100%25 sure")
    assert "with 1 document" in rag(settings, "rollback", "100% sure").output
