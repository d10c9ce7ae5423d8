"""What goes on after a request was answered: accepted requests are carried out, and files of an address fetched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.notion.parts import file_uploads
from sandbox.notion.requests import async_tasks
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.state.clock import Clock
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import Stored


class Background:
    """Does what waits as soon as it is due by the workspace's clock; asked at the beginning of each request."""

    def __init__(self, store: Store, clock: Clock, send: Callable[[Stored], dict[str, Any]]) -> None:
        self._store = store
        self._clock = clock
        #: Sends the request of a task again, and gives its answer.
        self._send = send
        self._seconds = 1.0
        #: Addresses whose files cannot be fetched, with the reason.
        self.failing: dict[str, str] = {}

    @property
    def seconds(self) -> float:
        """How long everything in the background takes from now on."""
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"nothing takes {seconds} s; 0 or more")
        self._seconds = seconds

    def waiting(self) -> int:
        """How much is not done yet."""
        with self._store.transaction():
            return len(self._store.of_kind("job"))

    def run(self) -> None:
        """Do what is due; within somebody's transaction it is left to the next request."""
        if not self._store.busy:
            self._do(lambda job: bool(job.doc["due"] <= self._clock.now()))

    def finish(self) -> int:
        """Do all that waits, now; how much that was."""
        return self._do(lambda job: True)

    def _do(self, due: Callable[[Stored], bool]) -> int:
        with self._store.transaction():
            jobs = [job for job in self._store.of_kind("job") if due(job)]
        for job in sorted(jobs, key=lambda job: (job.doc["due"], job.seq)):
            self._do_one(job)
        return len(jobs)

    def _do_one(self, job: Stored) -> None:
        try:
            with self._store.transaction():
                self._end(job, lambda task: async_tasks.succeed(task, self._send(task)))
        except ApiError as error:  # and nothing of what it did is left
            with self._store.transaction():
                self._end(job, partial(async_tasks.fail, error=error))

    def _end(self, job: Stored, end_task: Callable[[Stored], None]) -> None:
        subject = self._store.get(job.parent)
        if subject is None or self._store.get(job.id) is None:
            return  # done by another request, or erased
        self._store.delete(job.id)
        if job.doc["what"] == "file":
            file_uploads.end_import(subject, self._clock.now(), self.failing.get(subject.doc["external_url"]))
        else:
            end_task(subject)
        self._store.save(subject)
