"""Links with their bases, and open intents."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from tasks.errors import ItemError, StateError
from tasks.journal.contract import Base, Lull, parked_from, parked_words
from tasks.merge import ID, End, Intent, Link, referred, settled_names
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database
from worker.store.tables import references
from worker.store.tables.ids import in_parts
from worker.store.tables.memory import load_memory
from worker.telling.numbers import some

# Made once: SQLAlchemy takes longer to build such a statement than SQLite takes to carry it out.
_SETTLE = delete(schema.intent).where(
    schema.intent.c.task == bindparam("of_task"), schema.intent.c.key == bindparam("of_key")
)
_COUNT = (
    update(schema.node)
    .where(schema.node.c.id == bindparam("of_task"))
    .values(linked=func.coalesce(schema.node.c.linked, 0) + bindparam("more"), lull=None)
)


def _in_the_place(table: Table) -> dict[str, Any]:
    """By database: a row is kept, in the place of one of the same key if there is one."""

    def of(dialect: Any) -> Any:
        new = dialect.insert(table)
        other = {one.name: new.excluded[one.name] for one in table.c if not one.primary_key}
        return new.on_conflict_do_update(index_elements=list(table.primary_key), set_=other)

    return {"sqlite": of(sqlite), "postgresql": of(postgresql)}


_PUT, _BEGIN = _in_the_place(schema.link), _in_the_place(schema.intent)

_ID = {End.LEFT: schema.link.c.left_id, End.RIGHT: schema.link.c.right_id}

_LINK = (
    schema.link.c.left_id,
    schema.link.c.right_id,
    schema.link.c.left_values,
    schema.link.c.right_values,
    schema.link.c.parked,
)

#: Three searches of the index: with "other than", a database reads all of it.
_UNSETTLED = union_all(
    *(
        select(*_LINK).where(schema.link.c.task == bindparam("of_task"), condition)
        for condition in (
            schema.link.c.shape.is_(None),
            schema.link.c.shape < bindparam("of_shape"),
            schema.link.c.shape > bindparam("of_shape"),
        )
    )
)

_LINKS_OF = select(*_LINK).where(schema.link.c.task == bindparam("of_task"))
_INTENT = schema.intent.c
_INTENTS_OF = select(
    _INTENT.key,
    _INTENT.side,
    _INTENT.source_id,
    _INTENT["values"],
    _INTENT.target_id,
    _INTENT.answered,
    _INTENT.begun_at,
    _INTENT.hash,
).where(_INTENT.task == bindparam("of_task"))

_LINKED = select(schema.node.c.linked).where(schema.node.c.id == bindparam("of_task"))


def _counted(connection: Connection, task: str) -> int:
    return int(connection.scalar(_LINKED, {"of_task": task}) or 0)


def _recall(connection: Connection, task: str) -> Base:
    intents = connection.execute(_INTENTS_OF, {"of_task": task}).all()
    memory = load_memory(connection, task)
    with _told_rows(task):
        return Base((), [_intent(row) for row in intents], memory)


class Links:
    """Reading and writing the tables `link` and `intent`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def count(self, task: str) -> int:
        """How many pairs of a task are linked, row by row."""
        with self._store.read() as connection:
            return _rows_of(connection, task)

    def counted(self, task: str) -> int:
        """The same as was counted along, in no time."""
        with self._store.read() as connection:
            return _counted(connection, task)

    def lull(self, task: str) -> Lull | None:
        """What `keep_lull` kept, if nothing of a link or an intent was kept since.

        Raises:
            StateError: it cannot be read.
        """
        with self._store.read() as connection:
            kept = connection.scalar(select(schema.node.c.lull).where(schema.node.c.id == task))
        return None if kept is None else Lull(**_values(kept))

    def unsettled(self, task: str, attributes: Collection[str]) -> list[Link]:
        """The links of which a run may say something though neither side changed.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            rows = connection.execute(_UNSETTLED, {"of_task": task, "of_shape": shape_of(attributes)}).all()
        with _told_rows(task):
            return [_link(row) for row in rows]

    def referring(self, task: str, ids: Mapping[End, Collection[ID]]) -> list[Link]:
        """The links whose bases refer to any of these objects, by their end.

        Raises:
            StateError: a row cannot be read.
        """
        link = schema.link.c
        with self._store.read() as connection:
            rows = {
                row.left_id: row
                for end, wanted in ids.items()
                for some in in_parts(connection, wanted)
                for row in connection.execute(
                    select(*_LINK).where(
                        link.task == task, link.left_id.in_(references.referring(task, end, some))
                    )
                )
            }
        with _told_rows(task):
            return [_link(row) for row in rows.values()]

    def tasks(self) -> set[str]:
        """The names of all tasks that have links or open intents."""
        with self._store.read() as connection:
            found = (select(table.c.task).distinct() for table in (schema.link, schema.intent))
            return {name for query in found for name in connection.scalars(query)}

    def all(self, task: str) -> list[Link]:
        """All links of a task.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            rows = connection.execute(_LINKS_OF, {"of_task": task}).all()
        with _told_rows(task):
            return [_link(row) for row in rows]

    def ids(self, task: str, end: End) -> list[ID]:
        """The objects of a side that are linked."""
        with self._store.read() as connection:
            return list(connection.scalars(select(_ID[end]).where(schema.link.c.task == task)))

    def find(self, task: str, end: End, ids: Collection[ID]) -> list[Link]:
        """The links of these objects of a side; those without a link are left out.

        Raises:
            StateError: a row cannot be read.
        """
        rows = self._rows(task, end, ids, _LINK)
        with _told_rows(task):
            return [_link(row) for row in rows]

    def counterparts(self, task: str, end: End, ids: Collection[ID]) -> dict[ID, ID]:
        """With what these objects of a side are linked; those without a link are left out."""
        rows = self._rows(task, end, ids, _LINK[:2])
        pairs = (
            (left_id, right_id) if end is End.LEFT else (right_id, left_id) for left_id, right_id in rows
        )
        return dict(pairs)

    def _rows(
        self, task: str, end: End, ids: Collection[ID], columns: Sequence[ColumnElement[Any]]
    ) -> list[Any]:
        place = _ID[end]
        rows: list[Any] = []
        with self._store.read() as connection:
            for some in in_parts(connection, ids):
                query = select(*columns).where(schema.link.c.task == task, place.in_(some))
                rows += connection.execute(query).all()
        return rows

    def load(self, task: str) -> Base:
        """All links and open intents of a task, and what is remembered of it.

        Raises:
            StateError: a row cannot be read; nothing may be concluded from the others then.
        """
        return self.complete(task)[0]

    def complete(self, task: str, recalled: Base | None = None) -> tuple[Base, int]:
        """The same, and how many links were counted along; what is recalled already is not read again.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            base = recalled or _recall(connection, task)
            rows = connection.execute(_LINKS_OF, {"of_task": task}).all()
            counted = _counted(connection, task)
        with _told_rows(task):
            return replace(base, links=[_link(row) for row in rows]), counted

    def recall(self, task: str) -> Base:
        """All but the links.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            return _recall(connection, task)

    # -- inside a transaction of the journal ----------------------------------------------------------------

    @staticmethod
    def put(connection: Connection, task: str, link: Link, run_id: str) -> int:
        """Keep a link with its base; gives and raises the same as `put_all`."""
        return Links.put_all(connection, task, [link], run_id)

    @staticmethod
    def put_all(connection: Connection, task: str, links: Sequence[Link], run_id: str) -> int:
        """Keep links with their bases; gives how many links there are more now.

        Raises:
            ItemError: a right object is linked with another left one already.
        """
        if not links:
            return 0
        now = datetime.now(UTC)
        before = _right_ids(connection, task, [link.left_id for link in links])
        new = [link for link in links if before.get(link.left_id) != link.right_id]
        replaced = {link.left_id: before[link.left_id] for link in new if link.left_id in before}
        refer = references.refers(connection, task)
        if refer:
            references.stir(connection, task, [*map(_pair, new), *replaced.items()])
        standing = references.standing(connection, task, links, replaced)
        rows = [
            {
                "task": task,
                "left_id": link.left_id,
                "right_id": link.right_id,
                "left_values": dump(dict(link.left)),
                "right_values": dump(dict(link.right)),
                "updated_at": now,
                "run_id": run_id,
                "parked": ",".join(parked_words(link)) or None,
                "shape": _shape(link, standing),
            }
            for link in links
        ]
        try:
            connection.execute(_PUT[connection.dialect.name], rows)
        except IntegrityError as error:
            which = links[0].right_id if len(links) == 1 else f"one of {some(len(links), 'object')}"
            raise ItemError(f"{which} is linked with another object already") from error
        if refer or any(map(_refers, links)):
            references.keep(connection, task, links)
        return len({link.left_id for link in links} - before.keys())

    @staticmethod
    def forget(connection: Connection, task: str, attributes: Sequence[str]) -> None:
        """Drop attributes from the bases of all links of a task."""
        if not attributes:
            return
        table = schema.link.c
        rows = connection.execute(select(*_LINK).where(table.task == task)).all()
        changed = []
        for link in map(_link, rows):
            bases = link.left, link.right
            if any(name in base for base in bases for name in attributes):
                left, right = (
                    {name: base[name] for name in base if name not in attributes} for base in bases
                )
                changed.append(replace(link, left=left, right=right))
        standing = references.standing(connection, task, changed)
        for link in changed:
            connection.execute(
                update(schema.link)
                .where(table.task == task, table.left_id == link.left_id)
                .values(
                    left_values=dump(link.left),
                    right_values=dump(link.right),
                    shape=_shape(link, standing),
                )
            )
        if references.refers(connection, task):
            references.keep(connection, task, changed)

    @staticmethod
    def look_through(connection: Connection, task: str) -> None:
        """Note anew of each link to what it refers, where its row came from another database."""
        table = schema.link.c
        rows = connection.execute(select(*_LINK).where(table.task == task)).all()
        links = [link for link in map(_link, rows) if _refers(link)]
        standing = references.standing(connection, task, links)
        for link in links:
            if _shape(link, standing) is None:
                connection.execute(
                    update(schema.link)
                    .where(table.task == task, table.left_id == link.left_id)
                    .values(shape=None)
                )
        references.keep(connection, task, links)

    @staticmethod
    def drop(connection: Connection, task: str, link: Link) -> int:
        """Forget a link; gives how many links there are more now."""
        table = schema.link.c
        dropped = connection.execute(
            delete(schema.link).where(
                table.task == task, table.left_id == link.left_id, table.right_id == link.right_id
            )
        ).rowcount
        if dropped and references.refers(connection, task):
            references.stir(connection, task, [_pair(link)])
            references.forget(connection, task, [link.left_id])
        return -dropped

    @staticmethod
    def count_along(connection: Connection, task: str, more: int) -> None:
        """Note that there are so many links more."""
        if more:
            connection.execute(_COUNT, {"of_task": task, "more": more})

    @staticmethod
    def count_anew(connection: Connection, task: str) -> None:
        """Count the links row by row, and note how many there are."""
        node = schema.node.c
        rows = _rows_of(connection, task)
        connection.execute(update(schema.node).where(node.id == task).values(linked=rows, lull=None))

    @staticmethod
    def keep_lull(connection: Connection, task: str, lull: Lull) -> None:
        """Note that a run which knew every link had nothing to do."""
        node = schema.node.c
        connection.execute(update(schema.node).where(node.id == task).values(lull=dump(asdict(lull))))

    @staticmethod
    def begin_all(connection: Connection, task: str, intents: Sequence[Intent], run_id: str) -> None:
        """Keep intents, each in the place of an earlier one of its key."""
        rows = [
            {
                "task": task,
                "key": intent.key,
                "side": intent.side.value,
                "source_id": intent.source_id,
                "target_id": intent.target_id,
                "answered": intent.answered or None,
                "hash": intent.hash or None,
                "values": dump(dict(intent.values)),
                "begun_at": intent.begun_at or datetime.now(UTC),
                "run_id": run_id,
            }
            for intent in intents
        ]
        if rows:
            connection.execute(_BEGIN[connection.dialect.name], rows)

    @staticmethod
    def settle(connection: Connection, task: str, keys: Sequence[str]) -> None:
        """Close intents."""
        if keys:
            connection.execute(_SETTLE, [{"of_task": task, "of_key": key} for key in keys])


