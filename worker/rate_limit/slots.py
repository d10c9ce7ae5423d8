"""The slots of a budget, kept in Redis and measured by its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

import redis

from worker.rate_limit.use import BudgetUse, TaskUse

#: Keys begin with it.
PREFIX = "lockstep"
MICROSECONDS = 1_000_000
MINUTE = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Ticket:
    """A slot that somebody waits for."""

    #: Changes with every pause, and makes the tickets of before void.
    epoch: int
    #: When the slot opens, in microseconds of the server's clock.
    slot: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What Redis says to somebody who wants to send a request."""

    #: Whether it may be sent now.
    granted: bool
    #: Seconds until the slot of the ticket opens.
    wait: float
    ticket: Ticket
    #: Seconds for which all requests are paused.
    pause: float
    #: Processes that sent requests in the last minutes.
    sharers: int


class Slots:
    """The slots of all budgets. Every method may raise `redis.RedisError`.

    Args:
        client: of the Redis server that all processes share.
        rate: requests per second.
        burst: requests that may be sent at once after a quiet time.
        sharer: names this process.
        clock: gives microseconds; `None` is the clock of the server.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        rate: float,
        burst: int,
        sharer: str,
        prefix: str = PREFIX,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._client = client
        self._interval = round(MICROSECONDS / rate)
        self._burst = burst
        self._sharer = sharer
        self._prefix = prefix
        self._clock = clock
        source = (resources.files("worker.rate_limit") / "budget.lua").read_text("utf-8")
        self._script = client.register_script(source)

    def draw(
        self, budget: str, spender: str, *, ticket: Ticket | None = None, pause: float = 0, waited: float = 0
    ) -> Answer:
        """Take a slot, or take up the one of `ticket`.

        Args:
            budget: its name.
            spender: who wants to send the request.
            pause: seconds left of a pause that the caller knows of, in case Redis has lost it.
            waited: seconds that the request has waited so far.
        """
        return self._call("draw", budget, pause, spender, ticket, waited)

    def pause(self, budget: str, seconds: float) -> None:
        """Shut all slots for so many seconds; a longer pause stays."""
        self._call("pause", budget, seconds)

    def use(self) -> list[BudgetUse]:
        """What was drawn from every budget in the last minute."""
        names = sorted(map(str, self._client.smembers(f"{self._prefix}:budgets")))
        found = [self._use_of(name) for name in names]
        return [use for use in found if use is not None]

    def close(self) -> None:
        """Close the connections of this client."""
        self._client.close()

    def _call(
        self,
        operation: str,
        budget: str,
        pause: float,
        spender: str = "",
        ticket: Ticket | None = None,
        waited: float = 0,
    ) -> Answer:
        keys = self._keys(budget)
        arguments: list[str | int] = [
            operation,
            budget,
            self._interval,
            self._burst,
            round(pause * MICROSECONDS),
            self._sharer,
            spender,
            ticket.epoch if ticket else "",
            ticket.slot if ticket else "",
            round(waited * MICROSECONDS),
            self._clock() if self._clock else "",
        ]
        try:
            answer = self._script(keys, arguments)
        except redis.ConnectionError:  # broken since it was used last, and mended by a new one
            answer = self._script(keys, arguments)
        granted, wait, epoch, slot, left, sharers = answer
        return Answer(
            bool(granted),
            int(wait) / MICROSECONDS,
            Ticket(int(epoch), int(slot)),
            int(left) / MICROSECONDS,
            int(sharers),
        )

    def _keys(self, budget: str) -> tuple[str, str, str, str]:
        of_budget = f"{self._prefix}:{{budget-{budget}}}"
        return (f"{of_budget}:slots", f"{of_budget}:sharers", f"{self._prefix}:budgets", f"{of_budget}:use:")

    def _use_of(self, budget: str) -> BudgetUse | None:
        slots, sharers, budgets, use = self._keys(budget)
        seconds, micros = self._client.time()
        now = int(seconds) * MICROSECONDS + int(micros)
        minute = now // MINUTE
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(slots)
        pipeline.zcard(sharers)
        pipeline.hgetall(f"{use}{minute - 1}")
        pipeline.hgetall(f"{use}{minute}")
        state, count, before, present = pipeline.execute()
        if not state:
            self._client.srem(budgets, budget)
            return None
        # Of the minute before this one, the part that lies within the last sixty seconds.
        share = 1 - (now % MINUTE) / MINUTE
        tasks: dict[str, TaskUse] = {}
        for fields, weight in ((before, share), (present, 1.0)):
            for field, value in fields.items():
                kind, _, name = field.partition(":")
                known = tasks.get(name, TaskUse())
                tasks[name] = known.plus(
                    requests=weight * int(value) if kind == "requests" else 0.0,
                    waited=weight * int(value) / MICROSECONDS if kind == "waited" else 0.0,
                )
        return BudgetUse(
            name=budget,
            rate=MICROSECONDS / int(state["interval"]),
            paused_for=max(int(state["paused"]) - now, 0) / MICROSECONDS,
            pauses=int(state.get("pauses", 0)),
            processes=int(count),
            tasks=tasks,
        )
