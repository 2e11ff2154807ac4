"""Where Dagster keeps its records, and with which configuration. Knows no dagster: only the file that Dagster reads.

Belongs here: ``dagster.yaml``. Not here: runs, definitions.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import write_atomically

STOP_FILE = "stopping"
"""In Dagster's home; `rag up` touches it as it stops, so that no tick of the sensor keeps it waiting."""

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
    max_concurrent_runs: 4  # a long one for each of two lanes leaves room for a file that arrives meanwhile
    dequeue_interval_seconds: 1
run_monitoring:
  enabled: true
  poll_interval_seconds: 20
  start_timeout_seconds: 300
  cancel_timeout_seconds: 60
  max_runtime_seconds: 0  # a first ingestion may take days; each document has limits of its own
  free_slots_after_run_end_seconds: 30
auto_materialize:
  enabled: false
  use_sensors: false
freshness:
  enabled: false
# One run at a time on the embedding device (a GPU without room for two):
# concurrency:
#   pools:
#     default_limit: 1
#     granularity: op
retention:
  sensor:
    purge_after_days:
      skipped: 1
      success: 7
      failure: 30
"""

DATABASE_VARIABLE = "DAGSTER_POSTGRES_URL"
_STORAGE = f"""\
storage:
  postgres:
    postgres_url:
      env: {DATABASE_VARIABLE}
"""
"""The address itself stands in no file: it holds a password. ``rag`` sets the variable; who starts Dagster's programs by hand does too."""

_WRITTEN_BEFORE = frozenset(
    {
        "62cc460c2d21eb78ee8239e0dd212c3c1c404a0c7672a363df5b8dd020af6149",  # with two runs at once
        "938853519c5b2bf8b92055ad3d4a86e0a3950d12ea3854853fb4ff5d0b91f47d",  # without run_monitoring, auto_materialize, freshness
    }
)
"""sha256 of every configuration that an earlier release wrote. Who changes the one above adds what it was to these."""


def prepare_instance(settings: Settings) -> Path:
    """Dagster's home, with a configuration: made when it is not there, brought up to date while nobody has changed it.

    Raises:
        RagError: somebody changed it, and it does not name the database that the settings do.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    found, wanted = file.read_bytes() if file.exists() else b"", _configuration(settings)
    if not file.exists() or _is_ours(found):
        if found != wanted:
            write_atomically(file, wanted)
    elif settings.dagster_database_url and DATABASE_VARIABLE.encode() not in found:
        raise RagError(f"RAG_DAGSTER_DATABASE_URL is set, and {file}, which was changed by hand, does not use it. Add to it:\n{_STORAGE}")
    return home


def database_variable(settings: Settings) -> dict[str, str]:
    """What Dagster's configuration reads from the environment. A bare ``postgresql`` is another driver to SQLAlchemy than Dagster has."""
    if not settings.dagster_database_url:
        return {}
    scheme, _, address = settings.dagster_database_url.get_secret_value().partition("://")
    return {DATABASE_VARIABLE: f"{'postgresql+psycopg2' if scheme in ('postgres', 'postgresql') else scheme}://{address}"}


def _configuration(settings: Settings) -> bytes:
    return (_CONFIGURATION + (_STORAGE if settings.dagster_database_url else "")).encode()


def _is_ours(found: bytes) -> bool:
    return found.removesuffix(_STORAGE.encode()) == _CONFIGURATION.encode() or hashlib.sha256(found).hexdigest() in _WRITTEN_BEFORE
