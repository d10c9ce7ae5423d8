"""Edits of SQLAlchemy programs stamped by the program itself, where triggers may not be installed.

    class Customer(Synced, Base):
        __tablename__ = "customer"
        ...

    capture_sessions(Session, storage)

Only what goes through objects of the session is captured. Bulk statements such as `update(Customer)` are not,
and are refused.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker

from tasks.database.records.clock import COUNTER_BITS
from tasks.database.records.record import WHOLE
from tasks.database.records.tracker import FieldUpdateTracker
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables import schema
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.errors import TaskDefinitionError

_TRACKER = "_lockstep_tracker"
_records = schema.records


class Synced:
    """A mixin for mapped classes whose tables are synced."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        event.listen(cls, "load", _remember, propagate=True)
        event.listen(cls, "refresh", _renew, propagate=True)


def capture_sessions(sessions: sessionmaker[Any] | type[Session], storage: SQLAlchemyStorage) -> None:
    """Stamp what these sessions write to the storage's tables, in the transaction of the edit itself."""
    tables = {table.table.fullname: table for table in storage.tables.values()}

    def table_of(instance: Any) -> SyncedTable | None:
        if not isinstance(instance, Synced):
            return None
        return tables.get(sa.inspect(type(instance)).local_table.fullname)

    def flushed(session: Session, _context: Any) -> None:
        edits: list[tuple[SyncedTable, str, set[str] | None]] = []
        for instance in session.deleted:
            if (table := table_of(instance)) is not None:
                before = getattr(instance, _TRACKER, None)
                key = before.original_key if before is not None else _key(table, instance)
                edits.append((table, key, None))
        for instance in [*session.new, *session.dirty]:
            if (table := table_of(instance)) is None:
                continue
            key, tracker = _key(table, instance), getattr(instance, _TRACKER, None)
            if tracker is None or instance in session.new:
                edits.append((table, key, set(table.fields)))
            elif tracker.original_key != key:
                edits += [(table, tracker.original_key, None), (table, key, set(table.fields))]
            elif dirty := tracker.get_dirty(_loaded(instance)) & set(table.fields):
                edits.append((table, key, dirty))
            _remember(instance)
        for table, key, fields in edits:
            _stamp(session.connection(), table, key, fields)

    def refuse_bulk(state: ORMExecuteState) -> None:
        if not (state.is_update or state.is_delete or state.is_insert):
            return
        mapper = state.bind_mapper
        if mapper is not None and issubclass(mapper.class_, Synced):
            raise TaskDefinitionError(
                f"a bulk statement on {mapper.class_.__name__} would not be synced: "
                "change its objects, or capture by triggers"
            )

    event.listen(sessions, "after_flush", flushed)
    event.listen(sessions, "do_orm_execute", refuse_bulk)


class _Tracker(FieldUpdateTracker):
    original_key = ""

    def renew(self, fields: dict[str, Any]) -> None:
        """Take these values, too, as the ones that are not dirty."""
        self.snapshot({**self._original, **fields})


def _renew(instance: Any, *_: Any) -> None:
    """Some values came from the database again; edits that wait for their flush are still edits."""
    tracker = getattr(instance, _TRACKER, None)
    if tracker is None:
        _remember(instance)
        return
    state = sa.inspect(instance)
    edited = {
        attribute.columns[0].name
        for attribute in state.mapper.column_attrs
        if attribute.key in state.committed_state
    }
    tracker.renew({name: value for name, value in _loaded(instance).items() if name not in edited})


def _loaded(instance: Any) -> dict[str, Any]:
    """The columns that are in memory, by name; what is not was not edited."""
    state = sa.inspect(instance)
    return {
        attribute.columns[0].name: state.dict[attribute.key]
        for attribute in state.mapper.column_attrs
        if attribute.key in state.dict
    }


def _remember(instance: Any, *_: Any) -> None:
    tracker = _Tracker()
    tracker.snapshot(_loaded(instance))
    identity = sa.inspect(instance).identity
    if identity:
        tracker.original_key = str(identity[0])
    else:
        mapper = sa.inspect(type(instance))
        tracker.original_key = str(mapper.primary_key_from_instance(instance)[0])
    setattr(instance, _TRACKER, tracker)


def _key(table: SyncedTable, instance: Any) -> str:
    mapper = sa.inspect(type(instance))
    return str(getattr(instance, mapper.get_property_by_column(mapper.local_table.c[table.identity]).key))


def _stamp(connection: sa.Connection, table: SyncedTable, key: str, fields: set[str] | None) -> None:
    """Note an edit of these fields, or with None a deletion, as the triggers do."""
    stored = table.stored_key(key)
    known = sa.select(_records).where(_records.c.model == table.label, _records.c.key == stored)
    before = connection.execute(known.with_for_update()).mappings().one_or_none()
    wall = time.time_ns() // 1_000_000 << COUNTER_BITS
    stamp = max(wall, before["newest"] + 1 if before else 0)
    whole = fields is None or set(table.fields) <= fields
    names = fields or set()
    old = dict(before["stamps"]) if before and not whole else {}
    pending = {WHOLE: stamp} if whole else dict.fromkeys(names, stamp)
    row = {
        "model": table.label,
        "key": stored,
        "stamps": {**old, **dict.fromkeys(names, stamp)},
        "newest": stamp,
        "arrivals": dict(before["arrivals"]) if before and not whole else {},
        "pending": pending if whole else {**((before and before["pending"]) or {}), **pending},
        "place": None,
        "deleted": stamp if fields is None else None,
    }
    dialect = sqlite if table.dialect == "sqlite" else postgresql
    insert = dialect.insert(_records).values(row)
    changed = {name: insert.excluded[name] for name in row if name not in {"model", "key"}}
    connection.execute(insert.on_conflict_do_update(index_elements=["model", "key"], set_=changed))
