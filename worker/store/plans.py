"""Plans that a guard halted, kept until a person lets one of them through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, delete, insert, select, update

from config.redaction import redacted
from tasks.errors import StateError
from tasks.merge import Plan, plan_digest, plan_from_data, plan_to_data
from tasks.values import dump, load
from worker.store import schema

if TYPE_CHECKING:
    from worker.store.store import Store


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
    at: datetime
    #: When it was let through.
    applied_at: datetime | None


class Plans:
    """Reading and writing the table `plan`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, task: str, plan: Plan, reason: str, run_id: str) -> str:
        """Keep a plan and return its id. The same plan is kept once, and an older one of the task goes."""
        plan_id, table = plan_digest(plan), schema.plan.c
        with self._store.write() as connection:
            connection.execute(
                delete(schema.plan).where(table.task == task, table.applied_at.is_(None), table.id != plan_id)
            )
            known = (table.task == task) & (table.id == plan_id)
            # Let through before and halted again: the guard is armed again.
            told = schema.storable(reason)
            again = update(schema.plan).where(known).values(run_id=run_id, reason=told, applied_at=None)
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

    def take(self, task: str, plan_id: str) -> bool:
        """Let a plan through, once; false when it was let through before, or is not kept any more."""
        table = schema.plan.c
        with self._store.write() as connection:
            taken = (
                update(schema.plan)
                .where(table.task == task, table.id == plan_id, table.applied_at.is_(None))
                .values(applied_at=datetime.now(UTC))
            )
            return bool(connection.execute(taken).rowcount)


def _kept(row: RowMapping) -> KeptPlan:
    try:
        plan = plan_from_data(load(row["actions"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"plan {row['id']} of task {row['task']!r} cannot be read: {error}") from error
    return KeptPlan(
        row["id"], row["task"], row["run_id"], redacted(row["reason"]), plan, row["at"], row["applied_at"]
    )
