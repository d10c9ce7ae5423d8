"""One look at everything: what there is, what becomes of it, and telling it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import redis

from config import Settings
from tasks.scheduled import Scheduled
from worker.alarms.alarm import Alarm, Kind
from worker.alarms.delivery import Delivery
from worker.alarms.facts import gather
from worker.alarms.judging import Facts, Judged, Limits, judge, unwritable
from worker.alarms.ledger import Ledger
from worker.alarms.sinks import Sink
from worker.alarms.unwritable import Unwritable
from worker.errors import StoreError
from worker.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks of one process, and for which one process has looked for all.
LOOK, TURN = 30.0, 25.0
#: Held by whoever looks next for all processes.
KEY = "lockstep:alarms:turn"


def limits_of(settings: Settings) -> Limits:
    """From where on something is an alarm, as it is set."""
    return Limits(periods=settings.alert_periods, login=timedelta(days=settings.alert_login_days))


class Evaluator:
    """Looks, enters and tells. Any number may be at work: they take turns, and each message is claimed."""

    def __init__(
        self,
        settings: Settings,
        tasks: Mapping[str, Scheduled],
        client: redis.Redis,
        sinks: Sequence[Sink],
    ) -> None:
        self._settings = settings
        self.tasks = tasks
        self._client = client
        self._sinks = sinks
        self._deliveries: Delivery | None = None

    def take_turn(self) -> bool:
        """Whether this process is to look now; without Redis each looks for itself, since rows are claimed anyway."""
        try:
            return bool(self._client.set(KEY, 1, nx=True, px=round(TURN * 1000)))
        except redis.RedisError:
            return True

    def look(self, store: Store) -> Facts:
        """Look once.

        Raises:
            SettingsError: a setting is wrong, or the Redis is another installation's.
        """
        facts = gather(self._settings, self.tasks, store, self._client)
        judged = judge(facts, limits_of(self._settings))
        refused = judged.alarms.get(Kind.DATABASE)
        try:
            if refused is None:
                self.enter(store, judged, facts.now)
        except StoreError as error:
            refused = unwritable(str(error))
        try:
            self._tell_unwritable(refused, facts.now)
        except redis.RedisError as error:  # both are away: the log has a line of each
            log.debug("That the database takes no writes cannot be kept: %s", error)
        return facts

    def enter(self, store: Store, judged: Judged, now: datetime) -> None:
        """Enter what there is, and tell what is due.

        Raises:
            StoreError: the database cannot be used.
        """
        ledger = Ledger(store)
        ledger.look(judged, self._sinks, now)
        if self._deliveries is None:
            self._deliveries = Delivery(self._sinks)
        self._deliveries.deliver(ledger)

    def _tell_unwritable(self, refused: Alarm | None, now: datetime) -> None:
        state = Unwritable(self._client, self._sinks)
        if refused is not None:
            state.goes_on(refused, now)
        else:
            state.over(unwritable("it took none"), now)
