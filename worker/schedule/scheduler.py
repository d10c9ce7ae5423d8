"""Beat's scheduler: runs are claimed in Redis before they are sent, and counted in SQL after they have run.

Any number of beats may run at once, with clocks of their own: what is due is decided by the Redis server, in
one step with the claim, and a beat only chooses when to ask. Messages do not expire, which clocks that are apart
would decide: an entry gets no second one while its first waits in the queue. So the queue never holds more than one
of each, and who waits longest is next, also when more is due than can be done.
"""

from __future__ import annotations

import heapq
import logging
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, cast

import redis
from celery.beat import ScheduleEntry, Scheduler, SchedulingError

from config import SettingsError, get_settings, shards
from tasks.clock import boot_seconds
from tasks.schedule import Schedule
from worker.broker.installation import claim
from worker.broker.queue import queue_of
from worker.errors import BrokerUnavailableError, RedisUnavailableError, StoreError
from worker.lock.redis_store import RedisLockStore
from worker.redis_client import connect
from worker.schedule.claims import RESEND_AFTER, Claim, Claims, Known
from worker.schedule.defined import Defined
from worker.schedule.overbooking import TELL_AFTER, OverbookingLog
from worker.schedule.sync_entry import FIRST_LOOK, Message, SyncEntry
from worker.schedule.waiting import LOOK, Waiting
from worker.signs import SCHEDULER, Definition, Life
from worker.signs.record import EVERY
from worker.store import Store
from worker.store.tables.installation import installation_of
from worker.store.tables.run_record import RAN
from worker.telling.outages import Outage
from worker.telling.startup import refusing

log = logging.getLogger(__name__)

#: Seconds until beat tries again what failed: asking Redis or the database, or sending a message.
RETRY = 2.0
#: Seconds until an entry is looked at again that could not be for a reason nobody foresaw.
RETRY_UNFORESEEN = 60.0


#: Seconds until a task that is paused is looked at again.
PAUSED = 5.0
#: Seconds after which a turn that is far off is looked at again: the server's clock may be set meanwhile.
LONGEST_WAIT = 300.0


