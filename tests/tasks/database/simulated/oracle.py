"""What must hold at the end, judged from the users' own edits alone."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Oracle:
    """Keeps every value that a user wrote, when by that node's clock, and what the user saw instead."""

    written: dict[tuple[str, str, str], list[tuple[int, str | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    deleted: dict[tuple[str, str], int] = field(default_factory=dict)
    deletions: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    seen_gone: set[str] = field(default_factory=set)
    ledger: set[str] = field(default_factory=set)

    def edit(
        self,
        label: str,
        key: str,
        fields: dict[str, str | None],
        stamp: int,
        shown: dict[str, Any] | None,
    ) -> None:
        for name, value in fields.items():
            self.written[label, key, name].append((stamp, value))
            if shown and shown.get(name) is not None:
                self.seen_gone.add(shown[name])

    def delete(self, label: str, key: str, stamp: int, shown: dict[str, Any]) -> None:
        self.deletions[label, key].append(stamp)
        self.deleted[label, key] = max(stamp, self.deleted.get((label, key), 0))
        self.seen_gone.update(value for value in shown.values() if isinstance(value, str))

    def restamp(
        self, label: str, key: str, stamps: dict[str, tuple[int, int]], taken: set[tuple[str, int]]
    ) -> None:
        """The stamps of a record were taken back on a node: each of `stamps` is before and after, "" the deletion's.

        Other nodes still have what they have `taken`; everything else was replaced, there or here.
        """

        def now(name: str, stamp: int) -> list[int]:
            before, after = stamps.get(name, (-1, -1))
            kept = [stamp] if (name, stamp) in taken else []
            return [*kept, after] if stamp == before else kept

        for place, values in self.written.items():
            if place[:2] == (label, key):
                values[:] = [(stamp, value) for old, value in values for stamp in now(place[2], old) or [0]]
        deletions = self.deletions[label, key]
        deletions[:] = [stamp for old in deletions for stamp in now("", old)]
        self.deleted[label, key] = max(deletions, default=-1)

    def conflict(self, entry: Any) -> None:
        for found in entry.conflict.field_conflicts:
            self.ledger.update({str(found.local_value), str(found.remote_value)})
        if not entry.conflict.field_conflicts:
            for record in (entry.conflict.local, entry.conflict.remote):
                if record is not None:
                    self.ledger.update(str(value) for value in record.data.values())

    def judge(self, states: dict[str, Any], *, by_time: bool, ledger: bool) -> list[str]:
        """Everything that is wrong; `by_time`: newer edits win everywhere, so the end is known exactly."""
        faults: list[str] = []
        first_name, first = next(iter(states.items()))
        faults += [
            f"{name} differs from {first_name}: {_difference(first, state)}"
            for name, state in states.items()
            if state != first
        ]
        live: dict[tuple[str, str, str], str] = {
            (label, key, name): value
            for label, records in first.items()
            for key, (data, _) in records.items()
            for name, value in data.items()
        }
        shown = set(live.values())
        for place, values in sorted(self.written.items()):
            for stamp, value in values:
                if value is None:  # one NULL is like the other
                    continue
                if ledger and value not in shown and value not in self.seen_gone and value not in self.ledger:
                    faults.append(f"lost: {value} of {place}, written at {stamp}")
        if by_time:
            faults += self._exact(first, live)
        return faults

    def _exact(self, state: dict[str, Any], live: dict[tuple[str, str, str], str]) -> list[str]:
        faults: list[str] = []
        newest: dict[tuple[str, str], int] = defaultdict(int)
        for (label, key, _), values in self.written.items():
            newest[label, key] = max(newest[label, key], *(stamp for stamp, _ in values))
        for (label, key), stamp in sorted(newest.items()):
            gone_at = self.deleted.get((label, key), -1)
            if (stamp > gone_at) != (key in state[label]):
                faults.append(
                    f"{label} {key}: edited at {stamp}, deleted at {gone_at}, there: {key in state[label]}"
                )
        for (label, key, name), values in sorted(self.written.items()):
            if key not in state[label]:
                continue
            stamp, value = max(
                values, key=lambda found: (found[0], found[1] is not None, json.dumps(found[1]))
            )
            if stamp > self.deleted.get((label, key), -1) and live.get((label, key, name)) != value:
                faults.append(
                    f"{label} {key} {name}: shows {live.get((label, key, name))}, newest is {value}"
                )
        return faults


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    return "; ".join(
        f"{label} {key}: {one[label].get(key)} and {other[label].get(key)}"
        for label in one
        for key in sorted(one[label].keys() | other[label].keys())
        if one[label].get(key) != other[label].get(key)
    )
