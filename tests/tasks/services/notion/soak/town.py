"""An hour in which people edit both sides of a task, while the services misbehave and runs go on each minute."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tasks.engine.report import Order
from tasks.errors import ItemError, OutcomeUnknownError, SideError
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.values.date_range import DateRange
from tests.harness.stores import new_store
from tests.tasks.services.notion.soak.diary import Diary
from tests.tasks.services.notion.soak.ends import Paced, SoakTask
from tests.tasks.services.notion.soak.hands import ATTRS, TYPED, NotionHand, PlainHand
from tests.tasks.services.notion.virtual_time import VirtualTime
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store

#: What is asked of a workspace to do to one request; those with `applied` are for writes.
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"status": 429, "retry_after": 7},
    "429 for a minute": {"status": 429, "retry_after": 61},
    "429 for no time": {"status": 429},
    "409": {"status": 409},
    "500": {"status": 500},
    "500, applied": {"status": 500, "applied": True},
    "502": {"status": 502, "html": True},
    "503": {"status": 503},
    "504, applied": {"status": 504, "applied": True},
    "529": {"status": 529, "retry_after": 5},
    "drop": {"drop": True},
    "drop, applied": {"drop": True, "applied": True},
    "forgotten cursors": {"forget_cursors": True, "method": "POST", "path": "/v1/data_sources/"},
    "404": {"status": 404, "method": "GET", "path": "/v1/pages"},
}
WRITES = (("POST", "/v1/pages"), ("PATCH", "/v1/pages"))
ANY = ("", "/v1/")
#: How often people do what, on either side.
MOVES = {"edit": 12, "clash": 2, "add": 3, "delete": 2, "restore": 2, "hide": 1, "format": 2, "rename": 1}
AREAS = ("Home", "Work", "Club", "Farm")


@dataclass
class Town:
    """People on both sides, the task between them, and what is written down of it all."""

    chance: Random
    time: VirtualTime
    hands: dict[str, NotionHand | PlainHand]
    task: SoakTask
    store: Store
    diary: Diary = field(default_factory=Diary)
    reached: Counter[str] = field(default_factory=Counter)
    locks: MemoryLockStore = field(default_factory=MemoryLockStore)
    made: int = 0
    #: Whether services misbehave and people get in between.
    rough: bool = True
    #: Whether somebody acts now, who is not to be disturbed in turn.
    busy: bool = False
    acting: asyncio.Future[None] | None = None
    records: list[RunRecord] = field(default_factory=list)
    #: Objects of a plain service of which no run knows whether its last write arrived.
    unproved: set[str] = field(default_factory=set)

    @property
    def typed(self) -> list[str]:
        """Attributes of which every value is typed once only."""
        return [attr for attr in self.task.attrs.values() if attr in (*TYPED, "text")]

    def of_notion(self) -> list[tuple[str, NotionHand]]:
        return [(side, hand) for side, hand in self.hands.items() if isinstance(hand, NotionHand)]

    # -- people -----------------------------------------------------------------------------------------------

    def fresh(self, attr: str) -> Any:
        """A value that nobody ever typed, where the attribute has that many."""
        self.made += 1
        if attr == "effort":
            return self.made
        if attr == "area":
            return self.chance.choice(AREAS)
        if attr == "done":
            return self.chance.random() < 0.5
        if attr == "due":
            return self.period()
        if attr == "text":
            return f"# Plan {self.made}\n- *first* 🎨\n- second"
        return f"{attr} {self.made} 🎨"

    def period(self) -> DateRange:
        """Days or moments, with an end or without, that nobody ever typed."""
        start = date(2026, 1, 1) + timedelta(days=self.made)
        if self.chance.random() < 0.5:
            return DateRange(
                start, start + timedelta(days=self.chance.randrange(3)) if self.made % 2 else None
            )
        moment = datetime(start.year, start.month, start.day, self.chance.randrange(24), 30, tzinfo=UTC)
        return DateRange(
            moment, moment + timedelta(hours=self.chance.randrange(30)) if self.made % 2 else None
        )

    async def move(self, kind: str = "", only: str = "", apart_from: Sequence[str] = ()) -> None:
        """Somebody does something, mostly on a side drawn by lot."""
        side = self.chance.choice(list(self.hands))
        hand = self.hands[side]
        kind = kind or self.chance.choices(list(MOVES), list(MOVES.values()))[0]
        shown = await hand.shown()
        if only and only not in shown:  # and any other row may just be written, without another look at it
            return
        ids = [only] if only else sorted(shown)
        obj_id = self.chance.choice(ids) if ids else ""
        match kind:
            case "add":
                await self.add(side)
            case "rename":
                await self.rename()
            case "restore":
                await self.restore(side)
            case _ if not obj_id:
                return
            case "edit":
                attrs = [attr for attr in (*self.typed, "area", "done") if attr not in apart_from]
                await self.edit(side, obj_id, self.chance.choice(attrs))
            case "clash":
                await self.clash(side, obj_id)
            case "delete" if len(shown) > 12:
                await self.delete(side, obj_id)
            case "hide" if isinstance(hand, NotionHand) and side == "notion":
                await hand.edit(obj_id, "hidden", not shown[obj_id]["hidden"])
                self.reached["row moved out of the filter or back"] += 1
            case "format" if isinstance(hand, NotionHand):
                await self.format(side, hand, obj_id)

    async def add(self, side: str) -> None:
        self.made += 1
        key = f"k{self.made}"
        values = {attr: self.fresh(attr) for attr in (*self.typed, "area", "done")}
        obj_id = await self.hands[side].add({"key": key, **values})
        self.diary.write(self.time.passed, side, "add", key, value=values)
        self.reached[f"add in {side}"] += 1
        assert obj_id

    async def edit(self, side: str, obj_id: str, attr: str) -> None:
        hand = self.hands[side]
        saw = await hand.look(obj_id)
        if saw is None:
            return
        value = self.fresh(attr)
        await hand.edit(obj_id, attr, value)
        self.diary.write(self.time.passed, side, "edit", saw["key"], attr=attr, value=value, saw=saw)
        self.reached[f"edit in {side}"] += 1
        self.reached[f"{attr} edited in {side}"] += 1

    async def format(self, side: str, hand: NotionHand, obj_id: str) -> None:
        saw = await hand.look(obj_id)
        if saw is None:
            return
        text = self.fresh("notes") + "x"
        await hand.format(obj_id, text)
        self.diary.write(self.time.passed, side, "edit", saw["key"], attr="notes", value=text, saw=saw)
        self.reached["formatted text"] += 1

    async def clash(self, side: str, obj_id: str) -> None:
        """Two people edit one thing within the same minute, often the same attribute."""
        saw = await self.hands[side].look(obj_id)
        across = next(each for each in self.hands if each != side)
        there = await self.hands[across].shown()
        twins = [i for i, values in there.items() if saw is not None and values["key"] == saw["key"]]
        if not twins:
            return
        attr, other = (self.chance.choice(self.typed) for _ in range(2))
        await self.edit(side, obj_id, attr)
        await self.edit(across, twins[0], other)
        self.reached["same attribute on both sides" if attr == other else "two attributes of a thing"] += 1

    async def delete(self, side: str, obj_id: str) -> None:
        hand = self.hands[side]
        saw = await hand.look(obj_id)
        if saw is None:
            return
        across = next(each for each in self.hands if each != side)
        there = await self.hands[across].shown()
        twins = [i for i, values in there.items() if values["key"] == saw["key"]]
        twin = await self.hands[across].look(twins[0]) if twins else None
        if (
            obj_id in self.unproved
        ):  # it is made again then: nothing is lost, and the deletion has to be repeated
            twin = None
        await hand.delete(obj_id)
        self.diary.write(self.time.passed, side, "delete", saw["key"], saw=saw, across=twin)
        self.reached[f"delete in {side}"] += 1

    async def restore(self, side: str) -> None:
        hand = self.hands[side]
        if not isinstance(hand, NotionHand) or not hand.trashed:
            return
        obj_id = self.chance.choice(hand.trashed)
        await hand.restore(obj_id)
        saw = await hand.look(obj_id)
        assert saw is not None
        if hand.count(saw["key"]) > 1:  # it was made anew meanwhile, and nobody wants it twice
            await hand.delete(obj_id)
            return
        self.diary.write(self.time.passed, side, "restore", saw["key"], saw=saw)
        self.reached["restore"] += 1

    async def rename(self) -> None:
        _, hand = self.chance.choice(self.of_notion())
        self.made += 1
        if self.chance.random() < 0.5:
            await hand.rename_column(self.chance.choice(list(ATTRS.values())), f"Column {self.made}")
            self.reached["column renamed"] += 1
        elif await hand.rename_option(self.chance.choice(AREAS), f"Area {self.made}"):
            self.diary.renames.append(self.time.passed)
            self.reached["option renamed"] += 1

    # -- what goes wrong --------------------------------------------------------------------------------------

    async def meanwhile(self, method: str, path: str) -> None:
        """What happens while a request of the sync is on its way."""
        if self.rough and not self.busy:
            self.busy = True
            # A run that ends meanwhile does not stop a person half-way.
            self.acting = asyncio.ensure_future(self.act(method, path))
            await asyncio.shield(self.acting)

    async def act(self, method: str, path: str) -> None:
        try:
            page = path.split("/")[3] if path.startswith("/v1/pages/") else ""
            if method == "GET" and page and self.chance.random() < 0.15:
                # The row is read last before it is written; its content, where need be, just before that.
                row = path.count("/") == 3
                await self.move("edit", only=page, apart_from=["text"] if row else [])
                self.reached["edit between listing and writing"] += 1
            elif method == "POST" and path.endswith("/query") and self.chance.random() < 0.1:
                # A thing that is made anew at this moment may be back by hand: then it is there twice.
                kinds = {kind: often for kind, often in MOVES.items() if kind != "restore"}
                await self.move(self.chance.choices(list(kinds), list(kinds.values()))[0])
                self.reached["move while rows are listed"] += 1
            elif method == "PATCH" and self.chance.random() < 0.05:
                await self.move("add")
        finally:
            self.busy = False

    def disturb(self, kind: str) -> None:
        """A plain service fails before it does what it was asked for."""
        if not self.rough:
            return
        luck = self.chance.random()
        if luck < 0.02:
            self.reached["plain service down"] += 1
            raise SideError("the plain service is down")
        if kind != "list" and luck < 0.05:
            self.reached["plain write refused"] += 1
            raise ItemError("not now")
        if kind != "list" and luck < 0.08:
            self.reached["plain write without an answer"] += 1
            raise OutcomeUnknownError("no answer")

    def lose_answer(self, kind: str, obj_id: str) -> None:
        """A plain service did what it was asked for, and its answer is lost."""
        if self.rough and self.chance.random() < 0.05:
            self.reached["plain write applied without an answer"] += 1
            self.unproved.add(obj_id)
            raise OutcomeUnknownError(f"no answer to {kind} {obj_id}")

    async def arm(self) -> dict[str, list[str]]:
        """Let faults wait on the workspaces; what waits, by side."""
        waiting: dict[str, list[str]] = {}
        for side, hand in self.of_notion():
            for _ in range(self.chance.choice((0, 1, 1, 2, 3)) if self.rough else 0):
                name = self.chance.choice(list(FAULTS))
                fault = {"skip": self.chance.randrange(6), **FAULTS[name]}
                if "path" not in fault:
                    writes = fault.get("applied") or self.chance.random() < 0.5
                    fault["method"], fault["path"] = self.chance.choice(WRITES) if writes else ANY
                    fault["skip"] = self.chance.randrange(3) if writes else fault["skip"]
                await hand.person.arrange("POST", "faults", fault)
                waiting.setdefault(side, []).append(name)
            if not self.rough or self.chance.random() < 0.2:
                lag = self.chance.choice((0, 0, 20, 55)) if self.rough else 0
                await hand.person.arrange("POST", "index_lag", {"seconds": lag})
                self.reached["queries that lag"] += bool(lag)
        return waiting

    async def disarm(self, armed: dict[str, list[str]]) -> None:
        for side, hand in self.of_notion():
            left = [self.name_of(fault) for fault in (await hand.person.arrange("GET", "faults"))["faults"]]
            await hand.person.arrange("DELETE", "faults")
            hit = Counter(armed.get(side, []))
            hit.subtract(left)
            self.reached.update({f"fault {name}": times for name, times in hit.items() if times > 0})

    @staticmethod
    def name_of(fault: dict[str, Any]) -> str:
        told = {name: value for name, value in fault.items() if name not in ("skip", "times")}
        return next(
            name
            for name, doc in FAULTS.items()
            if all(told.get(key) == value for key, value in doc.items())
            and bool(told.get("applied")) == bool(doc.get("applied"))
            and told.get("retry_after") == doc.get("retry_after")
            and told.get("status", 0) == doc.get("status", 0)
        )

    # -- the sync ---------------------------------------------------------------------------------------------

    async def sync(self) -> RunRecord:
        """One run as a worker carries it out."""
        armed = await self.arm()
        lock = MemorySyncLock(self.locks)
        try:
            order = Order(clock=self.time.now)
            record = await run_session(self.task, store=self.store, lock=lock, order=order)
        finally:
            lock.close()
        if self.acting is not None:
            await self.acting
        await self.disarm(armed)
        assert record.status != "skipped", record.reason
        self.records.append(record)
        if record.status == "succeeded":
            self.unproved.clear()
        self.reached[f"run {record.status}"] += 1
        for kind, times in record.counts.items():
            self.reached[f"{kind}"] += times
        return record

    async def live(self, seconds: float) -> None:
        """Let so much time pass, with a run about each minute."""
        end = self.time.passed + seconds
        while self.time.passed < end:
            for _ in range(self.chance.choice((0, 1, 2, 3, 4))):
                await self.move()
                self.time.advance(self.chance.choice((0.5, 3, 20)))
            await self.sync()
            self.time.advance(self.chance.uniform(20, 60))

    async def calm(self) -> None:
        """A run that nothing disturbs."""
        self.rough = False
        assert (await self.sync()).status == "succeeded"
        self.rough = True

    async def settle(self) -> None:
        """Everybody rests, hidden rows come back, and a few runs follow."""
        self.rough = False
        for _, hand in self.of_notion():
            for obj_id, values in (await hand.shown()).items():
                if values["hidden"]:
                    await hand.edit(obj_id, "hidden", False)
        for _ in range(6):
            self.time.advance(2 * 86400)
            record = await self.sync()
            assert record.status == "succeeded", record.reason
        writes = {
            kind for kind in record.counts if kind.rpartition("_")[2] in ("created", "updated", "deleted")
        }
        assert not writes, f"something is written still: {record.counts}"

    def ledger(self) -> set[tuple[str, Any]]:
        """Attributes and values of all conflicts."""
        kept: set[tuple[str, Any]] = set()
        for conflict in self.store.conflicts.list(self.task.name, limit=100_000):
            attribute = conflict.entry.attribute
            for version in conflict.entry.versions:
                if attribute is not None:
                    kept.add((self.task.attrs[attribute], version.value))
                else:
                    kept |= {(self.task.attrs[name], one) for name, one in (version.value or {}).items()}
        return kept

    async def judge(self) -> None:
        """Compare both sides with what people did."""
        ends = {side: await hand.whole() for side, hand in self.hands.items()}
        wrong = self.diary.judge(ends["notion"], ends["other"], self.ledger())
        for side, hand in self.of_notion():
            for (obj_id, text), runs in hand.formatted.items():
                if ends[side].get(obj_id, {}).get("notes") == text and await hand.runs(obj_id) != runs:
                    wrong.append(f"the formatting of {text!r} is lost")
        assert not wrong, "\n".join(wrong)


def connect(town: Town) -> None:
    """Let the people of a town get in between what its task does."""
    budget = LocalThrottle()
    for side in town.task.ends:
        side.town = town
        if isinstance(side, Paced):
            side.budget = budget
        else:
            side.service.before = lambda kind, obj_id: town.disturb(kind)
            side.service.after = town.lose_answer
    town.task.delete_share = town.task.change_share = 1.0
    town.task.run_every(minutes=1)
    town.task.full_listing_every = timedelta(minutes=10)


def state_of(folder: Path) -> Store:
    return new_store(folder / "lockstep.db")
