"""A listing in pages decides what a listing at once decides, keeps less, and loses nothing that is edited meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import Listing, TaskDefinitionError
from tasks.engine import reading
from tasks.engine.calls import calls
from tasks.engine.reading import read_side
from tasks.engine.running import adapters_of
from tasks.errors import SideError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.journal.state_links import links_of
from tasks.merge import End
from tests.tasks.policies.places import MAP, ROWS, TODOS, Place, Sync, day
from tests.tasks.sync_task.seed_style import Services, ToDos
from tests.world.loop import OF_A_SIDE, run_alone, steady

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "30"))
reached: Counter[str] = Counter()
SIZE = 2


class Paged(Place):
    """A place that is listed in pages, between which people go on."""

    meanwhile: Callable[[int], None] = staticmethod(lambda page: None)
    asynchronous = False

    def pages(self) -> Any:
        return self._later() if self.asynchronous else self._now()

    def _now(self) -> Iterator[Listing]:
        self.log.calls["pages"] += 1
        cursor = self.version if self.deltas else None
        ids = list(self.things)
        for number, start in enumerate(range(0, len(ids), SIZE)):
            self.meanwhile(number)
            there = [one for one in ids[start : start + SIZE] if one in self.things]
            yield Listing([self._copy(self.things[one]) for one in there])
        yield Listing(partial=self.partial, cursor=cursor)

    async def _later(self) -> AsyncIterator[Listing]:
        for page in self._now():
            await asyncio.sleep(0)
            yield page


class PagedSync(Sync):
    """The same sync with such places."""

    def __init__(self, *, asynchronous: bool = False, **said: Any) -> None:
        super().__init__(**said)
        deltas = said.get("deltas", False)
        self.rows = Paged("the board rows", ROWS, self.clock, deltas=deltas)
        self.todos = Paged("the list todos", TODOS, self.clock, deltas=deltas)
        self.rows.asynchronous = self.todos.asynchronous = asynchronous


@pytest.fixture(autouse=True)
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEPT", 0)


# -- the same as at once ---------------------------------------------------------------------------------------------

NAMES = "abcdefg"
EDITS = st.tuples(
    st.sampled_from(("add", "edit", "remove", "bring back", "move out", "move in", "partial", "retitle")),
    st.sampled_from(("rows", "todos")),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, 3),
)

TYPED = st.tuples(
    st.sampled_from(("edit", "retitle")),
    st.sampled_from(("rows", "todos")),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, 3),
)


def befall(sync: Sync, edit: tuple[str, str, int, int]) -> None:
    what, at, number, value = edit
    place: Place = getattr(sync, at)
    title, other = ("Name", "Status") if at == "rows" else ("summary", "due")
    there, out, trash = sorted(place.things), sorted(place.outside), sorted(place.trash)
    if what == "add":
        place.add(**({"Name": f"n{number}", "Status": "Open"} if at == "rows" else {"summary": f"n{number}"}))
    elif what == "partial":
        place.partial = "cut off" if value == 0 else None
    elif what in ("edit", "retitle", "remove", "move out") and there:
        one = there[number % len(there)]
        if what == "edit":
            place.edit(
                one,
                **(
                    {other: ("Open", "Done", "Archived", "Done")[value]}
                    if at == "rows"
                    else {"due": day(value)}
                ),
            )
        elif what == "retitle":
            place.edit(one, **{title: f"{place.things[one].values[title]}{value}"})
        else:
            (place.remove if what == "remove" else place.move_out)(one)
    elif what == "bring back" and trash:
        place.bring_back(trash[number % len(trash)])
    elif what == "move in" and out:
        place.move_in(out[number % len(out)])


def linked(sync: Sync) -> Counter[str]:
    """The pairs and their bases, without ids: those of new objects follow the order in which two threads came."""
    links = links_of(sync.journal.state, End.LEFT, None)
    return Counter(repr((link.left, link.right, sorted(link.parked), link.apart)) for link in links)


@pytest.mark.parametrize("asynchronous", [False, True])
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(
    steps=st.lists(st.lists(EDITS, max_size=4), min_size=2, max_size=5),
    deltas=st.booleans(),
    leave=st.sampled_from(("unlink", "keep", None)),
)
def test_pages_decide_what_a_listing_at_once_decides(
    steps: list[list[tuple[str, str, int, int]]], deltas: bool, asynchronous: bool, leave: str | None
) -> None:
    at_once, paged = (
        Sync(deltas=deltas, leave=leave),
        PagedSync(deltas=deltas, leave=leave, asynchronous=asynchronous),
    )
    for sync in (at_once, paged):
        for place in (sync.rows, sync.todos):  # in threads, each world would take its own turns
            place.__class__ = steady(type(place), *(name for name in OF_A_SIDE if hasattr(Place, name)))
    for sync in (at_once, paged):
        for name in NAMES:
            sync.pair(name)
    for edits in [[], *steps, []]:
        for sync in (at_once, paged):
            for edit in edits:
                befall(sync, edit)
        reports = [run_alone(sync.run()) for sync in (at_once, paged)]
        assert reports[0].status == reports[1].status, [one.reason for one in reports]
        for old, new in ((at_once.rows, paged.rows), (at_once.todos, paged.todos)):
            assert Counter(kind for kind, _ in old.log.writes) == Counter(kind for kind, _ in new.log.writes)
            assert old.shown(*old.attributes) == new.shown(*new.attributes)
            assert new.log.calls["list"] == 0
            reached["pages"] += new.log.calls["pages"]
            reached["written"] += len(new.log.writes)
            reached["read again for a write"] += new.log.calls["get"] - old.log.calls["get"]
        assert linked(at_once) == linked(paged)


def test_all_of_it_was_reached() -> None:
    assert reached["pages"] > 100
    assert reached["written"] > 100
    assert reached["read again for a write"] > 20


# -- people go on meanwhile --------------------------------------------------------------------------------------------


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    moments=st.dictionaries(st.integers(0, 4), st.lists(TYPED, max_size=3)),
    before=st.lists(
        TYPED.map(lambda edit: ("edit", *edit[1:])), max_size=4
    ),  # no conflict: each side's own attribute
    at=st.sampled_from(("rows", "todos")),
)
def test_what_is_edited_between_pages_is_not_lost(
    moments: dict[int, list[tuple[str, str, int, int]]], before: list[tuple[str, str, int, int]], at: str
) -> None:
    sync = PagedSync()
    for name in NAMES:
        sync.pair(name)
    asyncio.run(sync.run())
    for edit in before:
        befall(sync, edit)
    typed: dict[tuple[str, str], Any] = {}
    place: Paged = getattr(sync, at)
    names = {"retitle": "Name", "edit": "Status"} if at == "rows" else {"retitle": "summary", "edit": "due"}

    def meanwhile(page: int) -> None:
        for what, _, number, value in moments.get(page, []):
            befall(sync, (what, at, number, value))
            one = sorted(place.things)[number % len(place.things)]
            typed[one, names[what]] = place.things[one].values[names[what]]
            reached["edited between pages"] += 1

    place.meanwhile = meanwhile
    asyncio.run(sync.run())
    place.meanwhile = lambda page: None
    for _ in range(3):
        asyncio.run(sync.run())
    assert len(sync.rows.things) == len(sync.todos.things) == len(NAMES)
    assert sync.rows.shown("Name") == sync.todos.shown("summary")
    for (one, name), value in typed.items():
        assert place.things[one].values[name] == value


def test_people_were_at_work_between_pages() -> None:
    assert reached["edited between pages"] > 20


# -- what is kept ------------------------------------------------------------------------------------------------------


async def view_of(sync: PagedSync, **said: Any) -> Any:
    made = sync.task().pairing()
    mapping = made.mapped({end: side.describe() for end, side in made.sides.items()})
    sync.rows.check([name for name in ROWS if name in MAP])
    async with calls("t") as caller:
        return await read_side(adapters_of(made, mapping, caller)[End.LEFT], **said)


def bases_of(sync: PagedSync) -> dict[str, Any]:
    return {link.left_id: link.left for link in links_of(sync.journal.state, End.LEFT, None)}


async def test_of_an_unchanged_object_only_the_base_is_kept() -> None:
    sync = PagedSync()
    for name in NAMES:
        sync.pair(name)
    await sync.run()
    sync.rows.edit(sync.row("b"), Status="Done")
    bases = bases_of(sync)
    view = await view_of(sync, base_of=bases.get)
    assert list(view.objects) == [sync.row("b")]
    records = view.snapshot.records
    assert len(records) == len(NAMES)
    assert all(records[one].values is base for one, base in bases.items() if one != sync.row("b"))
    assert len((await view_of(sync)).objects) == len(NAMES), "without bases all are kept"


async def test_a_small_place_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEPT", 4)
    sync = PagedSync()
    for name in NAMES:
        sync.pair(name)
    await sync.run()
    bases = bases_of(sync)
    assert len((await view_of(sync, base_of=bases.get)).objects) == 4


# -- the listing of a task in one class -------------------------------------------------------------------------------


class Generated(ToDos):
    """A task whose listings are generators."""

    def get_notion_objects(self) -> Iterator[Any]:
        yield from (
            self.services.pages[start : start + SIZE] for start in range(0, len(self.services.pages), SIZE)
        )

    async def get_other_objects(self) -> AsyncIterator[Any]:  # type: ignore[override]
        for todo in self.services.todos:
            await asyncio.sleep(0)
            yield Listing([todo], cursor=todo.uid)


class Got(Generated):
    """The same, with single objects read as well."""

    asked = 0

    def notion_get_obj(self, obj_id: str) -> Any:
        self.asked += 1
        return next((page for page in self.services.pages if page.id == obj_id), None)

    async def other_get_obj(self, obj_id: str) -> Any:
        self.asked += 1
        return next((todo for todo in self.services.todos if todo.uid == obj_id), None)


@pytest.mark.parametrize("kind", [Generated, Got])
async def test_a_generator_gives_pages(kind: type[Generated]) -> None:
    """Without a way to read one object again all are kept; with one, those that did not change are read for a write."""
    services = Services()
    for name in NAMES:
        services.page(name)
    task, journal = kind(services), StateJournal(State())
    await task.run(journal)
    assert services.agreed() == [(name, False) for name in NAMES]
    services.pages[3].done = True
    services.todos[5].completed = True
    await task.run(journal)
    assert [name for name, done in services.agreed() if done] == ["d", "f"]
    assert getattr(task, "asked", None) == (2 if kind is Got else None)
    await task.run(journal)
    assert len(services.writes) == len(NAMES) + 2


async def test_of_a_generator_no_more_is_kept_than_of_pages() -> None:
    services = Services()
    for name in NAMES:
        services.page(name)
    journal = StateJournal(State())
    for kind, kept in ((Generated, len(NAMES)), (Got, 0)):
        task = kind(services)
        await task.run(journal)
        bases = {link.left_id: link.left for link in links_of(journal.state, End.LEFT, None)}
        sync = task.pairing()
        async with calls(task.name) as caller:
            view = await read_side(adapters_of(sync, sync.mapped({}), caller)[End.LEFT], bases.get)
        assert len(view.objects) == kept
        assert len(view.snapshot.records) == len(NAMES)


async def test_all_of_a_generators_pages_are_its_listing() -> None:
    services = Services()
    for name in NAMES:
        services.page(name), services.todo(name)
    sides = Generated(services).pairing().sides
    assert sides[End.LEFT].list() == services.pages
    listed = await sides[End.RIGHT].list()
    assert listed == services.todos
    assert listed.cursor == services.todos[-1].uid
    assert not ToDos(services).pairing().sides[End.LEFT].lists_in_pages


async def test_a_generator_is_closed_where_the_run_fails() -> None:
    ended = []

    class Failing(Generated):
        def get_notion_objects(self) -> Iterator[Any]:
            try:
                yield self.services.pages[:2]
                raise SideError("service down")
            finally:
                ended.append("notion")

        async def get_other_objects(self) -> AsyncIterator[Any]:  # type: ignore[override]
            try:
                while True:
                    yield []
                    await asyncio.sleep(0.01)
            finally:
                ended.append("other")

    services = Services()
    for name in NAMES:
        services.page(name)
    with pytest.raises(SideError, match="service down"):
        await Failing(services).run(StateJournal(State()))
    assert sorted(ended) == ["notion", "other"]
    assert services.writes == []


# -- odd pages ---------------------------------------------------------------------------------------------------------


async def test_an_object_on_two_pages_is_left_alone() -> None:
    sync = PagedSync()
    for name in NAMES:
        sync.pair(name)
    await sync.run()
    whole = list(sync.rows.list())
    sync.rows.pages = lambda: iter([whole, whole[:1]])  # type: ignore[method-assign]
    bases = bases_of(sync)
    view = await view_of(sync, base_of=bases.get)
    assert view.snapshot.unreadable == {whole[0].id: f"two objects have the id {whole[0].id}"}
    assert whole[0].id not in view.snapshot.records
    assert view.snapshot.unreadable_hashes[whole[0].id] == {"a"}


async def test_any_partial_page_makes_the_listing_partial() -> None:
    sync = PagedSync()
    sync.pair("a")
    pages = [Listing(partial="cut off", cursor=1), Listing(sync.rows.list(), cursor=2)]
    sync.rows.pages = lambda: iter(pages)  # type: ignore[method-assign]
    view = await view_of(sync)
    assert view.snapshot.partial == "cut off"
    assert view.cursor is None
    assert len(view.snapshot.records) == 1


async def test_a_service_that_fails_amid_its_pages_ends_the_run_with_nothing_written() -> None:
    sync = PagedSync()
    for name in NAMES:
        sync.pair(name)
    await sync.run()
    sync.todos.edit(sync.todo("a"), summary="A")
    before = len(sync.rows.log.writes)
    ended = []

    def pages() -> Iterator[Listing]:
        try:
            yield Listing(sync.rows.list()[:3])
            raise SideError("service down")
        finally:
            ended.append(True)

    sync.rows.pages = pages  # type: ignore[method-assign]
    with pytest.raises(SideError, match="service down"):
        await sync.run()
    assert ended == [True]
    assert len(sync.rows.log.writes) == before


@pytest.mark.parametrize("wrong", [None, 3, [1]])
async def test_pages_must_be_an_iterator_of_lists(wrong: Any) -> None:
    sync = PagedSync()
    sync.rows.pages = lambda: wrong  # type: ignore[method-assign]
    with pytest.raises(TaskDefinitionError, match="pages must return an iterator of lists or Listings, not "):
        await view_of(sync)
    sync.rows.pages = lambda: iter([wrong])  # type: ignore[method-assign]
    if not isinstance(wrong, list):
        with pytest.raises(TaskDefinitionError, match="pages must give a list or a Listing, not "):
            await view_of(sync)


async def test_a_listing_of_ones_own_is_asked_instead_of_the_pages_of_the_class_below() -> None:
    class Fewer(Paged):
        def list(self) -> Any:
            return Listing(one for one in super().list() if one.values["Name"] != "a")

    sync = PagedSync()
    sync.rows = Fewer("the board rows", ROWS, sync.clock)
    for name in NAMES:
        sync.pair(name)
    await sync.run()
    assert sync.todos.shown("summary") == list(NAMES[1:])
