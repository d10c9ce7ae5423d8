"""Plans that a guard halted, kept until a person lets one of them through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, select, update

from config.redaction import redacted
from tasks.errors import StateError
from tasks.merge import Plan, Skip, plan_digest, plan_from_data, plan_to_data
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database

#: How the run of a plan is called that a node made while it answered a peer; the peer's name follows.
ANSWERING = "answering "

#: Letters of a whole id.
PLAN_ID_LENGTH = 12


def does_something(plan: Plan) -> bool:
    """Whether there is anything in a plan that could be let through; what is left alone is nothing."""
    return any(not isinstance(action, Skip) for action in plan.actions)


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """One kept plan."""

    #: A digest of all that it would do, and to which values.
    id: str
    task: str
    run_id: str
    #: Why it was halted.
    reason: str
    plan: Plan
    #: When a run halted with it last.
    at: datetime
    #: When it was let through, and by which run.
    applied_at: datetime | None = None
    applied_by: str | None = None
    #: When a person said that it is not to be let through; it may be all the same, later.
    rejected_at: datetime | None = None

    @property
    def answering(self) -> bool:
        """Whether a node made it while it answered a peer, whose next exchange it lets through."""
        return self.run_id.startswith(ANSWERING)

    @property
    def applied(self) -> str:
        """When and by which run it was let through, in words; empty while it waits."""
        if self.applied_at is None:
            return ""
        if self.answering:
            return f"was let through {self.applied_at:%Y-%m-%d %H:%M} UTC{' and used' if self.applied_by else ''}"
        by = f" by run {self.applied_by[:8]}" if self.applied_by else ""
        return f"was applied {self.applied_at:%Y-%m-%d %H:%M} UTC{by}"


@dataclass(frozen=True, slots=True)
class WaitingPlan:
    """A plan that waits for a person, without what is in it."""

    id: str
    task: str
    reason: str
    #: When a run halted with it last.
    at: datetime
    #: Whether a node made it while it answered a peer.
    answering: bool = False


class Plans:
    """Reading and writing the table `plan`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def keep(self, task: str, plan: Plan, reason: str, run_id: str) -> str:
        """Keep a plan and return its id. The same plan is kept once, and an older one of the task goes."""
        plan_id, table = plan_digest(plan), schema.plan.c
        with self._store.write() as connection:
            connection.execute(
                delete(schema.plan).where(
                    table.task == task,
                    table.applied_at.is_(None),
                    table.id != plan_id,
                    _answering(run_id.startswith(ANSWERING)),
                )
            )
            known, told = (table.task == task) & (table.id == plan_id), schema.storable(reason)
            # Let through before and halted again: the guard is armed again.
            again = (
                update(schema.plan)
                .where(known)
                .values(
                    run_id=run_id,
                    reason=told,
                    at=datetime.now(UTC),
                    applied_at=None,
                    applied_by=None,
                )
            )
            if not connection.execute(again).rowcount:
                connection.execute(
                    insert(schema.plan).values(
                        task=task,
                        id=plan_id,
                        run_id=run_id,
                        reason=told,
                        actions=dump(plan_to_data(plan)),
                        at=datetime.now(UTC),
                    )
                )
        return plan_id

    def find(self, plan_id: str) -> list[KeptPlan]:
        """The kept plans whose id begins like this; different tasks may have plans of one id."""
        with self._store.read() as connection:
            query = select(schema.plan).where(schema.plan.c.id.startswith(plan_id, autoescape=True))
            return [_kept(row) for row in connection.execute(query).mappings()]

    def list(self, task: str | None = None) -> list[KeptPlan]:
        """The kept plans, of one task or of all, the newest first."""
        query = select(schema.plan).order_by(schema.plan.c.at.desc())
        if task is not None:
            query = query.where(schema.plan.c.task == task)
        with self._store.read() as connection:
            return [_kept(row) for row in connection.execute(query).mappings()]

    def waiting(self) -> Sequence[WaitingPlan]:
        """The plans that wait for a person, the newest first, without what is in them."""
        table = schema.plan.c
        query = (
            select(table.id, table.task, table.run_id, table.reason, table.at)
            .where(table.applied_at.is_(None))
            .order_by(table.at.desc())
        )
        with self._store.read() as connection:
            return [
                WaitingPlan(row.id, row.task, redacted(row.reason), row.at, row.run_id.startswith(ANSWERING))
                for row in connection.execute(query)
            ]

    def refusal(self, task: str, plan_id: str) -> str | None:
        """Why a plan cannot be let through, before anything is looked at; `None` while it waits."""
        kept = next((one for one in self.find(plan_id) if (one.task, one.id) == (task, plan_id)), None)
        if kept is None:
            return f"plan {plan_id} is not kept any more: a newer run has taken its place"
        return f"plan {plan_id} {kept.applied}" if kept.applied else None

    def take(self, task: str, plan_id: str, run_id: str) -> bool:
        """Let a plan through, once; false when it was let through before, or is not kept any more."""
        table = schema.plan.c
        with self._store.write() as connection:
            taken = (
                update(schema.plan)
                .where(table.task == task, table.id == plan_id, table.applied_at.is_(None))
                .values(applied_at=datetime.now(UTC), applied_by=run_id, rejected_at=None)
            )
            return bool(connection.execute(taken).rowcount)

    def allow(self, task: str, plan_id: str) -> bool:
        """Let a plan that a node made while it answered through, at its peer's next exchange; false: it was before."""
        table = schema.plan.c
        with self._store.write() as connection:
            allowed = (
                update(schema.plan)
                .where(table.task == task, table.id == plan_id, table.applied_at.is_(None))
                .values(applied_at=datetime.now(UTC), rejected_at=None)
            )
            return bool(connection.execute(allowed).rowcount)

    def reject(self, task: str, plan_id: str) -> bool:
        """Note that a plan is not to be let through; the same one stays rejected when a run halts with it again.

        False where it does not wait any more.
        """
        table = schema.plan.c
        with self._store.write() as connection:
            rejected = (
                update(schema.plan)
                .where(table.task == task, table.id == plan_id, table.applied_at.is_(None))
                .values(rejected_at=datetime.now(UTC))
            )
            return bool(connection.execute(rejected).rowcount)

    def use(self, task: str, plan_id: str, run_id: str) -> bool:
        """Whether such a plan was let through and not used yet; from now on it is used."""
        table = schema.plan.c
        with self._store.write() as connection:
            used = (
                update(schema.plan)
                .where(
                    table.task == task,
                    table.id == plan_id,
                    table.applied_at.is_not(None),
                    table.applied_by.is_(None),
                    _answering(True),
                )
                .values(applied_by=run_id)
            )
            return bool(connection.execute(used).rowcount)

    def expire(self, task: str) -> None:
        """Drop what waits of a task: a run went through, so both sides are not as it was made for any more."""
        with self._store.write() as connection:
            self.drop_waiting(connection, task)

    @staticmethod
    def drop_waiting(connection: Connection, task: str) -> None:
        """The same, in the transaction that enters the run's end."""
        connection.execute(_DROP, {"of_task": task})


def _answering(so: bool) -> ColumnElement[bool]:
    """Plans of a node that answered, or all others."""
    found = schema.plan.c.run_id.startswith(ANSWERING)
    return found if so else ~found


# Made once: SQLAlchemy takes longer to build such a statement than a database takes to carry it out.
_DROP = delete(schema.plan).where(
    schema.plan.c.task == bindparam("of_task"), schema.plan.c.applied_at.is_(None), _answering(False)
)


def _kept(row: RowMapping) -> KeptPlan:
    try:
        plan = plan_from_data(load(row["actions"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"plan {row['id']} of task {row['task']!r} cannot be read: {error}") from error
    kept = {name: row[name] for name in row if name not in {"actions", "reason"}}
    return KeptPlan(plan=plan, reason=redacted(row["reason"]), **kept)
