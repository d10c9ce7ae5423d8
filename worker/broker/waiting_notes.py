"""Which messages wait in a queue that cannot be asked what is in it: noted in Redis before each is sent, and until it
is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

import redis

#: Field per task: which message of it waits, since when, and after how many others it was sent; `TAKEN` has the number
#: of the latest one that was taken.
KEY = "lockstep:waiting"
#: No task has this name.
TAKEN = ""
#: Seconds from a note on in which it is believed: its message may still be on its way.
ON_ITS_WAY = 5.0


@dataclass(frozen=True, slots=True)
class Note:
    """One message that was sent and not taken, as far as is known."""

    #: How many were noted until then, with it.
    number: int
    #: Seconds since then.
    age: float


def still_waiting(notes: Mapping[str, Note], taken: int, depth: Callable[[], int | None]) -> frozenset[str]:
    """The tasks whose messages wait.

    A message may be lost, or taken by a worker that could not say so. A queue gives what it was given first, so a
    message is gone when one that was sent later was taken, and each of them when the queue is empty. Where that is
    wrong, as two that were sent at once change places, a task has two messages in the queue, which are two runs one
    after the other. What must not be is a task that waits for ever for a message that is not there.

    Args:
        notes: what is noted, by task.
        taken: the highest number of those that were taken.
        depth: gives how many messages are in the queue, `None` where that is not known now; asked only if need be.
    """
    fresh = {task for task, note in notes.items() if note.age < ON_ITS_WAY}
    later = {task for task, note in notes.items() if note.number > taken} - fresh
    if later and depth() == 0:
        later = set()
    return frozenset(fresh | later)


class WaitingNotes:
    """The notes of all processes. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis, *, key: str = KEY) -> None:
        self._client = client
        self._key = key
        self._note, self._taken = (
            client.register_script((resources.files("worker.broker") / f"{name}.lua").read_text("utf-8"))
            for name in ("note", "note_taken")
        )

    def sending(self, task: str, message_id: str) -> None:
        """A message is about to be sent."""
        self._note([self._key], [task, message_id, TAKEN])

    def taken(self, task: str, message_id: str) -> None:
        """A worker has the message; nothing where another one is noted."""
        self._taken([self._key], [task, message_id, TAKEN])

    def read(self) -> tuple[dict[str, Note], int]:
        """What is noted by task, and the highest number of those that were taken."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(self._key)
        pipeline.time()
        states, (seconds, micros) = pipeline.execute()
        now = int(seconds) + int(micros) / 1_000_000
        taken = int(json.loads(states.pop(TAKEN, "{}")).get("taken", 0))
        notes = {}
        for task, text in states.items():
            told = json.loads(text)
            notes[str(task)] = Note(int(told["number"]), max(now - told["at"] / 1000, 0.0))
        return notes, taken
