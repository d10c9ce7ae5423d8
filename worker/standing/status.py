"""What is known of all tasks and processes, before it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from worker.lock import SessionRecord
from worker.pool.holds import Held
from worker.rate_limit import BudgetUse
from worker.schedule.overbooking import Overbooking
from worker.signs import Signs
from worker.standing import judgement
from worker.standing.judgement import Next, Standing, State, Trouble
from worker.store import RunRecord
from worker.telling.exit_codes import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class InRedis:
    """What is known of the present."""

    #: `None` where Redis does not answer.
    signs: Signs | None = None
    #: Sessions that hold a node now, by its name.
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)
    budgets: list[BudgetUse] = field(default_factory=list)
    #: How many turns in a row of which entry were left out, and when its last turn was claimed.
    left_out: Mapping[str, int] = field(default_factory=dict)
    claimed: Mapping[str, datetime] = field(default_factory=dict)
    #: Tasks whose coroutines held a worker's event loop.
    holds: list[Held] = field(default_factory=list)
    #: Why it is not known.
    trouble: str | None = None
    #: Whether there is a Redis at all; else nothing but `lockstep run` can have run anything.
    exists: bool = True
    #: Where it is, without a login.
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task as it is shown."""

    standing: Standing
    #: How it goes, in a word.
    state: State
    #: Every edit older than this is on both sides, or in the ledger; `None` before a run has succeeded.
    lag: timedelta | None
    #: The newest run that was not skipped.
    last: RunRecord | None
    next: Next
    session: SessionRecord | None
    left_out: int
    links: int
    #: In the ledger, and not marked as seen by anybody.
    conflicts: int
    held: int
    quarantined: int
    #: To which of several Redis servers it belongs; `None` where there is only one.
    shard: int | None = None

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        session = self.session
        return {
            "task": self.standing.name,
            "schedule": str(self.standing.schedule),
            "state": self.state,
            "lag_seconds": self.lag and round(self.lag.total_seconds(), 1),
            "last_success": self.standing.succeeded and self.standing.succeeded.finished_at,
            "runs": self.standing.ran,
            "last_run": self.last and self.last.to_json(),
            "next_run": self.next.at,
            "no_next_run": self.next.why_not or None,
            "paused": self.standing.pause and self.standing.pause.to_json(),
            "turns_left_out": self.left_out,
            "running": session
            and {
                "session_id": session.session_id,
                "phase": session.phase,
                "host": session.host,
                "pid": session.pid,
                "started_at": session.started_at,
                "beat_at": session.beat_at,
            },
            "links": self.links,
            "conflicts": self.conflicts,
            "held": self.held,
            "quarantined": self.quarantined,
            "shard": self.shard,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that is known."""

    rows: list[TaskRow]
    present: InRedis
    #: Tasks that are not defined any more, with the number of their links.
    gone: Mapping[str, int]
    pruned: RunRecord | None
    overbooked: Overbooking | None
    #: Where scheduler and workers have read something else: task and sentence.
    differences: list[tuple[str, str]]
    #: Why the database takes no writes.
    refusal: str | None
    troubles: list[Trouble]
    #: Why a broker beside Redis cannot be used.
    broker: str | None = None
    #: What each of several Redis servers knows; `present` has it all together.
    shards: Sequence[InRedis] = ()

    @property
    def parts(self) -> Sequence[InRedis]:
        """What each Redis server knows, also where there is only one."""
        return self.shards or (self.present,)

    @property
    def code(self) -> ExitCode:
        """That of the worst."""
        return judgement.worst(self.troubles)

    @property
    def warnings(self) -> list[str]:
        """What is no trouble yet, but for monitoring a warning."""
        names = ", ".join(sorted({name for name, _ in self.differences}))
        found = [f"scheduler or workers have read something else: {names}"] if names else []
        return found if self.overbooked is None else [*found, str(self.overbooked)]

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        signs = self.present.signs
        return {
            "schedulers": signs and [sign.to_json() for sign in signs.schedulers],
            "workers": signs and [sign.to_json() for sign in signs.workers],
            "tasks": [row.to_json() for row in self.rows],
            "differences": [{"task": name, "text": text} for name, text in self.differences],
            "not_defined_any_more": list(self.gone),
            "pruned": self.pruned and self.pruned.to_json(),
            "overbooked": self.overbooked and asdict(self.overbooked),
            "budgets": [budget.to_json() for budget in self.present.budgets],
            "holds": [held.to_json() for held in self.present.holds],
            "shards": [
                {
                    "shard": number,
                    "redis": part.address,
                    "schedulers": part.signs and len(part.signs.living_schedulers),
                    "workers": part.signs and len(part.signs.living_workers),
                    "unknown": part.trouble,
                }
                for number, part in enumerate(self.shards)
            ],
            "running_unknown": self.present.trouble,
            "database_refuses": self.refusal,
            "troubles": [
                {"task": trouble.task, "text": trouble.text, "exit_code": int(trouble.code)}
                for trouble in self.troubles
            ],
            "exit_code": int(self.code),
        }
