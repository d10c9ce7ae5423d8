"""An installation as a dashboard shows it: real tasks of two sides that can be run, and, dressed, one of many weeks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from starlette.applications import Starlette

from config import load_settings
from tasks import TwoWay
from tasks.journal.contract import Memory
from tasks.journal.ledger import LedgerEntry, Version
from tasks.merge import Change, Delete, Effect, End, Held, Labels, Name, Plan, Update
from tasks.services.caldav import Todos
from tasks.services.notion import DataSource
from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec
from tests.harness.stores import new_store
from worker.lock import MemorySyncLock
from worker.rate_limit.slots import Slots
from worker.schedule.definitions import definitions
from worker.session.run import run_session
from worker.signs import SCHEDULER, WORKER, Board
from worker.store import RunRecord, Store
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.effects import Effects
from worker.store.tables.memory import Memories
from worker.web.application import make_app
from worker.web.dashboard.group import dashboard
from worker.web.health import health
from worker.web.resources import Resources

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette would rather have httpx2, which nothing else here uses
    from starlette.testclient import TestClient

#: A page with forms.
FORMS = "/tasks/to-dos"
HERE = "http://127.0.0.1:8000"
MARKUP = "<img src=x onerror=\"document.title='owned'\">"
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class World:
    store: Store
    redis: redis.Redis
    tasks: dict[str, Any]
    resources: Resources
    app: Starlette
    #: What workers were asked for: task, and seconds until the message is void.
    sent: list[tuple[str, float]] = field(default_factory=list)

    def run(self, name: str) -> RunRecord:
        """A run as a worker makes it."""
        return asyncio.run(run_session(self.tasks[name], store=self.store, lock=MemorySyncLock()))

    @contextmanager
    def browser(self, base: str = HERE, peer: str = "127.0.0.1", **headers: str) -> Iterator[Browser]:
        with TestClient(
            self.app, base_url=base, client=(peer, 50_000), headers=headers, follow_redirects=False
        ) as client:
            yield Browser(client)


@dataclass
class Browser:
    """Sends what a browser sends: the cookie, the origin, and a form's token."""

    client: TestClient

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **options)

    def token(self, path: str = FORMS) -> str:
        found = _TOKEN.search(self.client.get(path).text)
        return found[1] if found else ""

    def post(self, path: str, *, seen: str = FORMS, origin: str | None = None, **fields: str) -> Any:
        """What a form of the page `seen` sends."""
        token = fields.pop("token", None)
        fields["token"] = self.token(seen) if token is None else token
        headers = {"origin": str(self.client.base_url).rstrip("/") if origin is None else origin}
        return self.client.post(path, data=fields, headers=headers)

    def log_in(self, password: str, to: str = "/") -> Any:
        return self.post("/login", seen="/login", password=password, to=to)


def make_world(directory: Path, address: str, client: redis.Redis, **settings: Any) -> World:
    store = new_store(directory / "lockstep.db")
    probe = ProbeTask(ProbeSpec(name="to-dos", conflict_mode="error"), directory).run_every(minutes=5)
    other = ProbeTask(ProbeSpec(name="50 % & <b>"), directory).run_every(minutes=5)
    tasks = {task.name: task for task in (probe, other)}
    return _world(store, client, address, tasks, settings)


def _world(store: Store, client: redis.Redis, address: str, tasks: Any, settings: Mapping[str, Any]) -> World:
    sent: list[tuple[str, float]] = []

    def send(task: str, message: str, expires: float) -> None:
        assert message
        sent.append((task, expires))

    resources = Resources(load_settings(redis_url=address, **settings), client, store, tasks, send)
    return World(store, client, tasks, resources, make_app(resources, [health, dashboard]), sent)


# -- dressed --------------------------------------------------------------------------------------------------


