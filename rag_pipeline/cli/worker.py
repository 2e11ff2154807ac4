"""``rag worker``: this machine takes part in the work of runs elsewhere.

Belongs here: what is checked before it starts. Not here: what a worker does (``defs/distributed/worker.py``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.progress import EMBEDDING, READING
from rag_pipeline.settings import Settings

_SILENT_SECONDS = 30.0


def require_life(settings: Settings) -> None:
    """For health checks, on the worker's own machine.

    Raises:
        RagError: the worker of this data folder has not shown that it is well for half a minute.
    """
    file = settings.worker_alive_path
    if not file.exists() or time.time() - file.stat().st_mtime > _SILENT_SECONDS:
        raise RagError(f"No worker of {settings.data} has shown that it is well for {_SILENT_SECONDS:.0f} s; its log says why.")


def run_worker(settings: Settings, queues: Sequence[str]) -> None:
    """Do batches of these queues (none named: all) until told to end.

    Raises:
        RagError: there is no such queue, a setting is missing, or the machine is not like that of a run.
    """
    known = (READING, EMBEDDING)
    if unknown := [queue for queue in queues if queue not in known]:
        raise RagError(f"There are no batches of {', '.join(unknown)}. There are: {', '.join(known)}.")
    if not settings.celery_broker_url:
        raise RagError("A worker needs RAG_CELERY_BROKER_URL: the Redis where runs leave their batches.")
    from rag_pipeline.defs.distributed.worker import run_worker as work

    work(settings, queues or known)
