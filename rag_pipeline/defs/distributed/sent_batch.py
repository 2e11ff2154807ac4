"""One batch on its way to a worker and back: sent, heard of each second, sent again when it was lost.

Belongs here: what each state of its task means. Not here: when to ask (``dispatch``), what a worker does with it (``worker``).

No two machines' clocks are compared: a worker counts its beats, and how long it has been silent is timed here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from celery import Celery, states
from celery.exceptions import TaskRevokedError
from kombu.exceptions import ChannelError

from rag_pipeline.defs.distributed.celery_app import BATCH_TASK, REFUSED, SENT, WORKING
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.progress import Report

SILENT_SECONDS = 10.0
"""A worker beats each second. One that has not for so long is taken for dead, and its batch is sent again."""
FORGOTTEN_SECONDS = 5.0
"""A Redis that came back without its data hears within a second or two again of what workers are at; the rest is sent again after this."""
LONELY_SECONDS = 30.0
"""After so long without a worker the run says what it waits for."""
MOST_FAILURES = 3
"""A worker died of a batch, or could not do it (Dagster's database cannot be reached, for example): so often, then the run fails."""


class Listener(Protocol):
    """Where to say, once, what someone should know."""

    def warn(self, text: str) -> None:
        """Say it."""


@dataclass(eq=False, slots=True)
class SentBatch:
    """In the shape of a Celery result, as dagster-celery's loop wants it. ``message``: the task's arguments."""

    app: Celery
    listener: Listener
    queue: str
    priority: int
    message: Mapping[str, Any]
    report: Report | None = None
    at_work: bool = False
    is_over: bool = False
    worker: str = "unknown"
    _task_id: str = ""
    _heard: float = field(default_factory=time.monotonic)
    _beat: int = 0
    _failures: int = 0
    _events: list[str] = field(default_factory=list)
    _error: BaseException | None = None

    def get(self) -> list[str]:
        """The events of its step, serialised.

        Raises:
            BaseException: the run was interrupted (:class:`TaskRevokedError`), or what kept workers from doing it several times.
        """
        if self._error:
            raise self._error
        return self._events

    def give_up(self) -> None:
        """Nobody waits for it any more. What its worker has done until its next look is kept for the next run."""
        if not self.is_over:
            self.at_work, self.is_over, self._error = False, True, TaskRevokedError("The run was interrupted.")

    def look(self) -> None:
        """Ask Redis what has become of it.

        Raises:
            Exception: Redis does not answer.
        """
        if not self._task_id:
            self._send()
            return
        found = self.app.backend.get_task_meta(self._task_id, cache=False)
        state, told = found["status"], found["result"]
        if state == states.SUCCESS:
            self.hear(told["progress"])
            self.at_work, self.is_over, self._events = False, True, told["events"]
            self.app.backend.forget(self._task_id)
        elif state == WORKING:
            self._works(told)
        elif state == SENT:
            self._waits()
        elif state == REFUSED:
            self._send_again(f"A worker refused a batch and has ended. {told}")
        elif state == states.FAILURE:
            self._has_failed(told)
        elif self._silent_seconds() > FORGOTTEN_SECONDS:
            self._send_again("Redis has forgotten a batch; it is sent again.")

    def excuse(self) -> None:
        """Nobody could have been heard until now."""
        self._heard = time.monotonic()

    def hear(self, told: list[Any] | None) -> None:
        """A report of its worker; one of a second try counts once it is farther than the first."""
        if told and (self.report is None or told[1] >= self.report.done):
            step, done, total, files, work = told
            self.report = Report(step, done, total, tuple(files), work)

    def _works(self, told: Mapping[str, Any]) -> None:
        self.at_work, self.worker = True, told["worker"]
        if told["beat"] != self._beat:
            self._beat = told["beat"]
            self.excuse()
            self.hear(told["progress"])
        elif self._silent_seconds() > SILENT_SECONDS:
            self._has_failed(RagError(f"The worker {self.worker} has not been heard of for {SILENT_SECONDS:.0f} s"))

    def _waits(self) -> None:
        silent = self._silent_seconds()
        if silent > SILENT_SECONDS and self._queue_is_empty():  # a worker was killed between taking it and saying so
            self._send_again("A batch was lost on its way to a worker; it is sent again.")
        elif silent > LONELY_SECONDS:
            self.listener.warn(f"Batches wait for a worker. Where none is at work, start one: rag worker {self.queue}")

    def _has_failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures < MOST_FAILURES:
            self._send_again(f"{error if isinstance(error, RagError) else repr(error)}: a batch is sent again.")
        else:
            self.at_work, self.is_over, self._error = False, True, error

    def _send_again(self, why: str) -> None:
        self.listener.warn(why)
        self._send()

    def _send(self) -> None:
        """Into the queue, under a name of its own: whoever still holds an earlier one finds that the run has let it go."""
        if self._task_id:
            self.app.backend.store_result(self._task_id, None, states.REVOKED)
        self._task_id, self.at_work, self._beat = "", False, 0
        name = str(uuid.uuid4())
        self.app.backend.store_result(name, None, SENT)
        self.app.send_task(BATCH_TASK, kwargs=dict(self.message), task_id=name, queue=self.queue, priority=self.priority, retry=False)
        self._task_id = name
        self.excuse()

    def _silent_seconds(self) -> float:
        return time.monotonic() - self._heard

    def _queue_is_empty(self) -> bool:
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            try:
                return bool(channel.queue_declare(self.queue, passive=True).message_count == 0)
            except ChannelError:
                return True
