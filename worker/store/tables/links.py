"""Links with their bases."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from tasks.errors import ItemError
from tasks.journal.contract import Base, Lull, Numbers, absence_of, numbers_of, parked_from
from tasks.merge import ID, End, Link, referred, settled_names
from tasks.values.canonical import dump
from worker.store import schema
from worker.store.database import Database
from worker.store.tables import references
from worker.store.tables.ids import in_parts
from worker.store.tables.intents import open_intents
from worker.store.tables.kept_values import told_rows, values_in
from worker.store.tables.memory import load_outline
from worker.store.tables.numbers import counted, pairing_of, renew
from worker.store.tables.put import put_rows
from worker.telling.numbers import some

# Statements are made once: SQLAlchemy takes longer to build one than SQLite takes to carry it out.
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
_OUT_OF_SIGHT = _LINKS_OF.where(schema.link.c.parked.is_not(None))

_KEPT = select(schema.link.c.left_id, schema.link.c.right_id, schema.link.c.parked).where(
    schema.link.c.task == bindparam("of_task"), schema.link.c.left_id.in_(bindparam("of_ids", expanding=True))
)


def _recall(connection: Connection, task: str) -> Base:
    outline, intends = load_outline(connection, task)
    return replace(outline, intents=open_intents(connection, task) if intends else [])


class Links:
    """Reading and writing the table `link`, and reading all that a run starts from."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def count(self, task: str) -> int:
        """How many pairs of a task are linked, row by row."""
        with self._store.read() as connection:
            return _rows_of(connection, task)

    def counted(self, task: str) -> int:
        """The same as was counted along, in no time."""
        with self._store.read() as connection:
            return counted(connection, task).total()

    def out_of_sight(self, task: str) -> list[Link]:
        """The links of which an object is out of sight.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            rows = connection.execute(_OUT_OF_SIGHT, {"of_task": task}).all()
        with told_rows(task):
            return [_link(row) for row in rows]

    def unsettled(self, task: str, attributes: Collection[str]) -> list[Link]:
        """The links of which a run may say something though neither side changed.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            rows = connection.execute(_UNSETTLED, {"of_task": task, "of_shape": shape_of(attributes)}).all()
        with told_rows(task):
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
        with told_rows(task):
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
        with told_rows(task):
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
        with told_rows(task):
            return [_link(row) for row in rows]

    def counterparts(self, task: str, end: End, ids: Collection[ID]) -> dict[ID, ID]:
        """With what these objects of a side are linked; those without a link are left out."""
        rows = self._rows(task, end, ids, _LINK[:2])
        pairs = (
            (left_id, right_id) if end is End.LEFT else (right_id, left_id) for left_id, right_id in rows
        )
        return dict(pairs)

    def pairing(self, task: str) -> str:
        """A word that is another one once any pair of a task was linked, came apart or came back."""
        with self._store.read() as connection:
            return pairing_of(connection, task)

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

    def complete(self, task: str, recalled: Base | None = None) -> tuple[Base, Numbers]:
        """The same, and how many links were counted along; what is recalled already is not read again.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            base = recalled or _recall(connection, task)
            rows = connection.execute(_LINKS_OF, {"of_task": task}).all()
            along = counted(connection, task)
        with told_rows(task):
            return replace(base, links=[_link(row) for row in rows], others={}), along

    def recall(self, task: str) -> Base:
        """All but the links.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            return _recall(connection, task)

    # -- inside a transaction of the journal ----------------------------------------------------------------

    @staticmethod
    def put(connection: Connection, task: str, link: Link, run_id: str) -> Numbers:
        """Keep a link with its base; gives and raises the same as `put_all`."""
        return Links.put_all(connection, task, [link], run_id)

    @staticmethod
    def put_all(connection: Connection, task: str, links: Sequence[Link], run_id: str) -> Numbers:
        """Keep links with their bases; gives how many links there are more now, by their absence.

        Raises:
            ItemError: a right object is linked with another left one already.
        """
        if not links:
            return {}
        before = _kept(connection, task, [link.left_id for link in links])
        right_ids = {left_id: row.right_id for left_id, row in before.items()}
        new = [link for link in links if right_ids.get(link.left_id) != link.right_id]
        replaced = {link.left_id: right_ids[link.left_id] for link in new if link.left_id in before}
        referred_before = references.refers(connection, task)
        if referred_before:
            references.stir(connection, task, [*map(_pair, new), *replaced.items()])
        ids = {link.left_id for link in links}
        refer = any(map(_refers, links))  # in most tasks none does
        standing = references.standing(connection, task, links, replaced) if refer else ids
        rows = [
            {
                "left_id": link.left_id,
                "right_id": link.right_id,
                "left_values": (left := dump(dict(link.left))),
                "right_values": left if link.right is link.left else dump(dict(link.right)),
                "parked": absence_of(link) or None,
                "shape": _shape(link, standing),
            }
            for link in links
        ]
        if replaced:
            renew(connection, task)
        now = datetime.now(UTC)
        try:
            put_rows(connection, schema.link, rows, {"task": task, "run_id": run_id, "updated_at": now})
        except IntegrityError as error:
            which = links[0].right_id if len(links) == 1 else f"one of {some(len(links), 'object')}"
            raise ItemError(f"{which} is linked with another object already") from error
        if refer or referred_before:
            references.keep(connection, task, links)
        more = numbers_of({link.left_id: link for link in links}.values())
        more.subtract(row.parked or "" for row in before.values())
        return more

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
    def drop(connection: Connection, task: str, link: Link) -> Numbers:
        """Forget a link; gives how many links there are more now, by their absence."""
        table = schema.link.c
        before = _kept(connection, task, [link.left_id])
        dropped = connection.execute(
            delete(schema.link).where(
                table.task == task, table.left_id == link.left_id, table.right_id == link.right_id
            )
        ).rowcount
        if dropped and references.refers(connection, task):
            references.stir(connection, task, [_pair(link)])
            references.forget(connection, task, [link.left_id])
        return {(before[link.left_id].parked or ""): -1} if dropped else {}

    @staticmethod
    def keep_lull(connection: Connection, task: str, lull: Lull) -> None:
        """Note that a run which knew every link had nothing to do."""
        node = schema.node.c
        connection.execute(update(schema.node).where(node.id == task).values(lull=dump(asdict(lull))))


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


def _kept(connection: Connection, task: str, left_ids: Collection[ID]) -> dict[ID, Any]:
    """With what these are linked, as far as they are, and what is out of sight of it."""
    found: dict[ID, Any] = {}
    for part in in_parts(connection, left_ids):
        rows = connection.execute(_KEPT, {"of_task": task, "of_ids": part})
        found.update((row.left_id, row) for row in rows)
    return found


def _refers(link: Link) -> bool:
    return bool(referred(link))


def _pair(link: Link) -> tuple[ID, ID]:
    return link.left_id, link.right_id


def _link(row: Any) -> Link:
    parked = parked_from(row.parked.split(",") if row.parked else ())
    return Link(row.left_id, row.right_id, values_in(row.left_values), values_in(row.right_values), **parked)
