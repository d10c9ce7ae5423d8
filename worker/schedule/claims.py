"""Which beat sends which run: every run is claimed in Redis, atomically, before it is sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

import redis

#: Field per entry: when its last run was claimed, and whether the message was sent.
KEY = "lockstep:schedule"
#: Seconds after which any beat sends the message of a claim that nobody confirmed as sent. A beat that died
#: between the two loses no run; one that was only slow sends the same message id twice, which runs once.
RESEND_AFTER = 5.0
#: Message ids are made of entry and claim, in this name space.
MESSAGES = uuid.UUID("6f2d3c9e-9f0b-4a56-8f77-2a4f0f1c3b5d")


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a beat that asks for an entry's next run."""

    entry: str
    #: Whether the run is this beat's to send, now.
    granted: bool
    #: Grows with every run of the entry.
    number: int
    #: When the last run was claimed, in seconds of the server's clock.
    last: float
    #: Seconds until it makes sense to ask again.
    wait: float

    @property
    def message_id(self) -> str:
        """The id of its message, the same whoever sends it and however often."""
        return str(uuid.uuid5(MESSAGES, f"{self.entry}/{self.number}"))


@dataclass(frozen=True, slots=True)
class At:
    """When the turn after the last one is, for an entry that does not just run one period later."""

    #: In seconds of the server's clock; `None` while it is not known when the last one was.
    at: float | None = None
    #: When it has to be claimed at the latest, or is left out; `None`: whenever that is.
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What Redis knows of an entry."""

    #: When the last run was claimed, in seconds of the server's clock.
    last: float
    #: Seconds since then.
    age: float
    #: Whether that claim's message is not confirmed as sent.
    pending: bool


class Claims:
    """The claims of all entries, shared by all beats. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis, *, key: str = KEY, resend_after: float = RESEND_AFTER) -> None:
        self._client = client
        self._key = key
        self._resend_after = resend_after
        self._claim = client.register_script(_source("claim"))
        self._sent = client.register_script(_source("claim_sent"))

    def ask(
        self,
        entry: str,
        *,
        every: float,
        token: str,
        last: float | None = None,
        finished: int | None = None,
        waits: bool = False,
        turn: At | None = None,
    ) -> Claim:
        """Claim the entry's next run, if it is due.

        Args:
            entry: its name.
            every: seconds between two runs.
            token: names this attempt; the same token is granted the same claim again.
            last: when the last run started, for an entry that Redis does not know; `None` is never.
            finished: how many runs have finished; with it, a run is also due as soon as the one that was
                claimed last has.
            waits: whether a message of the entry still waits in the queue; then a turn that is due is left
                out, and counted.
            turn: when that run is due, found for `last`; by default one period after it. Where the last run that is
                known here is another one, nothing is claimed, and the answer has that one.
        """
        granted, number, at, wait = self._claim(
            [self._key],
            [
                entry,
                token,
                round(every * 1000),
                "" if last is None else round(last * 1000),
                -1 if finished is None else finished,
                round(self._resend_after * 1000),
                int(waits),
                *_turn(turn),
            ],
        )
        return Claim(entry, bool(granted), int(number), int(at) / 1000, int(wait) / 1000)

    def now(self) -> float:
        """The server's clock, in seconds."""
        seconds, micros = self._client.time()
        return int(seconds) + int(micros) / 1_000_000

    def sent(self, claim: Claim) -> None:
        """The message of the claim is in the queue."""
        self._sent([self._key], [claim.entry, claim.number])

    def rename(self, old: str, new: str, to: Claims | None = None) -> None:
        """Let an entry have another name, unless that one is in the schedule already: here, or in another Redis."""
        state = self._client.hget(self._key, old)
        if state is not None:
            there = to or self
            there._client.hsetnx(there._key, new, state)
            self._client.hdel(self._key, old)

    def left_out(self) -> dict[str, int]:
        """How many turns in a row each entry was left out, until now or before its last claim."""
        states = {str(name): json.loads(text) for name, text in self._client.hgetall(self._key).items()}
        return {name: max(state.get("left_out", 0), state.get("before", 0)) for name, state in states.items()}

    def last(self) -> dict[str, datetime]:
        """When the last run of each entry was claimed, or its turn left out, by the server's clock."""
        states = {str(name): json.loads(text) for name, text in self._client.hgetall(self._key).items()}
        return {name: datetime.fromtimestamp(state["last"] / 1000, UTC) for name, state in states.items()}

    def known(self, entries: Collection[str]) -> dict[str, Known]:
        """What is known of these entries. All others leave the schedule for good."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(self._key)
        pipeline.time()
        states, (seconds, micros) = pipeline.execute()
        gone = [name for name in states if name not in entries]
        if gone:
            self._client.hdel(self._key, *gone)
        now = int(seconds) + int(micros) / 1_000_000
        found = {}
        for name, text in states.items():
            if name in entries:
                state = json.loads(text)
                last = state["last"] / 1000
                found[name] = Known(last, max(now - last, 0.0), state["pending"] > 0)
        return found


def _turn(turn: At | None) -> tuple[str | int, str | int]:
    if turn is None:
        return "", ""
    at: str | int = "none" if turn.at is None else round(turn.at * 1000)
    return at, "" if turn.until is None else round(turn.until * 1000)


def _source(name: str) -> str:
    return (resources.files("worker.schedule") / f"{name}.lua").read_text("utf-8")