def dressed_world(directory: Path, address: str, client: redis.Redis, **settings: Any) -> World:
    """Five tasks of an office, each in another state, with a past."""
    store = new_store(directory / "lockstep.db")
    source, calendars = (
        "38b9ce7b-60a4-810a-a3e0-d0c7fde33f0c",
        "https://cloud.example.org/dav/calendars/anna/",
    )
    columns: dict[str, Any] = {
        "Name": "summary",
        "Due": "due",
        "Status": "status",
        "Tags": "categories",
        "Notes": {"to": "description", "conflict_mode": "notion"},
        "Progress": {"to": "percent_complete", "only_to": "notion"},
    }
    tasks = {}
    for name, minutes in (
        ("Team to-dos", 5),
        ("Reading list", 60),
        ("Customer visits", 15),
        ("Shopping", 10),
        ("Release plan", 30),
    ):
        calendar = Todos(f"{calendars}{name.split()[0].lower()}/")
        tasks[name] = TwoWay(name, DataSource(source), calendar, columns).run_every(minutes=minutes)
    world = _world(store, client, address, tasks, settings)
    now = datetime.now(UTC)
    give_signs(world)
    for name in tasks:
        _past(store, name, now)
    _conflicts(store, now)
    _held(store, now)
    _plan(store, now)
    _budget(client, now)
    return world


def give_signs(world: World) -> None:
    """Signs of life of a scheduler and two workers, as of now."""
    board = Board(world.redis)
    read = definitions(world.tasks.values(), world.resources.settings)
    base = {"host": "attic", "up": 86_400.0 * 9}
    board.leave(SCHEDULER, "beat", {**base, "name": "attic", "pid": 4127}, read)
    for number in (1, 2):
        told = {
            **base,
            "name": f"celery@attic-{number}",
            "pid": 4130 + number,
            "takes": True,
            "pool": "threads",
        }
        running = [["sync.Team to-dos", 1.5]] if number == 1 else []
        board.leave(WORKER, f"worker-{number}", {**told, "concurrency": 4, "running": running}, read)


#: How the last runs ended, the newest first; all before succeeded.
_ENDS = {
    "Team to-dos": "ssssssisss",
    "Reading list": "ssssss",
    "Customer visits": "hhhsss",
    "Shopping": "cssssfss",
    "Release plan": "iissssss",
}
_STATUS = {"s": "succeeded", "i": "incomplete", "h": "halted", "c": "conflicts", "f": "failed"}
_REASONS = {
    "halted": "it would delete 14 of 20 linked objects in Notion, more than half of them",
    "conflicts": "1 conflict waits for a person",
    "incomplete": "2 objects were left as they are",
    "failed": "the calendar Shopping does not answer: connection refused",
}


def _past(store: Store, name: str, now: datetime) -> None:
    period = {
        "Team to-dos": 5,
        "Reading list": 60,
        "Customer visits": 15,
        "Shopping": 10,
        "Release plan": 30,
    }[name]
    ends = _ENDS[name].ljust(36, "s")
    for number, letter in reversed(list(enumerate(ends))):
        status, started = (
            _STATUS[letter],
            now - timedelta(minutes=period * number + 2 + period % 4, seconds=11),
        )
        busy = (number * 7 + period) % 11
        seconds = 0.4 + (busy == 3) * 14 + (busy == 5) * 3.2 + number % 3 * 0.2
        counts = {"in_step": 212}
        if busy in {3, 5}:
            counts |= {"left_updated": busy, "right_updated": 2, "right_created": busy - 2}
        if status == "conflicts":
            counts |= {"conflicts": 1}
        record = RunRecord(
            run_id=hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:32],
            task=name,
            status=status,
            reason=_REASONS.get(status, ""),
            notes=["The date is before the year 1900: Founding of the club"]
            if status == "incomplete"
            else (),
            counts=counts,
            started_at=started,
            finished_at=started + timedelta(seconds=seconds),
            message_id=f"m{name}{number}",
            host="attic",
            pid=4131,
        )
        store.runs.enter(record)
        if name == "Team to-dos" and number == 1:
            _effects(store, record)


def _effects(store: Store, run: RunRecord) -> None:
    page = "https://www.notion.so/2b1c"
    writes = [
        Effect(
            "update", End.RIGHT, "b", "a",
            {"Due": datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "Status": "Not started"},
            {"Due": datetime(2026, 12, 3, 9, 0, tzinfo=UTC), "Status": "In progress"},
            Name("Order chairs for the meeting room", page),
        ),
        Effect(
            "create", End.LEFT, None, "c", {},
            {"Name": "Call the landlord about the heating", "Tags": ("office", "urgent"), "Status": "Not started"},
            Name("Call the landlord about the heating", page),
        ),
        Effect(
            "delete", End.RIGHT, "d", None,
            {"Name": "Print the old price list", "Status": "Done"}, {}, Name("Print the old price list"),
        ),
    ]  # fmt: skip
    with store.write() as connection:
        for one in writes:
            Effects.keep(connection, run.task, one, run.run_id)


