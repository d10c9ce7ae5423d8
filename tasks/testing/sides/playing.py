"""Random edits by two people, against a plain account of what should be there."""

from __future__ import annotations

from random import Random
from typing import Any

from tasks.errors import ItemError
from tasks.testing.sides.changing import cursor_of, judge
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Seen, Trial
from tasks.testing.sides.tried import NAMES
from tasks.testing.wording import listed

#: Objects that are there at once, at most.
MANY = 6
#: How many edits go by between two looks at the changes, at most.
EDITS = 4


class Game:
    """Random edits through both instances; each step is compared with the account."""

    def __init__(self, trial: Trial, rng: Random) -> None:
        self.trial = trial
        self.rng = rng
        self.account: dict[str, Seen] = {}
        #: What was touched and what was deleted since the cursor.
        self.touched: set[str] = set()
        self.gone: set[str] = set()

    async def play(self, steps: int) -> None:
        """So many edits."""
        cursor = await cursor_of(self.trial)
        others = await self.trial.all()
        for _ in range(steps):
            del self.trial.told[:-4]
            await self._step()
            await self._compare(others)
            if cursor is not None and self.rng.random() < 1 / EDITS:
                cursor = await judge(self.trial, cursor, touched=self.touched, gone=self.gone)
                self.touched, self.gone = set(), set()

    async def _step(self) -> None:
        by = self.rng.choice([self.trial.side, self.trial.second or self.trial.side])
        what = self.rng.choice(["make", "change", "change", "change", "remove"])
        if not self.account or (what == "make" and len(self.account) < MANY):
            await self._make(by)
            return
        obj_id = self.rng.choice(sorted(self.account))
        seen = await self.trial.find(obj_id, by=by)
        if seen is None:
            self.trial.must(Rule.LIST, False, f"{obj_id} is not listed through one of two instances")
            return
        if what == "remove":
            await self.trial.remove(seen, by=by)
            del self.account[obj_id]
            self.touched.discard(obj_id)
            self.gone.add(obj_id)
            return
        changes = self._values(self.rng.randint(1, 3))
        try:
            now = await self.trial.change(seen, changes, by=by)
        except ItemError:
            return  # nothing is written then; the account says so
        self._judge(changes, seen, now)
        self.account[obj_id] = now
        if now != seen:  # what shows that already need not be written, nor be told
            self.touched.add(obj_id)

    async def _make(self, by: Any) -> None:
        number = self.rng.randrange(NAMES)
        values = self._values(len(self.trial.samples.tried))
        values.pop(self.trial.samples.key, None)
        seen = await self.trial.make(number, values, by=by)
        for name, value in values.items():
            self.trial.must(
                Rule.CREATE_AS_GIVEN,
                self.trial.equal(name, value, seen.values[name]),
                f"{self.trial.name('create')} was given {listed(values)}, and shows {listed(seen.values)}",
            )
        self.account[seen.id] = seen
        self.touched.add(seen.id)

    def _values(self, count: int) -> dict[str, Any]:
        samples = self.trial.samples
        pool = {**{name: one.usual for name, one in samples.tried.items()}, samples.key: samples.names}
        names = self.rng.sample(sorted(pool), min(count, len(pool)))
        return {name: self.rng.choice(pool[name]) for name in names}

    def _judge(self, changes: dict[str, Any], before: Seen, now: Seen) -> None:
        for name, value in now.values.items():
            rule = Rule.UPDATE_SEVERAL if name in changes else Rule.UPDATE_ONLY
            wanted = changes.get(name, before.values[name])
            self.trial.must(
                rule,
                self.trial.equal(name, wanted, value),
                f"{self.trial.name('update')} of {listed(changes)} leads from {listed(before.values)} to "
                f"{listed(now.values)}",
            )

    async def _compare(self, others: dict[str, Seen]) -> None:
        now = await self.trial.all()
        wanted = {**others, **self.account}
        lost = sorted(wanted.keys() - now.keys())
        self.trial.must(
            Rule.LIST, not lost, f"{lost and lost[0]} is not listed any more, and nobody deleted it"
        )
        extra = sorted(now.keys() - wanted.keys())
        self.trial.must(
            Rule.DELETE, not extra, f"{extra and extra[0]} is listed, which nobody made or which was deleted"
        )
        for obj_id, seen in self.account.items():
            self.trial.must(
                Rule.UPDATE_ONLY,
                now[obj_id] == seen,
                f"{obj_id} shows {listed(now[obj_id].values)}, and was last seen with {listed(seen.values)}",
            )
