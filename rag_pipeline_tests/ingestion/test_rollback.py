"""Going back to the version before: what answers then, what stays so, and what ends it."""

import pytest
from click.testing import CliRunner, Result

from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.consistency import unpublished_collections
from rag_pipeline.ingestion.rollback import roll_back, rolled_back
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits


def found(settings: Settings) -> set[str]:
    return {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text="zebra"))}


def unpublished(settings: Settings) -> dict[str, int]:
    return unpublished_collections(Catalog(settings.catalog_path), open_index(settings), ["default"])


def rag(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"RAG_DATA_DIR": str(settings.data_dir), "RAG_SETTLE_SECONDS": "0"})


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