class RedisScheduler(Scheduler):
    """Sends each run of each entry once, however many beats there are, and as often as it is to run."""

    Entry = SyncEntry

    def __init__(
        self,
        *args: Any,
        client: redis.Redis | None = None,
        store: Store | None = None,
        resend_after: float = RESEND_AFTER,
        tell_after: float = TELL_AFTER,
        clock: Callable[[], float] = boot_seconds,
        **kwargs: Any,
    ) -> None:
        """`client` and `store` are those of the settings unless given; the times are in seconds.

        `clock` must run on while the machine is suspended: an entry that became due meanwhile is due at once.
        """
        self._client = client
        self._store = store
        self._resend_after = resend_after
        self._tell_after = tell_after
        self._clock = clock
        #: The installation that this beat is of; none where client and store were given.
        self._installation: int | None = None
        self._shard: int | None = None
        #: (when to look at it, by the clock; a number to settle ties; its name), as a heap.
        self._looks: list[tuple[float, int, str]] | None = None
        self._number = 0
        #: Until when everything waits for Redis or a broker beside it, by the clock; 0 while they answer.
        self._waiting_until = 0.0
        self._waits_for_broker = False
        self._no_history = Outage("Entries with a number of runs wait for the database")
        self._life: Life | None = None
        self._defined: Defined | None = None
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Take the entries over from the code.

        Raises:
            SystemExit: the database cannot be used.
        """
        with refusing():
            settings = get_settings()
            self._client = self._client or connect(shards.served(settings))
            self._shard = shards.number_of(settings)
            prefix = self.app.conf.broker_transport_options.get("global_keyprefix", "")
            self._queue = queue_of(settings, self._client, f"{prefix}{self.app.conf.task_default_queue}")
            if self._store is None:
                self._store = Store(settings.sql_url())
                self._store.migrate()
                self._installation = installation_of(self._store)
                with suppress(redis.RedisError, BrokerUnavailableError):  # asked again when it answers
                    claim(self._client, self._installation, self._shard)
                    self._queue.claim(self._installation)
        self._claims = Claims(self._client, resend_after=self._resend_after)
        self._locks = RedisLockStore(self._client)
        self._waiting = Waiting(self._queue, self._clock)
        self._defined = Defined(self.app, self._store, self._client, self._clock)
        self.merge_inplace(cast("Any", self._defined.has.entries()))
        self._overbooking = OverbookingLog(self._claims, self._periods(), tell_after=self._tell_after)
        self._life = Life(SCHEDULER, self._client, tasks=self._definitions(), tell=self._defined.told)

    def install_default_entries(self, data: Any) -> None:
        """None: Redis drops old results by itself."""

    @property
    def _longest(self) -> float:
        """Seconds that beat sleeps at most."""
        return min(float(self.max_interval or EVERY), EVERY)

    @property
    def entries(self) -> dict[str, SyncEntry]:
        """All entries by name."""
        return cast("dict[str, SyncEntry]", self.schedule)

    @property
    def history(self) -> Store:
        """The database with the history of runs."""
        assert self._store is not None  # noqa: S101  set up before the first tick
        return self._store

    def _definitions(self) -> dict[str, Definition]:
        """The schedule as it is here, for those who look at it from outside."""
        made: dict[str, Definition] = {}
        known = {} if self._defined is None else self._defined.definitions
        for name, entry in self.entries.items():
            every = timedelta(seconds=entry.every) if entry.periodic else None
            settings = known[name].settings if name in known else ""
            made[name] = Definition.of(entry.timing or Schedule(every, entry.total), settings)
        return made

    def _periods(self) -> dict[str, float]:
        counted = {name: entry.counted for name, entry in self.entries.items()}
        return {name: every for name, every in counted.items() if every is not None}

    # -- what changes while beat runs -------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Take over what was defined anew, and times that were set, without a turn lost or taken twice.

        Raises:
            redis.RedisError: Redis does not answer; it is tried again.
        """
        if self._defined is None or self._life is None or (changed := self._defined.changed()) is None:
            return
        self._change_entries(
            {name: self.Entry(**entry, name=name, app=self.app) for name, entry in changed.entries().items()}
        )
        self._defined.take(changed)
        self._life.read(self._definitions())

    def _change_entries(self, made: dict[str, SyncEntry]) -> None:
        """Have these entries instead. Those that are as before go on, others begin where the old ones were."""
        changed = []
        for name, entry in made.items():
            old = self.entries.get(name)
            if old is not None and old.made_of == entry.made_of:
                made[name] = old
                continue
            if old is not None:
                entry.take_over(old)
            changed.append(name)
        gone = sorted(set(self.entries) - set(made))
        before = dict(self.entries)
        self.entries.clear()
        self.entries.update(made)
        if self._looks is not None:
            try:
                fresh = self._first_looks(changed)
            except redis.RedisError:
                self.entries.clear()
                self.entries.update(before)
                raise
            stale = {*changed, *gone}
            self._looks = [look for look in self._looks if look[2] not in stale] + fresh
            heapq.heapify(self._looks)
        self._overbooking = OverbookingLog(self._claims, self._periods(), tell_after=self._tell_after)
        if changed or gone:
            new = [name for name in changed if name not in before]
            other = [name for name in changed if name in before]
            parts = (("new", new), ("at other times", other), ("gone", gone))
            log.info(
                "The schedule has changed: %s.",
                "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names),
            )

    # -- when to look at what ---------------------------------------------------------------------------------

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Look at the entry that comes next, if it is time, and give the seconds until the next one."""
        if (rest := self._waiting_until - self._clock()) > 0:
            return rest
        try:
            if self._looks is None:
                self._looks = self._first_looks(self.entries)
            self._take_over()
            if self._life is not None and (self._life.is_late or self._is_idle(self._looks)):
                self._life.give()
            self._overbooking.tell()
            if not self._looks:
                return self._longest
            at, _, name = self._looks[0]
            if (rest := at - self._clock()) > 0:
                return min(rest, self._longest)
            delay = self._look_at(self.entries[name])
        except (redis.RedisError, RedisUnavailableError) as error:
            return self._wait("Redis does not answer, the schedule waits for it", error)
        except BrokerUnavailableError as error:
            return self._wait("RabbitMQ takes no messages, the schedule waits for it", error)
        if self._waiting_until:
            log.info(
                "%s again; the schedule goes on.",
                "RabbitMQ takes messages" if self._waits_for_broker else "Redis answers",
            )
            self._waiting_until = 0.0
        heapq.heappop(self._looks)
        if delay is not None:
            self._push(self._looks, delay, name)
        return 0.0

    def _is_idle(self, looks: list[tuple[float, int, str]]) -> bool:
        """Whether nothing is due; what is due comes before a sign of life."""
        return not looks or looks[0][0] > self._clock()

    def _wait(self, why: str, error: Exception) -> float:
        if not self._waiting_until:
            log.warning("%s: %s", why, error)
        self._waits_for_broker = isinstance(error, BrokerUnavailableError)
        self._waiting_until = self._clock() + RETRY
        return RETRY

    def _push(self, looks: list[tuple[float, int, str]], delay: float, name: str) -> None:
        self._number += 1
        heapq.heappush(looks, (self._clock() + max(delay, 0.0), self._number, name))

    def _first_looks(self, names: Collection[str]) -> list[tuple[float, int, str]]:
        """When to look at each of these entries first, by what Redis or else the history knows of it."""
        if self._installation is not None and self._client is not None:
            with refusing(SettingsError):  # a Redis that does not answer is waited for
                claim(self._client, self._installation, self._shard)
                self._queue.claim(self._installation)
        known = self._claims.known(self.entries.keys())
        entries = {name: self.entries[name] for name in names}
        unknown = [entry for name, entry in entries.items() if name not in known]
        # Without a period there is nothing to wait for but a run that goes on, and its lock tells of that.
        self._recall([entry for entry in unknown if entry.periodic])
        looks: list[tuple[float, int, str]] = []
        for name, entry in entries.items():
            self._push(looks, self._first_delay(entry, known.get(name)), name)
        return looks

    def _first_delay(self, entry: SyncEntry, known: Known | None) -> float:
        if entry.total is not None:
            return 0.0  # the history decides
        if entry.timing is not None:
            entry.last = entry.last if known is None else known.last
            return 0.0
        if known is not None:
            entry.last = known.last
            wait = entry.every - known.age
            return min(wait, self._resend_after) if known.pending else wait
        if entry.last is not None:
            return entry.every - max(datetime.now(UTC).timestamp() - entry.last, 0.0)
        return 0.0

    def _recall(self, entries: list[SyncEntry]) -> None:
        """When entries that Redis does not know, or has forgotten, ran last."""
        if not entries:
            return
        try:
            latest = self.history.runs.latest()
            for entry in entries:
                run = latest.get(entry.name)
                started = None if run is None else run.started_at
                if run is not None and run.status not in {*RAN, "running"}:
                    started = self.history.runs.last_started(entry.name)
                entry.last = None if started is None else started.timestamp()
        except StoreError as error:
            log.warning("The history cannot be read, entries count as never run: %s", error)

    # -- one entry --------------------------------------------------------------------------------------------

    def _look_at(self, entry: SyncEntry) -> float | None:
        """Send the entry's next run if it is due; seconds until the next look, `None` when there is none.

        Raises:
            redis.RedisError: Redis does not answer.
            RedisUnavailableError: the same.
            BrokerUnavailableError: a broker beside it takes no message.
        """
        try:
            return self._next_run(entry)
        except (redis.RedisError, RedisUnavailableError, BrokerUnavailableError):
            raise
        except StoreError as error:
            self._no_history.failed(f"entry {entry.name!r}", error)
            return RETRY
        except Exception:
            log.exception("Entry %r cannot be looked at; beat tries again.", entry.name)
            return RETRY_UNFORESEEN

    def _next_run(self, entry: SyncEntry) -> float | None:
        if self._defined is not None and self._defined.orders.pauses(entry.name):
            return PAUSED
        if entry.timing is not None and entry.timing.quiet:
            now = self._claims.now()
            if (rest := entry.quiet_until(now) - now) > 0:
                return min(rest, LONGEST_WAIT)
        finished = None
        if entry.total is not None:
            finished = self.history.runs.count_finished(entry.name)
            self._no_history.over()
            if finished >= entry.total:
                log.info("Entry %r: all %d runs are done.", entry.name, entry.total)
                return None
            holder = self._locks.holder(entry.name)
            running = holder is not None and holder.live
            if running and (not entry.periodic or finished + 1 >= entry.total):
                return entry.next_look()
        entry.token = entry.token or uuid.uuid4().hex
        # A look may be used again only if it is younger than the entry's last message can be.
        waits = entry.unsent is None and self._waiting.has(entry.task, look=min(LOOK, entry.every / 2))
        claim = self._claims.ask(
            entry.name,
            every=entry.every,
            token=entry.token,
            last=entry.last,
            finished=None if entry.periodic else finished,
            waits=waits,
            turn=(turn := entry.turn()),
        )
        last, entry.last = entry.last, claim.last
        if not claim.granted:
            if waits and claim.last != last:
                self._overbooking.left_out()
            if turn is not None:
                return min(claim.wait, LONGEST_WAIT) if claim.last == last else 0.0
            return claim.wait if entry.periodic else min(claim.wait, entry.next_look())
        if not self._send(entry, claim):
            return RETRY
        entry.look = FIRST_LOOK
        if entry.timing is not None and entry.periodic:
            return 0.0  # the next look finds out when the next turn is
        return claim.wait if entry.periodic else entry.next_look()

    def _send(self, entry: SyncEntry, claim: Claim) -> bool:
        """Send the claim's message; False when it has to be sent again.

        Raises:
            redis.RedisError: Redis does not answer.
            BrokerUnavailableError: a broker beside it takes no message; all entries wait, rather than each for itself.
        """
        self._queue.sending(entry.task, claim.message_id)
        message = entry.unsent
        if message is not None and message.claim == claim.number:
            self.apply_async(message, producer=self.producer)  # Sentry has opened its check-in before
        else:
            message = entry.unsent = entry.message(claim)
            self.apply_entry(message, producer=self.producer)
        if not message.sent:
            if self._queue.is_apart:
                raise BrokerUnavailableError(message.refusal)
            return False
        entry.unsent, entry.token = None, ""
        try:
            self._claims.sent(claim)
        except redis.RedisError as error:
            log.warning("Entry %r: its message may be sent twice, and runs once: %s", entry.name, error)
        return True

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Send a message; `None` when that failed, which the base class would report with a traceback."""
        try:
            result = super().apply_async(entry, producer=producer, advance=False, **kwargs)
        except SchedulingError as error:
            if isinstance(entry, Message):
                entry.refusal = str(error)
            level = logging.DEBUG if self._queue.is_apart else logging.WARNING
            log.log(level, "Entry %r: %s; beat tries again.", entry.name, error)
            return None
        if isinstance(entry, Message):
            entry.sent = True
        return result

    @cached_property
    def producer(self) -> Any:
        """What messages are sent by; beat starts without the broker, and goes on with its other work."""
        if not self._queue.is_apart:
            return super().producer
        return self.app.amqp.Producer(self.connection, auto_declare=False)

    def close(self) -> None:
        """Let go of Redis, database and broker; safe to repeat."""
        super().close()
        self._queue.close()
        if self._defined is not None:
            self._defined.end()
        if self._life is not None:
            self._life.end()
        if self._store is not None:
            self._store.close()
        if self._client is not None:
            self._client.close()
