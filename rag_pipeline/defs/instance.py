"""Where Dagster keeps its records, and with which configuration. Knows no dagster: only the file that Dagster reads.

Belongs here: ``dagster.yaml``. Not here: runs, definitions.
"""

from __future__ import annotations

from pathlib import Path

from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import write_atomically

_CONFIGURATION = """\
# Written once by rag; yours to change (docs/operations.md says when to).
telemetry:
  enabled: false
nux:
  enabled: false
python_logs:
  python_log_level: INFO
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


def prepare_instance(settings: Settings) -> Path:
    """Dagster's home, with a configuration: made when it is not there, otherwise left as it is."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        write_atomically(configuration, _CONFIGURATION.encode())
    return home
