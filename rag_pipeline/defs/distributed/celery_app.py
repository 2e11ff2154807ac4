"""The Celery app: the same for the run, which sends batches, and for the worker, which does them.

Belongs here: Celery's configuration, and the names that both sides know. Not here: sending, doing.
"""

from __future__ import annotations

from typing import Any

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.progress import EMBEDDING, READING
from rag_pipeline.settings import Settings

try:
    from celery import Celery
    from dagster_celery.config import dict_wrapper
    from dagster_celery.make_app import make_app
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError
except ImportError as error:
    raise RagError(f"RAG_CELERY_BROKER_URL is set, but {error.name} is not installed: pip install 'rag-pipeline[distributed]'") from error

QUEUES = (READING, EMBEDDING)
"""One for the batches of each step, of its name: machines differ, and a memo is not to wait until a batch of embeddings is done."""
BATCH_TASK = "rag.batch"
SENT, WORKING, REFUSED = "SENT", "WORKING", "REFUSED"
"""States of a task besides Celery's own: it waits in the queue; a worker tells how far it is; a worker was not like the run's machine."""
GO_ON, END = b"go on", b"end"
RESULT_SECONDS = 24 * 3600
_NEVER_SECONDS = 365 * 24 * 3600
"""Redis hands an unconfirmed message out again after a time that our own watch makes needless: batches are confirmed as they begin."""


def app_arguments(settings: Settings, patient: bool = False) -> dict[str, Any]:
    """What an app is made of.

    Args:
        patient: keep trying to tell a result until Redis is there. A run must not wait so: it watches other things besides.

    Raises:
        RagError: a setting is missing that goes with the broker.
    """
    url = _broker_url(settings)
    configuration = {
        "accept_content": ["json"],
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {"visibility_timeout": _NEVER_SECONDS, "socket_timeout": 10, "socket_connect_timeout": 5},
        "redis_socket_timeout": 10,
        "redis_socket_connect_timeout": 5,
        "result_accept_content": ["json"],
        "result_backend_always_retry": patient,
        "result_backend_max_sleep_between_retries_ms": 1000,
        "result_backend_transport_options": {"retry_policy": {"max_retries": 1, "interval_start": 0}},
        "result_expires": RESULT_SECONDS,
        "task_default_priority": 5,
        "task_default_queue": "dagster",
        "worker_disable_prefetch": True,  # a batch waits in the queue, where any worker may take it, not at a worker that is busy
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
    }
    return {"broker": url, "backend": url, "include": [], "config_source": dict_wrapper(configuration)}


def make_celery_app(settings: Settings, patient: bool = False) -> Celery:
    """The app as dagster-celery makes it, so that its loop and our workers speak alike."""
    return make_app(app_arguments(settings, patient))


def lease_of(run_id: str) -> str:
    """The key under which a run says that it is there, and whether anything new is to be begun."""
    return f"rag-run-{run_id}"


def _broker_url(settings: Settings) -> str:
    needed = {"RAG_DAGSTER_DATABASE_URL": settings.dagster_database_url, "RAG_STAGING_URL": settings.staging_url}
    if missing := [name for name, value in needed.items() if not value]:
        raise RagError(f"RAG_CELERY_BROKER_URL needs {' and '.join(missing)} too: workers on other machines do not see the data folder.")
    url = settings.celery_broker_url.get_secret_value() if settings.celery_broker_url else ""
    if not url.startswith(("redis://", "rediss://")):
        raise RagError("RAG_CELERY_BROKER_URL must name a Redis: redis://user:password@host:6379/0 (rediss:// with TLS).")
    return url


def workers_there(settings: Settings) -> list[str]:
    """The names of the workers that answer within two seconds; those named after a queue serve it.

    Raises:
        RagError: Redis cannot be reached, or a setting is missing.
    """
    app = make_celery_app(settings)
    try:
        app.backend.client.ping()
        return sorted(name for answer in app.control.ping(timeout=2) for name in answer)
    except (RedisError, OperationalError) as error:
        raise RagError(f"The Redis of RAG_CELERY_BROKER_URL does not answer: {error}. Start it, or correct the address.") from error
