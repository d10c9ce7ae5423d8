"""Days in which people edit on both sides while Google misbehaves; in the end both are equal, and nothing is lost.

Each attribute is edited on one side only, so that what must stand in the end is known without any rule for conflicts.
`LOCKSTEP_SOAK_SEEDS` is the number of days.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from sandbox.google_tasks import Fault
from tasks.services.google_tasks import login, task_list
from tests.tasks.services.notion_google_tasks.place import FULL_EVERY, Place

SEEDS = int(os.environ.get("LOCKSTEP_SOAK_SEEDS", "2"))
ROUNDS = 14

pytestmark = pytest.mark.timeout(7200)

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"status": 429, "times": 2},
    "429 for long": {"status": 429, "times": 30},
    "user's quota": {"status": 403, "reason": "userRateLimitExceeded"},
    "500": {"status": 500},
    "500, applied": {"status": 500, "applied": True},
    "502": {"status": 502, "html": True},
    "503 for long": {"status": 503, "times": 30},
    "drop": {"drop": True},
    "drop, applied": {"drop": True, "applied": True},
    "cut": {"cut": True},
    "a login that ran out": {"status": 401},
    "no further pages": {"last_page": True, "method": "GET"},
}
#: Which side edits which attribute of any thing.
OF_NOTION, OF_GOOGLE = ("Task", "Notes"), ("Due", "Status")


@dataclass
class Day:
    """What people did, and what must stand for it."""

    place: Place
    chance: Random
    #: What every living thing must show in the end, by its row and its task once they are known.
    things: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0
    reached: Counter[str] = field(default_factory=Counter)

    def number(self) -> int:
        self.made += 1
        return self.made

    def add(self) -> None:
        number = self.number()
        title = f"thing {number}"
        if self.chance.random() < 0.5:
            self.place.add_row(title, Notes=f"n{number}", Status="Not started")
            self.things.append({"Task": title, "Notes": f"n{number}", "Due": None, "Status": "Not started"})
            self.reached["add in Notion"] += 1
        else:
            self.place.add_task(title, due=f"2026-01-{1 + number % 28:02d}T00:00:00Z")
            due = f"2026-01-{1 + number % 28:02d}"
            self.things.append({"Task": title, "Notes": "", "Due": due, "Status": "Not started"})
            self.reached["add in Google"] += 1

    def edit(self, thing: dict[str, Any]) -> None:
        name, number = self.chance.choice((*OF_NOTION, *OF_GOOGLE)), self.number()
        row = next((one for one in self.place.rows() if one["Task"] == thing["Task"]), None)
        task = next((one for one in self.place.tasks() if one["title"] == thing["Task"]), None)
        if name in OF_NOTION and row is not None:
            value = f"{'thing' if name == 'Task' else 'n'} {number}"
            self.place.edit_row(row["id"], **{name: value})
            if name == "Task" and task is None:
                self.reached["renamed before it crossed"] += 1
        elif name == "Due" and task is not None:
            value = f"2026-02-{1 + number % 28:02d}"
            self.place.edit_task(task["id"], due=f"{value}T00:00:00Z")
        elif name == "Status" and task is not None:
            value = self.chance.choice(("Not started", "Done"))
            self.place.edit_task(task["id"], status="completed" if value == "Done" else "needsAction")
        else:
            return
        thing[name] = value
        self.reached[f"edit of {name}"] += 1

    def delete(self, thing: dict[str, Any]) -> None:
        task_id = self.place.listed_task(thing["Task"])["id"]
        # In Google's own apps, subtasks go with the task above them: then somebody deleted them, too.
        is_over = any(one.get("parent") == task_id for one in self.place.tasks())
        if is_over or self.chance.random() < 0.5:
            self.place.person.trash(self.place.row(thing["Task"])["id"])
            self.reached["delete in Notion"] += 1
        else:
            self.place.google.account.delete(task_id)
            self.reached["delete in Google"] += 1
        self.things.remove(thing)

    def nest(self) -> None:
        """Somebody puts a task below another one, which no attribute that is synced tells."""
        tasks = [one for one in self.place.tasks() if "hidden" not in one]
        over, under = self.chance.sample(tasks, 2)
        if "parent" not in over and not [one for one in tasks if one.get("parent") == under["id"]]:
            self.place.google.account.move(under["id"], parent=over["id"])
            self.reached["nest"] += 1

    def misbehave(self) -> None:
        for name in self.chance.sample(sorted(FAULTS), 2):
            skip = self.chance.randrange(6)
            method = self.chance.choice(("", "", "POST", "PATCH", "DELETE", "GET"))
            fault = {"method": method, **FAULTS[name], "skip": skip}
            self.place.google.faults.add(Fault(**fault))
            self.reached[f"fault {name}"] += 1

    async def live(self) -> None:
        for _ in range(6):
            self.add()
        calm = False
        for _ in range(ROUNDS):
            self.place.pass_time(timedelta(minutes=7))
            # What was edited since the last good run is left alone: an edit would beat the deletion.
            untouched = list(self.things) if calm else []
            for _ in range(self.chance.randrange(5)):
                match self.chance.choice(("add", "edit", "edit", "edit", "delete", "clear", "nest")):
                    case "add":
                        self.add()
                    case "delete" if len(untouched) > 5:
                        thing = self.chance.choice(untouched)
                        untouched.remove(thing)
                        self.delete(thing)
                    case "clear":
                        self.place.google.account.clear()
                        self.reached["clear"] += 1
                    case "nest" if len(self.place.tasks()) > 3:
                        self.nest()
                    case _:
                        thing = self.chance.choice(self.things)
                        if thing in untouched:
                            untouched.remove(thing)
                        self.edit(thing)
            self.place.google.faults.clear()
            if self.chance.random() < 0.7:
                self.misbehave()
            calm = await self.place.tried()
            self.reached["good run" if calm else "bad run"] += 1

    async def settle(self) -> None:
        self.place.google.faults.clear()
        for number in range(12):
            report = await self.place.run()
            # Where a listing of changes was cut off unseen, only the next full one shows what it lacked.
            if number > FULL_EVERY and report.status == "succeeded" and not +report.outcome.counts:
                return
        raise AssertionError(
            f"it does not come to rest: {report.status} {report.reason} {report.outcome.counts}"
        )

    def judge(self) -> None:
        def key(one: dict[str, Any]) -> str:
            return str(one["Task"])

        rows = sorted(({name: row[name] for name in THING} for row in self.place.rows()), key=key)
        tasks = sorted((as_row(task) for task in self.place.tasks()), key=key)
        wanted = sorted(self.things, key=key)
        assert rows == wanted
        assert tasks == wanted


THING = ("Task", "Notes", "Due", "Status")


def as_row(task: dict[str, Any]) -> dict[str, Any]:
    due = task.get("due")
    return {
        "Task": task["title"],
        "Notes": task.get("notes", ""),
        "Due": due[:10] if due else None,
        "Status": "Done" if task["status"] == "completed" else "Not started",
    }


NEEDED = (
    "add in Notion", "add in Google", "delete in Notion", "delete in Google", "edit of Task", "edit of Notes",
    "edit of Due", "edit of Status", "clear", "nest", "good run", "bad run",
)  # fmt: skip


async def test_nothing_is_lost_in_days_of_edits_and_faults(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_list, "PAGE_SIZE", 4)
    monkeypatch.setattr(login, "DELAYS", (0.0, 0.0))
    reached: Counter[str] = Counter()
    for seed in range(SEEDS):
        place.google.clear()
        place.notion.clock.set(None)
        renew(place, seed)
        day = Day(place, Random(seed))
        try:
            await day.live()
            await day.settle()
            day.judge()
        except AssertionError as error:
            raise AssertionError(f"{error}\n(seed {seed}, {dict(day.reached)})") from error
        reached += day.reached
    assert not [name for name in NEEDED if not reached[name]], dict(reached)


def renew(place: Place, seed: int) -> None:
    """Another data source and login for each day."""
    import json

    from tests.tasks.services.notion_google_tasks.place import COLUMNS

    place.source = place.person.create_data_source(f"To-dos {seed}", COLUMNS)
    folder = place.token_file.parent / str(seed)
    folder.mkdir()
    kept = json.loads(place.token_file.read_text())
    place.token_file = folder / "token.json"
    place.token_file.touch(0o600)
    fresh = {"refresh_token": place.google.tokens.refresh_token(), "token": None, "expiry": None}
    place.token_file.write_text(json.dumps({**kept, **fresh}))
