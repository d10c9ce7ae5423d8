"""The entries that beat is to have: as the tasks are defined by now, at the times that people set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from config import get_settings, shards
from worker.reload import News, Watch
from worker.schedule.entries import beat_schedule, entry_of
from worker.schedule.orders import Orders
from worker.signs import Board, Definition
from worker.store import Store
from worker.store.tables.timings import Timing

#: Entries as Celery's settings have them.
Entries = Mapping[str, Mapping[str, Any]]
#: Seconds for which beat waits until the workers know a new task: a message that none knows is thrown away.
LEAD = 45.0
#: Seconds between two looks at who knows it.
LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Changed:
    """Entries that are to take the place of those that there are."""

    defined: Entries
    timings: Mapping[str, Timing]
    #: Where tasks were defined anew.
    news: News | None

    def entries(self) -> dict[str, dict[str, Any]]:
        """At the times that were set."""
        made = {name: dict(entry) for name, entry in self.defined.items()}
        retry_seconds = get_settings().retry_seconds
        for name, timing in self.timings.items():
            plan = made[name].get("plan") if name in made else None
            if plan is not None:
                made[name] = entry_of(name, timing.over(plan), retry_seconds)
        return made


class Defined:
    """What is defined and was ordered, and what of it beat has by now."""

    def __init__(self, app: Any, store: Store, client: redis.Redis, clock: Callable[[], float]) -> None:
        """`app` is Celery's; where it knows how its tasks are defined, their files are watched."""
        self._board = Board(client)
        self._clock = clock
        self._since: float | None = None
        self._looked = 0.0
        self.orders = Orders(store, clock)
        self.orders.look()
        self.has = Changed(dict(app.conf.beat_schedule), self.orders.timings, None)
        self.definitions: Mapping[str, Definition] = getattr(app, "definitions", {})
        self._watch: Watch | None = app.watch() if self.definitions else None
        if self._watch is not None:
            self._watch.start()

    def told(self) -> dict[str, Any]:
        """What a sign of life says of it."""
        return {} if self._watch is None else self._watch.told()

    def end(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.end()

    def changed(self) -> Changed | None:
        """What is to be taken over; `None` where all is as it was.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        self.orders.look()
        news = None if self._watch is None else self._watch.news
        if news is not None and self._is_early(news):
            news = None
        if news is not None:
            settings = get_settings()
            defined: Entries = beat_schedule(
                shards.own(settings, news.tasks), retry_seconds=settings.retry_seconds
            )
            return Changed(defined, self.orders.timings, news)
        if self.orders.timings != self.has.timings:
            return Changed(self.has.defined, self.orders.timings, None)
        return None

    def take(self, changed: Changed) -> None:
        """Beat has that now."""
        self.has = changed
        if changed.news is not None and self._watch is not None:
            self.definitions = changed.news.definitions
            self._watch.taken(changed.news)
            self._since = None

    def _is_early(self, news: News) -> bool:
        """Whether workers that will know its new tasks soon do not yet."""
        new = set(news.definitions) - set(self.definitions)
        now = self._clock()
        self._since = now if self._since is None else self._since
        if not new or now - self._since > LEAD:
            return False
        if now - self._looked < LOOK:
            return True
        self._looked = now
        workers = self._board.read().living_workers
        return any(sign.reloads and sign.tasks is not None and not new <= set(sign.tasks) for sign in workers)
