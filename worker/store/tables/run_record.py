"""One run, as the history keeps it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

from config.redaction import redacted
from tasks.engine.naming import Names, tell
from tasks.errors import StateError
from tasks.merge import Name, Plan
from worker.store import schema

#: How a run that really ran ends. `skipped`, `cancelled` and `abandoned` runs did not.
RAN = ("succeeded", "failed", "halted", "conflicts", "incomplete")
#: All that the history has.
STATUSES = (*RAN, "running", "skipped", "cancelled", "abandoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One line of the history."""

    run_id: str
    task: str
    #: `running`, one of `RAN`, `skipped`, `cancelled`, `abandoned`, or `planned` for a dry run.
    status: str
    #: Why it did not succeed, or what it had to leave out; empty when there is nothing to say.
    reason: str = ""
    #: What was done, by kind: `left_created`, `right_updated`, `conflicts`, …
    counts: Mapping[str, int] = field(default_factory=dict)
    #: Objects that failed or were left as they are, each with its reason.
    notes: Sequence[str] = ()
    #: What people call the objects that reason and notes are about, which name them by ids: these go to the queue and
    #: to logs as well, where nobody's titles belong.
    names: Names = field(default_factory=dict, compare=False, repr=False)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    #: When the values that it replaced were pruned; it cannot be undone since.
    undo_pruned_at: datetime | None = None
    message_id: str | None = None
    #: `apply`, `undo` or `restore`, asked for by a person; `None` for an ordinary run.
    kind: str | None = None
    fence: int = 0
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    #: When the logins of its sides expire, as its report says; not kept in the history.
    expires: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    #: Of a dry run only.
    plan: Plan | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Take secrets out of what services and exceptions say, before anybody keeps or shows it."""
        object.__setattr__(self, "reason", redacted(self.reason))
        object.__setattr__(self, "notes", [redacted(note) for note in self.notes])

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()

    def told(self) -> RunRecord:
        """The same with titles in the place of ids, for the screen of whoever may read the database."""
        return replace(
            self, reason=tell(self.reason, self.names), notes=[tell(note, self.names) for note in self.notes]
        )

    def to_json(self) -> dict[str, Any]:
        """In JSON's own types, without the plan and without names."""
        return {
            "run_id": self.run_id,
            "task": self.task,
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "counts": dict(self.counts),
            "notes": list(self.notes),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at and self.finished_at.isoformat(),
            "seconds": self.seconds,
            "undo_pruned_at": self.undo_pruned_at and self.undo_pruned_at.isoformat(),
            "host": self.host,
            "pid": self.pid,
            "fence": self.fence,
        }


def row_of(record: RunRecord) -> dict[str, Any]:
    """A run as a row of the table, without its id."""
    return {
        "task": record.task,
        "message_id": record.message_id,
        "kind": record.kind,
        "status": record.status,
        "reason": schema.storable(record.reason),
        "counts": json.dumps(dict(record.counts), sort_keys=True),
        "notes": json.dumps([schema.storable(note) for note in record.notes], ensure_ascii=False),
        "names": _dumped(record.names),
        "fence": record.fence,
        "host": record.host,
        "pid": record.pid,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
    }


def record_of(row: RowMapping) -> RunRecord:
    """A row of the table as a run.

    Raises:
        StateError: it cannot be read.
    """
    fields = {name: row[name] for name in row if name not in {"id", "counts", "notes", "names"}}
    try:
        counts, notes = json.loads(row["counts"]), json.loads(row["notes"])
        names = {(side, one): Name(title) for side, one, title in json.loads(row["names"] or "[]")}
    except ValueError as error:
        raise StateError(f"run {row['id']} of the history cannot be read: {error}") from error
    return RunRecord(run_id=row["id"], counts=counts, notes=notes, names=names, **fields)


def _dumped(names: Names) -> str | None:
    rows = [[side, obj_id, schema.storable(name.title)] for (side, obj_id), name in names.items()]
    return json.dumps(rows, ensure_ascii=False) if rows else None
