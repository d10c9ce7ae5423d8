"""The states that are kept in the database, and the messages about them, each claimed before it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from worker.alarms.alarm import Alarm, Kind, Severity
from worker.alarms.course import Alert, Course, Stage, course
from worker.alarms.judging import Judged
from worker.store import Store, schema

#: Who claims a message has so long to send it; after that another one does.
CLAIMED = timedelta(minutes=2)
#: Until the second attempt, doubled until the last but one, and how many there are: about a day in all.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
ATTEMPTS = 28
#: One evaluation after the other, where the database lets several write at once.
TURN = 0x4C6F636B

#: The columns of one that is closed by a later message of its alert.
_SUPERSEDED = {"next_try": None, "error": "a later message took its place"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is told of one alert to one of those who are to hear."""

    alert: Alert
    stage: Stage
    number: int = 0
    sink: str = ""
    #: How often it was tried before.
    attempts: int = 0


class Hearer(Protocol):
    """One who is told, by a name that holds nothing secret."""

    @property
    def name(self) -> str:
        """The same in all processes and after a restart."""
        ...

    def takes(self, kind: Kind) -> bool:
        """Whether it is told of such alerts."""
        ...


class Ledger:
    """Reading and writing the tables `alert` and `alert_message`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self, judged: Judged, sinks: Collection[Hearer], now: datetime) -> Course:
        """Enter what there is now, and what is to be told of it to each of `sinks`.

        Raises:
            StoreError: the database takes no writes.
        """
        with self._turn() as connection:
            known = [_alert(row) for row in connection.execute(_open())]
            made = course(known, judged, now)
            for alarm, told in made.begin:
                alert_id = _insert(connection, alarm, now, told=told)
                if told:
                    _tell(connection, alert_id, alarm.kind, Stage.BEGIN, sinks, now)
            for alert, alarm, began, stage in made.last:
                changes = {**_words(alarm), "seen_at": now, "began_at": began}
                _change(connection, alert.id, **changes, **({"told_at": now} if stage else {}))
                if stage:
                    _tell(connection, alert.id, alarm.kind, stage, sinks, now)
            for alert in made.drop:
                connection.execute(schema.alert.delete().where(schema.alert.c.id == alert.id))
            for alert in made.end:
                _change(connection, alert.id, open_key=None, over_at=now)
                _tell(connection, alert.id, alert.alarm.kind, Stage.OVER, sinks, now)
        return made

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            if connection.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
                connection.execute(select(func.pg_advisory_xact_lock(TURN)))
            yield connection

    def open(self) -> Sequence[Alert]:
        """Those that are not over, the oldest first."""
        with self._store.read() as connection:
            return [_alert(row) for row in connection.execute(_open())]

    def past(self, limit: int) -> Sequence[Alert]:
        """Those that are over, the newest first."""
        table = schema.alert.c
        query = (
            select(schema.alert).where(table.over_at.is_not(None)).order_by(table.over_at.desc(), table.id)
        )
        with self._store.read() as connection:
            return [_alert(row) for row in connection.execute(query.limit(limit))]

    def unsent(self) -> dict[int, list[str]]:
        """What could not be told so far, by the id of the alert: the error of each."""
        table = schema.alert_message.c
        query = select(table.alert_id, table.error).where(table.sent_at.is_(None), table.error != "")
        found: dict[int, list[str]] = {}
        with self._store.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.alert_id, []).append(row.error)
        return found

    def due(self, sink: str, now: datetime) -> list[Message]:
        """Claim the messages that are to be sent to one of those who are to hear, the oldest first."""
        table = schema.alert_message.c
        query = (
            select(schema.alert_message)
            .where(table.sink == sink, table.next_try <= now)
            .order_by(table.alert_id, table.number)
        )
        with self._store.read() as connection:  # nearly always there is none, and nobody is held up
            rows = list(connection.execute(query))
        claimed = []
        if rows:
            with self._store.write() as connection:
                for row in rows:
                    changes = {"attempts": row.attempts + 1, "next_try": now + CLAIMED}
                    if _settle(connection, _key(row), now, **changes):
                        alert = connection.execute(
                            select(schema.alert).where(schema.alert.c.id == row.alert_id)
                        )
                        stage = Stage(row.stage)
                        claimed.append(Message(_alert(alert.one()), stage, row.number, sink, row.attempts))
        return claimed

    def sent(self, messages: Sequence[Message], now: datetime) -> None:
        """They were sent."""
        with self._store.write() as connection:
            for message in messages:
                _settle(connection, _key_of(message), next_try=None, sent_at=now, error="")

    def failed(self, messages: Sequence[Message], error: str, now: datetime) -> None:
        """They could not be sent; each is tried again, and given up after about a day."""
        with self._store.write() as connection:
            for message in messages:
                pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 10), LONGEST_PAUSE)
                again = None if message.attempts + 1 >= ATTEMPTS else now + pause
                _settle(connection, _key_of(message), next_try=again, error=schema.storable(error))


def _open() -> Select[tuple[object, ...]]:
    return select(schema.alert).where(schema.alert.c.open_key.is_not(None)).order_by(schema.alert.c.id)


def _alert(row: Row[tuple[object, ...]]) -> Alert:
    kind, task = Kind(row.kind), row.task
    part = row.key.removeprefix(f"{kind}:{task}:") if task is not None else ""
    alarm = Alarm(kind, Severity(row.severity), row.text, row.mend, task, "" if part == row.key else part)
    return Alert(
        id=row.id,
        alarm=alarm,
        began_at=row.began_at,
        seen_at=row.seen_at,
        told_at=row.told_at,
        over_at=row.over_at,
    )


def _words(alarm: Alarm) -> dict[str, str]:
    return {
        "severity": alarm.severity,
        "text": schema.storable(alarm.text),
        "mend": schema.storable(alarm.mend),
    }


def _insert(connection: Connection, alarm: Alarm, now: datetime, *, told: bool) -> int:
    row = insert(schema.alert).values(
        key=alarm.key,
        open_key=alarm.key,
        kind=alarm.kind,
        task=alarm.task,
        **_words(alarm),
        began_at=now,
        seen_at=now,
        told_at=now if told else None,
    )
    return int(connection.execute(row.returning(schema.alert.c.id)).scalar_one())


def _change(connection: Connection, alert_id: int, **changes: object) -> None:
    connection.execute(update(schema.alert).where(schema.alert.c.id == alert_id).values(**changes))


def _tell(
    connection: Connection, alert_id: int, kind: Kind, stage: Stage, sinks: Collection[Hearer], now: datetime
) -> None:
    """Enter a message for each of those who are to hear; what was not sent of this alert so far is not any more."""
    table = schema.alert_message.c
    waiting = (table.alert_id == alert_id) & table.next_try.is_not(None)
    connection.execute(update(schema.alert_message).where(waiting).values(**_SUPERSEDED))
    last = connection.scalar(select(func.max(table.number)).where(table.alert_id == alert_id))
    number = 0 if last is None else last + 1
    for sink in sinks:
        if not sink.takes(kind):
            continue
        connection.execute(
            insert(schema.alert_message).values(
                alert_id=alert_id,
                number=number,
                stage=stage,
                sink=sink.name,
                attempts=0,
                next_try=now,
                error="",
            )
        )


def _key(row: Row[tuple[object, ...]]) -> tuple[int, int, str]:
    return row.alert_id, row.number, row.sink


def _key_of(message: Message) -> tuple[int, int, str]:
    return message.alert.id, message.number, message.sink


def _settle(
    connection: Connection, key: tuple[int, int, str], due: datetime | None = None, **changes: object
) -> bool:
    """Change a message, unless it was sent; with `due` only if nobody else has claimed it since."""
    table = schema.alert_message.c
    which = (table.alert_id == key[0]) & (table.number == key[1]) & (table.sink == key[2])
    which &= table.sent_at.is_(None)
    if due is not None:
        which &= table.next_try <= due
    if "error" in changes and changes.get("sent_at") is None:
        which &= table.next_try.is_not(None)  # a later one has taken its place meanwhile
    return bool(connection.execute(update(schema.alert_message).where(which).values(**changes)).rowcount)