def shape_of(attributes: Iterable[str]) -> str:
    """A digest of the attributes of a base."""
    return _digest(frozenset(attributes))


@lru_cache(maxsize=1024)
def _digest(attributes: frozenset[str]) -> str:
    text = "\0".join(sorted(attributes))
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _shape(link: Link, standing: Collection[ID]) -> str | None:
    names = settled_names(link) if link.left_id in standing else None
    return None if names is None else _digest(names)


def _rows_of(connection: Connection, task: str) -> int:
    query = select(func.count()).select_from(schema.link).where(schema.link.c.task == task)
    return int(connection.scalar(query) or 0)


def _right_ids(connection: Connection, task: str, left_ids: Collection[ID]) -> dict[ID, ID]:
    """With what these are linked, as far as they are."""
    link = schema.link.c
    found: dict[ID, ID] = {}
    for part in in_parts(connection, left_ids):
        query = select(link.left_id, link.right_id).where(link.task == task, link.left_id.in_(part))
        found.update((row.left_id, row.right_id) for row in connection.execute(query))
    return found


def _refers(link: Link) -> bool:
    return bool(referred(link).ids)


def _pair(link: Link) -> tuple[ID, ID]:
    return link.left_id, link.right_id


@contextmanager
def _told_rows(task: str) -> Iterator[None]:
    """Tell of rows that cannot be read, with the mend."""
    try:
        yield
    except (StateError, ValueError) as error:
        raise StateError(
            f"task {task!r}: a row of table link or intent cannot be read ({error}). Nothing was synced. "
            "Restore the database from a backup: the next run then shows what it would do before it writes. Or "
            "delete the rows of this task: the next run links both sides anew by their content and deletes nothing"
        ) from error


def _link(row: Any) -> Link:
    parked = parked_from(row.parked.split(",") if row.parked else ())
    return Link(row.left_id, row.right_id, _values(row.left_values), _values(row.right_values), **parked)


def _intent(row: Any) -> Intent:
    return Intent(
        row.key,
        End(row.side),
        row.source_id,
        _values(row._mapping["values"]),
        row.target_id,
        bool(row.answered),
        row.begun_at,
        row.hash or "",
    )


def _values(text: str) -> dict[str, Any]:
    values = load(text)
    if not isinstance(values, dict):
        raise StateError(f"a stored value cannot be read: {text[:40]!r} has no attributes")
    return values
