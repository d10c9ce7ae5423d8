"""That the database takes no writes: the one state that cannot be kept in it, so Redis keeps it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import redis

from worker.alarms.alarm import Alarm
from worker.alarms.course import AGAIN, GAP, Alert, Stage
from worker.alarms.ledger import Message
from worker.alarms.sinks import Sink, SinkError

log = logging.getLogger(__name__)

#: Since when it is so, in seconds, for as long as somebody looks; and whether it was told in the last day.
SINCE, TOLD = "lockstep:alarms:unwritable:since", "lockstep:alarms:unwritable:told"


class Unwritable:
    """Tells that the database takes no writes, once for all processes, and once more when it does again.

    Each is told once, and what does not arrive is told in the log only. Every method may raise `redis.RedisError`.
    """

    def __init__(self, client: redis.Redis, sinks: Sequence[Sink]) -> None:
        self._client = client
        self._sinks = sinks

    def goes_on(self, alarm: Alarm, now: datetime) -> None:
        """It takes none."""
        self._client.set(SINCE, now.timestamp(), nx=True)
        since = float(self._client.get(SINCE) or now.timestamp())
        self._client.expire(SINCE, round(AGAIN.total_seconds()) if self._client.exists(TOLD) else _GAP)
        lasts = now.timestamp() - since >= alarm.hold.total_seconds()
        if lasts and self._client.set(TOLD, alarm.text, nx=True, ex=round(AGAIN.total_seconds())):
            self._tell(alarm, Stage.BEGIN, since, now)

    def over(self, alarm: Alarm, now: datetime) -> None:
        """It takes writes."""
        if not self._client.exists(SINCE):  # nearly always
            return
        since = float(self._client.get(SINCE) or now.timestamp())
        self._client.delete(SINCE)
        if self._client.delete(TOLD):
            self._tell(alarm, Stage.OVER, since, now)

    def _tell(self, alarm: Alarm, stage: Stage, since: float, now: datetime) -> None:
        began = datetime.fromtimestamp(since, UTC)
        over = now if stage is Stage.OVER else None
        message = Message(Alert(id=0, alarm=alarm, began_at=began, seen_at=now, over_at=over), stage)
        takers = [sink for sink in self._sinks if sink.takes(alarm.kind)]
        with ThreadPoolExecutor(max(len(takers), 1), thread_name_prefix="alerts") as threads:
            list(threads.map(lambda sink: _send(sink, message), takers))


_GAP = round(GAP.total_seconds())


def _send(sink: Sink, message: Message) -> None:
    try:
        sink.send([message])
    except SinkError as error:
        log.error("An alert does not reach %s: %s", sink.label, error)  # noqa: TRY400  foreseen
