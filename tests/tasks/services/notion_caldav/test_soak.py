"""People edit a real calendar and its Notion database while answers are lost and writes fail; nothing is lost.

`LOCKSTEP_CALDAV_SOAK_SEEDS` is the number of soaks, and `LOCKSTEP_CALDAV_SOAK_ROUNDS` how long one is.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tasks.engine.report import Order, RunReport
from tasks.errors import TaskError
from tasks.journal.file import FileJournal
from tests.tasks.services.caldav.quirky import Message, Quirky, quirky
from tests.tasks.services.notion_caldav.place import ATTR_MAP, Place, page

SEEDS = int(os.environ.get("LOCKSTEP_CALDAV_SOAK_SEEDS", "2"))
ROUNDS = int(os.environ.get("LOCKSTEP_CALDAV_SOAK_ROUNDS", "8"))
pytestmark = pytest.mark.timeout(7200)

#: By Notion's name, the calendar's.
FIELDS = {"Notes": "description", "Link": "url"}


@dataclass
class Weather:
    """What goes wrong on the way to the calendar."""

    random: Random
    share: float = 0.15
    hit: Counter[str] = field(default_factory=Counter)

    def asked(self, request: Message) -> Message | None:
        """A request that does not arrive."""
        if request.method == "OPTIONS" or self.random.random() >= self.share / 2:
            return None
        self.hit[f"{request.method} not arrived"] += 1
        return replace(request, headers={}, body=b"", status=500)

    def answered(self, request: Message, answer: Message) -> None:
        """One that arrives, and whose answer is lost."""
        if self.random.random() < self.share / 2:
            self.hit[f"{request.method} not answered"] += 1
            answer.status, answer.body = 500, b""


@dataclass
class Town:
    """What people typed, each value once."""

    people: Place
    synced: Place
    random: Random
    #: By title and field, every value in its order.
    typed: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    deleted: set[str] = field(default_factory=set)
    ahead: timedelta = timedelta(0)
    number: int = 0

    def value(self, name: str, attribute: str) -> str:
        self.number += 1
        self.typed[name, attribute].append(f"https://x.example/{self.number}/")
        return self.typed[name, attribute][-1]

    async def add(self) -> None:
        self.number += 1
        name = f"thing {self.number} 🎉, with; signs"
        notes = self.value(name, "Notes")
        if self.random.random() < 0.5:
            await self.people.make_todo(summary=name, description=notes)
        else:
            await self.people.person.make_page(self.people.source, **page(name, Notes=_text(notes)))

    async def edit(self) -> None:
        rows, todos = await self.people.rows(), await self.people.todos()
        attribute = self.random.choice(list(FIELDS))
        if self.random.random() < 0.5 and rows:
            name = self.random.choice(sorted(rows))
            new = self.value(name, attribute)
            await self.people.person.edit(rows[name]["id"], **{attribute: _shown(attribute, new)})
        elif todos:
            name = self.random.choice(sorted(todos))
            await self.people.edit_todo(name, **{FIELDS[attribute]: self.value(name, attribute)})

    async def delete(self) -> None:
        rows, todos = await self.people.rows(), await self.people.todos()
        both = sorted(rows.keys() & todos.keys())
        if len(both) > 3:
            name = self.random.choice(both)
            self.deleted.add(name)
            at_calendar = self.random.random() < 0.5
            for one, theirs in FIELDS.items():  # what only the deleted one shows goes by its author's will
                here, there = rows[name][one], todos[name].values[theirs]
                only = (there if at_calendar else here) if here != there else None
                self.typed[name, one] = [value for value in self.typed[name, one] if value != only]
            if at_calendar:
                await self.people.delete_todo(name)
            else:
                await self.people.person.patch_page(rows[name]["id"], {"in_trash": True})

    async def run(self) -> RunReport | None:
        """A run, an hour later than the one before; none where it broke off."""
        self.ahead += timedelta(hours=1)
        order = Order(clock=lambda: datetime.now(UTC) + self.ahead)
        task = self.synced.task(ATTR_MAP)
        task.delete_share = task.change_share = 1.0
        try:
            return await task.run(FileJournal(self.people.folder / "todos.json"), order=order)
        except TaskError:
            return None

    async def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        rows, todos = await self.people.rows(), await self.people.todos()
        assert len(todos) == len({todo.href for todo in todos.values()})
        return (
            {name: tuple(row[one] or "" for one in FIELDS) for name, row in rows.items()},
            {name: tuple(todo.values[one] or "" for one in FIELDS.values()) for name, todo in todos.items()},
        )


def _text(value: str) -> dict[str, Any]:
    return {"rich_text": [{"text": {"content": value}}]}


def _shown(attribute: str, value: str) -> dict[str, Any]:
    return _text(value) if attribute == "Notes" else {"url": value}


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost(place: Place, seed: int) -> None:
    random = Random(seed)
    async with quirky(place.radicale) as server:
        town = Town(place, replace(place, calendar_url=server.at(place.calendar_url)), random)
        hit = await _live(town, server)
        for _ in range(6):
            report = await town.run()
        assert report is not None
        assert (report.status, +report.outcome.counts) == ("succeeded", {}), report.reason
        rows, todos = await town.state()
        assert rows == todos
        ledger = place.folder / "todos.conflicts.jsonl"
        kept = ledger.read_text() if ledger.exists() else ""
        for (name, attribute), values in town.typed.items():
            if name in rows:
                shown = rows[name][list(FIELDS).index(attribute)]
                assert shown in values or not values
                later = values[values.index(shown) + 1 :] if values else []
                assert not [value for value in later if value not in kept], (name, attribute)
            else:
                assert name in town.deleted
        assert hit.keys() & {"PUT not arrived", "PUT not answered"}


async def _live(town: Town, server: Quirky) -> Counter[str]:
    """Some rounds of edits and runs in bad weather; what went wrong."""
    weather = Weather(town.random)
    for number in range(ROUNDS):
        server.asked, server.answered = lambda request: None, lambda request, answer: None
        for _ in range(5 if number == 0 else 1):
            await town.add()
        for _ in range(3):
            await town.edit()
        if number % 3 == 2:
            await town.delete()
        server.asked, server.answered = weather.asked, weather.answered
        await town.run()
    server.asked, server.answered = lambda request: None, lambda request, answer: None
    return weather.hit