def _conflicts(store: Store, now: datetime) -> None:
    def keep(
        task: str,
        title: str,
        attribute: str,
        values: tuple[Any, Any, Any],
        stayed: tuple[bool, bool],
        why: str,
    ) -> None:
        base, left, right = values
        entry = LedgerEntry(
            first=Version("Notion", f"{title}-l", left, now - timedelta(minutes=31), stayed[0]),
            second=Version(
                "the calendar shopping", f"{title}-r", right, now - timedelta(minutes=26), stayed[1]
            ),
            attribute=attribute,
            base=base,
            rule="error" if all(stayed) else "newer",
            why=why,
            name=Name(title, "https://www.notion.so/2b1c"),
        )
        with store.write() as connection:
            Conflicts.keep(connection, task, entry, "")

    keep(
        "Team to-dos", "Prepare the budget talk", "Due",
        (datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 4, tzinfo=UTC)),
        (False, True), "both changed it, and the edit in the calendar is newer",
    )  # fmt: skip
    keep(
        "Shopping", "Coffee beans", "Notes",
        ("Two bags, the dark roast", "Three bags, the dark roast\nAsk for the discount",
         "Two bags, but the light roast this time"),
        (True, True), "both changed it, and the task leaves the choice to a person",
    )  # fmt: skip


def _held(store: Store, now: datetime) -> None:
    held = [
        Held(("p1", "t1"), "the date is before the year 1900, which the calendar does not take", "x", 6,
             now - timedelta(days=2), now + timedelta(hours=3), Name("Founding of the club", "https://www.notion.so/2b1c")),
        Held(("p2", ""), "Notion shows the text only in part; it is neither carried across nor written over", "y", 1,
             now - timedelta(hours=5), now + timedelta(minutes=20), Name("Minutes of the long meeting")),
    ]  # fmt: skip
    with store.write() as connection:
        Memories.remember(connection, "Release plan", Memory(held=held))


def _plan(store: Store, now: datetime) -> None:
    titles = [
        "Bakery Sorensen",
        "Hotel Adler",
        "Northwind Print",
        "Café Central",
        "Ida's Flower Shop",
        "Museum Café",
    ]
    actions: list[Any] = [
        Delete(
            reason="its counterpart is not in the calendar any more",
            name=Name(title, "https://www.notion.so/2b1c"),
            side=End.LEFT,
            left_id=f"l{title}",
            right_id=f"r{title}",
            values={"Name": title, "Status": "Not started"},
        )
        for title in titles
    ]
    actions.append(
        Update(
            reason="it was edited in Notion",
            name=Name("Harbour Authority"),
            side=End.RIGHT,
            left_id="lh",
            right_id="rh",
            changes={"Notes": Change("Ask for Mr. Lund", "Ask for Ms. Berg, he has left")},
            source={},
        )
    )
    plan = Plan(
        tuple(actions), 6, {End.LEFT: 20, End.RIGHT: 6}, labels=Labels("Notion", "the calendar customer")
    )
    store.plans.keep("Customer visits", plan, _REASONS["halted"], "r")


def _budget(client: redis.Redis, now: datetime) -> None:
    rows = []
    for minute in range(24 * 60, 0, -5):
        at = now - timedelta(minutes=minute)
        share = (
            0.12
            + 0.3 * max(0.0, math.sin((at.hour - 6) / 12 * math.pi))
            + (0.55 if minute in {400, 405, 410} else 0)
        )
        share += (minute * 7919 % 13) / 100
        rows.append(json.dumps([at.timestamp(), "9f8e7d6c5b4a", share * 180, share * 4, share]))
    client.rpush("lockstep:budget:samples", *rows)
    client.set("lockstep:budget:turn", 1)
    slots = Slots(client, rate=2.91, burst=5, sharer="attic:4131")
    slots.draw("9f8e7d6c5b4a", "Shopping")
    (use,) = client.keys("*{budget-9f8e7d6c5b4a}:use:*")
    client.hset(
        use, mapping={"requests:Team to-dos": 31, "requests:Release plan": 12, "waited:Team to-dos": 900_000}
    )
