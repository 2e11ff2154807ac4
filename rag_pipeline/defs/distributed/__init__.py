"""Batches on other machines, by Celery: imported only where ``RAG_CELERY_BROKER_URL`` is set.

Belongs here: the run's side (``dispatch``), the worker's (``worker``), what both agree on (``celery_app``, ``likeness``). Not here: what a
batch does (``ingestion/steps``).
"""

from rag_pipeline.defs.distributed.celery_app import app_arguments
from rag_pipeline.defs.distributed.dispatch import execute

__all__ = ["app_arguments", "execute"]
