"""An hour of virtual time: people on both sides, faults, a run each minute, and nothing lost in the end.

`LOCKSTEP_SOAK_SEEDS` is the number of hours with a plain service, and of those with Notion on both sides.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest

from config import get_settings
from sandbox.notion import Limits, Sandbox
from tests.tasks.services.notion.conftest import NO_TLS, TOKEN
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService
from tests.tasks.services.notion.soak.ends import Disturbed, Paced, SoakTask
from tests.tasks.services.notion.soak.hands import ATTRS, COLUMNS, WITH_BODY, NotionHand, PlainHand
from tests.tasks.services.notion.soak.town import FAULTS, Town, connect, state_of
from tests.tasks.services.notion.virtual_time import VirtualTime, draw_from
from tests.world.figures import report

SEEDS = int(os.environ.get("LOCKSTEP_SOAK_SEEDS", "2"))
HOUR = 3600.0
REACHED: Counter[str] = Counter()

pytestmark = pytest.mark.timeout(7200)

SHOWN = {"property": "Hidden", "checkbox": {"equals": False}}


@pytest.fixture(autouse=True)
def few_rows_per_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of results and changes of rows, with a handful of rows."""
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 5)
    monkeypatch.setattr("tasks.services.notion.api.queries.PAGE_SIZE", 5)
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()


@asynccontextmanager
async def a_hand(time: VirtualTime, limits: Limits) -> AsyncIterator[tuple[NotionHand, str]]:
    """A person in a workspace of their own, and its address."""
    with Sandbox(tokens={TOKEN}, limits=limits) as sandbox:
        time.keep(sandbox)
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            person = Person(sandbox.url, client)
            hand = NotionHand(person, await person.make_data_source("Chores", COLUMNS), sandbox.store)
            await hand.learn()
            yield hand, sandbox.url


async def begin(town: Town) -> None:
    """Things on both sides, one of them on both already."""
    for number in range(16):
        await town.add("other" if number % 3 else "notion")
        town.time.advance(20)
    notion = town.hands["notion"]
    (values,) = list((await town.hands["other"].whole()).values())[:1]
    await notion.add({attr: value for attr, value in values.items() if attr != "hidden"})
    typed = {attr: value for attr, value in values.items() if attr not in ("key", "hidden")}
    town.diary.write(town.time.passed, "notion", "add", values["key"], value=typed)


async def hour(town: Town, seed: int, seconds: float = HOUR) -> None:
    connect(town)
    try:
        await begin(town)
        await town.calm()  # so that the columns are known by their ids
        await town.live(seconds)
        await town.settle()
        await town.judge()
    except AssertionError as error:
        raise AssertionError(f"{error}\n(seed {seed})") from error
    finally:
        REACHED.update(town.reached)
        REACHED["hours"] += 1
        REACHED["runs"] += len(town.records)
        REACHED["moves of people"] += len(town.diary.entries)
        town.store.close()


async def hour_with_a_plain_service(seed: int, time: VirtualTime, folder: Path) -> None:
    limits = Limits(query_results=16 if seed % 2 else 10_000)
    async with a_hand(time, limits) as (hand, url):
        hand.opens_pages = bool(seed % 2)
        service = PlainService(clock=time.now)
        attrs = dict(WITH_BODY if hand.opens_pages else ATTRS)
        rows = Paced(url, hand.source, attrs, filter=SHOWN, date_ranges=["Due"])
        task = SoakTask(rows, Disturbed(service), attrs)
        hands: dict[str, NotionHand | PlainHand] = {"notion": hand, "other": PlainHand(service)}
        await hour(Town(Random(seed), time, hands, task, state_of(folder)), seed)


async def hour_between_two_workspaces(seed: int, time: VirtualTime, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        hand, url = await stack.enter_async_context(a_hand(time, Limits()))
        there, other_url = await stack.enter_async_context(a_hand(time, Limits(query_results=16)))
        attrs = {name: name.lower() for name in ATTRS}
        rows = Paced(url, hand.source, attrs, filter=SHOWN, date_ranges=["Due"])
        await there.person.patch_columns(there.source, {name: {"name": attrs[name]} for name in attrs})
        names = {attr: attr for attr in attrs.values()}
        task = SoakTask(rows, Paced(other_url, there.source, names, date_ranges=["due"]), attrs)
        town = Town(Random(seed), time, {"notion": hand, "other": there}, task, state_of(folder))
        await hour(town, seed, HOUR if SEEDS > 2 else HOUR / 2)


@pytest.mark.parametrize("seed", range(max(2, SEEDS)))
async def test_what_is_typed_crosses_with_the_next_run(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing goes wrong, changes are as good as listings: nothing waits for the next full one."""
    time = VirtualTime()
    time.install(monkeypatch)
    draw_from(seed, monkeypatch)
    async with a_hand(time, Limits()) as (hand, url):
        service = PlainService(clock=time.now)
        hand.opens_pages = bool(seed % 2)
        attrs = dict(WITH_BODY if hand.opens_pages else ATTRS)
        task = SoakTask(Paced(url, hand.source, attrs, date_ranges=["Due"]), Disturbed(service), attrs)
        hands: dict[str, NotionHand | PlainHand] = {"notion": hand, "other": PlainHand(service)}
        town = Town(Random(seed), time, hands, task, state_of(tmp_path), rough=False)
        connect(town)
        task.full_listing_every = timedelta(days=1)
        await begin(town)
        await town.sync()
        for _ in range(25):
            for _ in range(town.chance.randrange(4)):
                await town.move(town.chance.choice(("edit", "edit", "clash", "add", "format", "rename")))
                time.advance(town.chance.choice((0.5, 3, 20, 90)))
            assert (await town.sync()).status == "succeeded"
            await town.judge()
            time.advance(town.chance.choice((1, 5, 20, 200)))
        town.store.close()


NEEDED = [
    "add in notion", "add in other", "edit in notion", "edit in other", "delete in notion", "delete in other",
    "restore", "formatted text", "same attribute on both sides", "two attributes of a thing",
    "due edited in notion", "due edited in other", "text edited in notion", "text edited in other",
    "row moved out of the filter or back", "column renamed", "option renamed",
    "edit between listing and writing", "move while rows are listed",
    "plain write applied without an answer", "run succeeded", "run failed", "conflicts",
    "left_created", "right_created", "left_updated", "right_updated", "left_deleted", "right_deleted",
]  # fmt: skip


async def test_nothing_is_lost_in_hours_of_edits_and_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SEEDS + max(1, SEEDS // 2)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        time = VirtualTime()
        with monkeypatch.context() as patches:
            time.install(patches)
            draw_from(seed, patches)
            live = hour_with_a_plain_service if seed < SEEDS else hour_between_two_workspaces
            await live(seed, time, folder)
    # In few hours not each fault finds a request to befall.
    kinds = FAULTS if SEEDS > 5 else ("429", "409", "50", "drop")
    missing = [name for name in NEEDED if not REACHED[name]]
    missing += [kind for kind in kinds if not any(n.startswith(f"fault {kind}") for n in +REACHED)]
    assert not missing, f"never reached: {missing}"
    faults = {name: times for name, times in REACHED.items() if name.startswith("fault")}
    report("soak", **{name: REACHED[name] for name in ("hours", "runs", "moves of people")}, faults=faults)
