"""How often what happened in runs, counted in the transaction that enters a run's end: nothing is counted twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.store import schema
from worker.store.database import Database
from worker.store.tables.run_record import RunRecord

#: Seconds at which durations are told apart, beside those that are longer.
BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
#: The reason of a run that was skipped because another one held its node begins so.
BUSY = "node "
#: Counts of a run that are no actions.
NO_ACTIONS = frozenset({"in_step", "conflicts"})

_RUN, _ITEM, _SLOT, _SECONDS, _BUSY, _CONFLICTS = "run:", "item:", "slot:", "seconds", "busy", "conflicts"


@dataclass(slots=True)
class Tally:
    """What happened in the runs of one task."""

    #: Ends, by status.
    runs: dict[str, int] = field(default_factory=dict)
    #: What was done, by kind.
    items: dict[str, int] = field(default_factory=dict)
    #: Durations by the place of their bucket; the last place is for what is longer than all of them.
    slots: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    busy: int = 0
    conflicts: int = 0


class Tallies:
    """Reading the table `tally`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def all(self) -> Mapping[str, Tally]:
        """All that is counted, by task."""
        found: dict[str, Tally] = defaultdict(Tally)
        with self._store.read() as connection:
            for task, name, value in connection.execute(select(schema.tally)):
                _take(found[task], name, value)
        return found


def _take(tally: Tally, name: str, value: float) -> None:
    kind, _, rest = name.partition(":")
    match f"{kind}:":
        case "run:":
            tally.runs[rest] = int(value)
        case "item:":
            tally.items[rest] = int(value)
        case "slot:":
            tally.slots[int(rest)] = int(value)
        case "seconds:":
            tally.seconds = value
        case "busy:":
            tally.busy = int(value)
        case "conflicts:":
            tally.conflicts = int(value)


def count_run(connection: Connection, record: RunRecord) -> None:
    """Count the end of a run."""
    counted: dict[str, float] = {f"{_RUN}{record.status}": 1}
    if record.status == "skipped":
        if record.reason.startswith(BUSY):
            counted[_BUSY] = 1
    elif record.seconds is not None:
        seconds = max(record.seconds, 0.0)
        place = next((place for place, most in enumerate(BUCKETS) if seconds <= most), len(BUCKETS))
        counted |= {f"{_SLOT}{place}": 1, _SECONDS: seconds}
    for kind, number in record.counts.items():
        if number > 0 and kind not in NO_ACTIONS and not kind.startswith("planned_"):
            counted[f"{_ITEM}{kind}"[:100]] = number
    if record.counts.get("conflicts"):
        counted[_CONFLICTS] = record.counts["conflicts"]
    _add(connection, record.task, counted)


def count_ends(connection: Connection, task: str, status: str, number: int) -> None:
    """Count runs that ended without a record of their own."""
    if number > 0:
        _add(connection, task, {f"{_RUN}{status}": number})


def _growing(dialect: Any) -> Any:
    row = dialect.insert(schema.tally)
    return row.on_conflict_do_update(
        index_elements=[schema.tally.c.task, schema.tally.c.name],
        set_={"value": schema.tally.c.value + row.excluded.value},
    )


_GROWS = {"postgresql": _growing(postgresql), "sqlite": _growing(sqlite)}


def _add(connection: Connection, task: str, counted: Mapping[str, float]) -> None:
    # In one order, so that two that count for one task wait for each other and do not lock each other out.
    rows = [{"task": task, "name": name, "value": counted[name]} for name in sorted(counted)]
    connection.execute(_GROWS[connection.dialect.name], rows)
