"""The tour: what happens, step by step, and what came of it."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import FrameType

from rich.table import Table

from worker.demo.browser import has_desktop, open_in_browser
from worker.demo.content import in_calendar, in_notion
from worker.demo.holding import PATIENCE, Holding
from worker.demo.outcome import fared, figures, sides, words, writes
from worker.demo.people import Board, Phone, people
from worker.demo.stage import EVERY, TASK, Stage, StageError, set_up
from worker.demo.survey import survey
from worker.store import RunRecord, Store
from worker.telling.numbers import some
from worker.telling.screen import console, short


def main(stay: bool = False, show: bool | None = None) -> int:
    """Show a sync at work.

    Args:
        stay: keeps everything up afterwards until Ctrl-C.
        show: whether the dashboard is opened in a browser then; `None`: on a desktop.

    Raises:
        StageError: a part does not start, or a step does not come about.
    """
    signal.signal(signal.SIGTERM, _end)
    started = time.monotonic()
    out = console()
    out.print(
        "Lockstep demo: a Notion data source and a CalDAV to-do list, kept in step by scheduled runs.\n"
    )
    out.print(
        "Starting Redis, a local Notion workspace, a CalDAV server, worker, beat, dashboard and Flower …"
    )
    with set_up() as stage:
        out.print(
            f"Everything runs after {time.monotonic() - started:.1f} s. Beat starts a run every {EVERY} s.\n"
        )
        store = Store(stage.settings.sql_url())
        try:
            equal = asyncio.run(Tour(stage, store).go())
        finally:
            store.close()
        out.print(f"\nThe demo took {time.monotonic() - started:.0f} s.")
        if stay:
            _stay(stage, show=has_desktop() if show is None else show)
        out.print(
            "Ending worker, beat, dashboard, Flower, Redis, the calendar server and the Notion workspace."
        )
    return 0 if equal else 1


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stay(stage: Stage, *, show: bool) -> None:
    """Keep everything up, with the addresses to open; the last line is what to open first."""
    folder = stage.settings.state_dir.parent
    rows = [
        ("Notion, to edit by hand", f"{stage.notion_url}/#{stage.data_source}"),
        ("Flower", stage.flower_url),
        ("CalDAV", stage.calendar_url),
        ("  login", f"{stage.calendar_user} / {stage.calendar_password.get_secret_value()}"),
        ("Notion API", stage.notion_url),
        ("  token", stage.notion_token.get_secret_value()),
        ("  data source", stage.data_source),
        ("Status", f"cd {folder} && LOCKSTEP_STATE_DIR=state lockstep status"),
    ]
    table = Table(show_header=False, title="Still running", title_justify="left")
    for row in rows:
        table.add_row(*row)
    out = console()
    out.print(table)
    opened = show and open_in_browser(stage.dashboard_url)
    where = " (opened in your browser)" if opened else ""
    out.print(f"\nCtrl-C ends it. Dashboard: {stage.dashboard_url}{where}", soft_wrap=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


class Tour:
    """The steps, in order."""

    def __init__(self, stage: Stage, store: Store) -> None:
        self.stage = stage
        self.store = store
        self.out = console()
        self.step = 0
        #: Runs that were spoken of already.
        self.told: set[str] = set()

    async def go(self) -> bool:
        """Take all steps; whether both sides are equal at the end."""
        async with people(self.stage) as (board, phone):
            await self.fill(board, phone)
            await self.edit(board, phone)
            await self.fight(board, phone)
            await self.delete(board, phone)
            return await self.finish()

    # -- the steps ----------------------------------------------------------------------------------------

    async def fill(self, board: Board, phone: Phone) -> None:
        """Both sides have their own things to do, a few of them the same."""
        rows, todos = in_notion(), in_calendar()
        self.head(
            "First sync",
            f"{some(len(rows), 'row')} in Notion, {some(len(todos), 'to-do')} on the phone, 4 of them the same",
        )
        with self.holding():  # nobody syncs while the stage is dressed
            await asyncio.gather(*(board.add(item) for item in rows), *(phone.add(item) for item in todos))
            began = datetime.now(UTC)
        run = await self.run_after(began)
        self.tell(run)
        total = len(await board.names())
        self.say(f"both sides hold {total} now; what was there twice was linked, nothing was doubled")

    async def edit(self, board: Board, phone: Phone) -> None:
        """Edits cross both ways."""
        self.head("Edits on both sides", "each at another place")
        self.say("in Notion:    'Fix the flaky login test' is Done, 'Compare hosting prices' gets a tag")
        self.say("on the phone: 'Dentist' moves by a day, 'Buy oat milk' becomes 'Buy oat milk and coffee'")
        began = datetime.now(UTC)
        moved = datetime.now(UTC).replace(hour=8, minute=15, second=0, microsecond=0) + timedelta(days=9)
        await board.edit("Fix the flaky login test", {"Status": {"status": {"name": "Done"}}})
        await board.edit("Compare hosting prices", {"Tags": {"multi_select": [{"name": "ops"}]}})
        await phone.edit("Dentist", {"due": moved})
        await phone.edit("Buy oat milk", {"summary": "Buy oat milk and coffee"})

        async def arrived() -> bool:
            done = (
                await phone.find("Fix the flaky login test")
                if await self.has(phone, "Fix the flaky login test")
                else None
            )
            return (
                done is not None
                and done.values["status"] == "COMPLETED"
                and (await phone.find("Compare hosting prices")).values["categories"] == ("ops",)
                and await self.has(board, "Buy oat milk and coffee")
                and _due(await board.find("Dentist")) == moved
            )

        await self.until(arrived, "the edits did not come across")
        self.tell_all(began)
        self.say("each edit stands on the other side; the to-do is completed, with its time")

    async def fight(self, board: Board, phone: Phone) -> None:
        """While nobody can sync, both change the same thing."""
        self.head(
            "A busy lock, and a conflict", "another session holds the node; meanwhile both edit one field"
        )
        with self.holding() as holder:
            began = datetime.now(UTC)
            await board.edit(
                "Call the plumber", {"Notes": _text("Kitchen tap drips, Anna is at home on Monday")}
            )
            await phone.edit("Call the plumber", {"description": "Kitchen tap drips, and the shower too"})
            self.say("Notion says 'Anna is at home on Monday', the phone says 'and the shower too'")
            skipped = await self.run_after(began, "skipped")
            self.say(
                f"run {skipped.run_id[:8]} skipped: the node is held by session {holder[:8]}, as its reason says"
            )
            released = datetime.now(UTC)
        self.say(f"session {holder[:8]} lets go")
        self.tell(await self.run_after(released, changed=True))
        for conflict in self.store.conflicts.list(TASK):
            entry = conflict.entry
            self.say(f"ledger: {entry.attribute} was {short(entry.base)!r}, rule {entry.rule!r}")
            self.say(f"        Notion's {short(entry.first.value)!r}{fared(entry.first)}")
            self.say(f"        phone's  {short(entry.second.value)!r}{fared(entry.second)}")

    async def delete(self, board: Board, phone: Phone) -> None:
        """Deletions cross both ways."""
        self.head("Deletions", "one on each side")
        began = datetime.now(UTC)
        await board.delete("Archive the old wiki")
        await phone.delete("Water the plants")
        self.say(
            "in Notion 'Archive the old wiki' goes to the trash, on the phone 'Water the plants' is deleted"
        )

        async def gone() -> bool:
            here = {"Archive the old wiki", "Water the plants"}
            return not here & (await board.names() | await phone.names())

        await self.until(gone, "the deletions did not come across")
        self.tell_all(began)
        self.say("each is gone on the other side too; in Notion it can be taken from the trash")

    async def finish(self) -> bool:
        """A run with nothing to do, both sides compared, and the figures."""
        self.head("Nothing more to do", "a run without edits writes nothing")
        idle = await self.run_after(datetime.now(UTC))
        self.tell(idle)
        found = await survey(self.stage, self.store)
        self.out.print()
        self.out.print(sides(found))
        self.out.print(figures(found, self.store.runs.list(TASK, limit=1000)))
        return found.equal == found.links and not found.unlinked

    # -- waiting and telling --------------------------------------------------------------------------------

    def holding(self) -> Holding:
        """The node's lock, held by another session."""
        return Holding(self.stage)

    async def has(self, side: Board | Phone, name: str) -> bool:
        """Whether a side has something of this name."""
        return name in await side.names()

    async def run_after(
        self, moment: datetime, status: str = "succeeded", *, changed: bool = False
    ) -> RunRecord:
        """The first run with this status that started after a moment, and that wrote something if asked for."""
        found: list[RunRecord] = []

        async def ended() -> bool:
            runs = [
                run
                for run in await asyncio.to_thread(self.store.runs.list, TASK, 50)
                if run.started_at > moment and run.finished_at and run.status == status
            ]
            found[:] = [run for run in reversed(runs) if not changed or writes(run)]
            return bool(found)

        await self.until(ended, f"no run {status}")
        return found[0]

    async def until(self, came: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until something has come about."""
        give_up_at = time.monotonic() + PATIENCE
        while not await came():
            if time.monotonic() > give_up_at:
                raise StageError(f"demo: {otherwise} within {PATIENCE:g} s. {self.last_words()}")
            await asyncio.sleep(0.25)

    def last_words(self) -> str:
        """What the last run said, for a message."""
        runs = self.store.runs.list(TASK, limit=1)
        return f"The last run {runs[0].status}: {runs[0].reason}" if runs else "No run was started."

    def head(self, title: str, line: str) -> None:
        """Begin a step."""
        self.step += 1
        self.out.print(("\n" if self.step > 1 else "") + f"{self.step}. {title}: {line}", style="bold cyan")

    def say(self, line: str) -> None:
        """One line of a step."""
        self.out.print(f"   {line}")

    def tell(self, run: RunRecord) -> None:
        """What one run did."""
        self.told.add(run.run_id)
        self.say(f"run {run.run_id[:8]} {run.status} in {run.seconds or 0:.1f} s: {words(run)}")

    def tell_all(self, since: datetime) -> None:
        """What the runs since a moment did that did something."""
        for run in reversed(self.store.runs.list(TASK, limit=50)):
            recent = run.started_at > since - timedelta(seconds=EVERY)
            if recent and writes(run) and run.run_id not in self.told:
                self.tell(run)


def _text(content: str) -> dict[str, object]:
    return {"rich_text": [{"text": {"content": content}}]}


def _due(page: dict[str, object]) -> datetime | None:
    date = page["properties"]["Due"]["date"]  # type: ignore[index]
    return None if date is None else datetime.fromisoformat(date["start"])
