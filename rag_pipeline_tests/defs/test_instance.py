"""Dagster's configuration: written once, brought up to date only while nobody has changed it."""

from pathlib import Path

import yaml

from rag_pipeline.defs.instance import prepare_instance
from rag_pipeline.settings import Settings

EARLIER = """\
# Written once by rag; yours to change (docs/operations.md says when to).
telemetry:
  enabled: false
run_coordinator:
  module: dagster
  class: QueuedRunCoordinator
  config:
    max_concurrent_runs: 2
    dequeue_interval_seconds: 1
retention:
  sensor:
    purge_after_days:
      skipped: 1
      success: 7
      failure: 30
"""


def configuration(folder: Path, before: str | None) -> str:
    """What the file holds after a start, having held ``before``."""
    settings = Settings(data_dir=folder)
    file = settings.dagster_home / "dagster.yaml"
    if before is not None:
        file.parent.mkdir(parents=True)
        file.write_text(before)
    prepare_instance(settings)
    return file.read_text()


def test_a_file_that_an_earlier_release_wrote_is_brought_up_to_date(tmp_path: Path) -> None:
    new = configuration(tmp_path / "new", None)
    assert yaml.safe_load(new)["run_monitoring"]["enabled"]
    assert configuration(tmp_path / "old", EARLIER) == new


def test_a_file_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    for number, changed in enumerate((EARLIER.replace("runs: 2", "runs: 1"), EARLIER + "\n", "")):
        assert configuration(tmp_path / str(number), changed) == changed
