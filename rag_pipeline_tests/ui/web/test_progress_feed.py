"""The one look at how far the work is, for all who ask."""

import asyncio
import subprocess
import sys

import pytest

from rag_pipeline.access import EVERYTHING
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from ui.web import progress_feed
from ui.web.progress_feed import ProgressFeed

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_what_was_not_counted_because_a_run_wrote_is_counted_at_the_next_look(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "note.txt").write_text("The keeper is called Ansgar.")
    update_documents(Workspace(settings, "default"))
    monkeypatch.setattr(progress_feed, "AT_WORK_SECONDS", 0.0)
    feed = ProgressFeed(settings)
    command = [sys.executable, "-c", HOLD, str(settings.catalog_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert asyncio.run(feed.current(EVERYTHING)).collections == ()
        holder.communicate()
    (found,) = asyncio.run(feed.current(EVERYTHING)).collections
    assert found.stages == {"waiting": 1}
