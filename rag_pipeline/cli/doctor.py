"""``rag doctor``: all that can be looked at on this machine.

Belongs here: what only the command line looks at, because the app knows no Dagster. Not here: the rest (``rag_pipeline/doctor.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline import doctor
from rag_pipeline.doctor import Finding
from rag_pipeline.settings import Settings
from ui.web.rate_limit import examine_limit


def examine(settings: Settings) -> list[Finding]:
    """Look at everything, as :func:`rag_pipeline.doctor.examine` does."""
    return doctor.examine(settings, {"limit of requests": examine_limit, "workers": _workers})


def _workers(settings: Settings) -> Iterator[Finding]:
    if settings.celery_broker_url:
        from rag_pipeline.defs.distributed.celery_app import QUEUES, workers_there

        found = workers_there(settings)
        idle = [queue for queue in QUEUES if not any(queue in name for name in found)]
        remedy = f"Start one: rag worker {' '.join(idle)}" if idle else ""
        yield Finding("workers", "problem" if idle else "ok", ", ".join(found) or "none", remedy)
