"""References in single runs: what is carried, what is left where it is, what waits, and what it costs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tasks.engine.report import Order
from tasks.errors import SideError, TaskDefinitionError
from tasks.journal.file import FileJournal
from tasks.linked_tasks import check_links, turned
from tasks.mapping import pairs_of
from tasks.merge import Effect, End, take_back, undo
from tasks.scheduled import all_tasks
from tasks.two_way import TwoWay
from tasks.values.references import References
from tests.docs.pages import block
from tests.tasks.references.graphs import Graph, Ledger, minutes, run, task, writes


class Both:
    """Two graphs and their task."""

    def __init__(self, mode: str = "newer", **options: Any) -> None:
        single = options.pop("single", False)
        self.left, self.right = Graph("left", **options), Graph("right", single=single, **options)
        self.journal = Ledger()
        self.task = task(self.left, self.right, mode)

    async def run(self, at: int = 0) -> dict[str, int]:
        self.left.now = self.right.now = minutes(at)
        report = await run(self.task, self.journal, minutes(at))
        assert report.status == "succeeded", report.reason
        return dict(report.outcome.counts)

    async def settled(self, at: int = 1) -> None:
        """Nothing is written any more."""
        before = writes(self.task)
        await self.run(at)
        await self.run(at)
        assert writes(self.task) == before


@pytest.fixture(params=[False, True])
def both(request: pytest.FixtureRequest) -> Both:
    return Both(deltas=request.param)


async def test_parents_are_made_before_what_refers_to_them_whatever_the_order(both: Both) -> None:
    leaf = both.left.add("leaf")
    twig = both.left.add("twig", leaf)
    both.left.add("branch", twig, leaf)
    both.left.things = dict(reversed(both.left.things.items()))
    assert await both.run() == {"right_created": 3}
    assert both.right.edges() == {("twig", "leaf"), ("branch", "twig"), ("branch", "leaf")}
    assert both.right.calls["update"] == 0
    await both.settled()


async def test_a_long_chain_takes_one_write_for_each_object(both: Both) -> None:
    before = both.left.add("0")
    for number in range(1, 1500):
        before = both.left.add(str(number), before)
    both.left.things = dict(reversed(both.left.things.items()))
    assert await both.run() == {"right_created": 1500}
    assert both.right.edges() == both.left.edges()
    assert both.right.calls["update"] == 0


async def test_a_cycle_takes_one_more_write_and_ends(both: Both) -> None:
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    both.left.refer(one, two)
    both.left.refer(two, three)
    both.left.refer(three, one, three)
    assert await both.run() == {"right_created": 3, "right_updated": 1}
    assert both.right.edges() == both.left.edges()
    await both.settled()


async def test_objects_that_are_there_on_both_sides_cost_no_write(both: Both) -> None:
    for graph in (both.left, both.right):
        one = graph.add("one")
        graph.refer(graph.add("two", one), one)
    await both.settled(0)
    base = both.journal.state.objs[both.left.ids()["two"]]["refs"]
    assert base == References(((both.left.ids()["one"], both.right.ids()["one"]),))


async def test_what_is_not_linked_stays_on_either_side_and_is_no_edit(both: Both) -> None:
    one, two = both.left.add("one"), both.left.add("two")
    await both.run()
    mine, theirs = both.left.ids(), both.right.ids()
    both.left.refer(one, "elsewhere")
    both.right.refer(theirs["one"], "apart")
    await both.settled()
    assert (both.left.things[one].refs, both.right.things[theirs["one"]].refs) == ({"elsewhere"}, {"apart"})
    both.right.refer(theirs["one"], "apart", theirs["two"])
    assert await both.run(2) == {"left_updated": 1}
    assert both.left.things[mine["one"]].refs == {"elsewhere", two}
    both.left.refer(one, "elsewhere")
    assert await both.run(3) == {"right_updated": 1}
    assert both.right.things[theirs["one"]].refs == {"apart"}
    await both.settled(4)


async def test_a_counterpart_that_comes_in_a_later_run_is_carried_though_nobody_edits(both: Both) -> None:
    both.left.add("one", "l2")  # an app that uploads a child before its parent
    await both.run()
    assert both.right.edges() == set()
    assert both.left.add("two") == "l2"
    assert await both.run(1) == {"right_created": 1, "right_updated": 1}
    assert both.right.edges() == {("one", "two")}
    await both.settled(2)


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_crash_between_the_create_and_the_second_write_costs_only_time(
    both: Both, arrives: bool
) -> None:
    one, two = both.left.add("one"), both.left.add("two")
    both.left.refer(one, two)
    both.left.refer(two, one)
    both.right.away_after, both.right.arrives = 2, arrives
    with pytest.raises(SideError):
        await both.run()
    assert len(both.right.things) == 2
    both.right.away_after = None
    await both.run(1)
    assert both.right.edges() == {("one", "two"), ("two", "one")}
    assert writes(both.task) == 3 - arrives  # the one that arrived was not counted
    await both.settled(2)


@pytest.mark.parametrize("mode", ["newer", "notion", "other", "error"])
@pytest.mark.parametrize("deltas", [False, True])
async def test_a_service_that_drops_references_with_their_object_edits_nothing(
    mode: str, deltas: bool
) -> None:
    both = Both(mode, drops=True, deltas=deltas)
    both.right.drops = False
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    both.left.refer(one, two, three)
    await both.run()
    theirs = both.right.ids()
    both.left.remove(two)
    both.right.refer(theirs["one"], theirs["two"], theirs["three"], theirs["one"])
    await both.run(1)
    assert both.journal.entries == []
    assert both.left.edges() == {("one", "one"), ("one", "three")} == both.right.edges()
    await both.settled(2)


async def test_an_object_that_is_made_again_keeps_what_refers_to_it(both: Both) -> None:
    """Deleted on one side and edited on the other one, it comes back under another id."""
    both.left.drops = True
    one, two = both.left.add("one"), both.left.add("two")
    both.left.refer(one, two)
    await both.run()
    both.left.remove(two)
    both.right.refer(both.right.ids()["two"], both.right.ids()["one"])
    await both.run(1)
    await both.run(2)
    assert both.left.ids()["two"] != two
    assert both.left.edges() == both.right.edges() == {("one", "two"), ("two", "one")}
    await both.settled(3)


async def test_a_reference_to_what_cannot_be_linked_yet_never_blanks_the_other_side(both: Both) -> None:
    one, two = both.left.add("one"), both.left.add("two")
    both.left.refer(one, two)
    await both.run()
    # Nothing can be made on the right, and the left refers to something new.
    both.task.rules = TwoWay("graphs", both.left, both.right, {"title": "title"}, create="neither").rules
    both.left.refer(one, both.left.add("three"))
    report = await run(both.task, both.journal, minutes(1))
    assert any("refers to an object that has no counterpart yet" in line for line in report.outcome.skipped)
    assert both.right.edges() == {("one", "two")}
    both.task.rules = TwoWay("graphs", both.left, both.right, {"title": "title"}).rules
    await both.run(20)  # an hour later all is listed
    await both.run(21)
    assert both.right.edges() == {("one", "three")}
    await both.settled(22)


async def test_both_edited_one_loses_into_the_ledger_by_titles_and_is_taken_back(both: Both) -> None:
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    await both.run()
    theirs = both.right.ids()
    both.left.now = minutes(1)
    both.left.refer(one, two)
    both.right.now = minutes(3)
    both.right.refer(theirs["one"], theirs["three"])
    await both.run(4)
    (entry,) = both.journal.entries
    assert [str(version.value) for version in entry.versions] == ["two", "three"]
    assert both.left.edges() == both.right.edges() == {("one", "three")}

    def back(base: Any, views: Any, policy: Any) -> Any:
        link = next(link for link in base.links if link.left_id == one)
        values = {end: entry.at(end).value for end in End}
        return take_back(link, "refs", values, End.LEFT, {e: v.snapshot for e, v in views.items()}, policy)

    await both.task.run(both.journal, order=Order(planner=back, clock=lambda: minutes(5)))
    assert both.left.edges() == both.right.edges() == {("one", "two")}
    assert both.left.things[one].refs == {two}
    assert three in both.left.things
    await both.settled(6)


async def test_a_plan_calls_what_is_referred_to_by_its_title(both: Both) -> None:
    one, two = both.left.add("one"), both.left.add("two")
    await both.run()
    both.left.refer(one, two)
    report = await both.task.run(both.journal, dry_run=True)
    (update,) = report.plan.writes
    assert (str(update.changes["refs"].old), str(update.changes["refs"].new)) == ("", "two")


async def test_with_room_for_one_the_others_stay(both: Both) -> None:
    both = Both(single=True, deltas=both.left.deltas)
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    both.left.refer(one, two, three)
    await both.run()
    theirs = both.right.ids()
    assert both.right.edges() == {("one", "two")}
    both.right.refer(theirs["one"], theirs["one"])
    await both.run(1)
    assert both.left.things[one].refs == {one, three}
    both.left.refer(one, three)
    await both.run(2)
    assert both.right.edges() == {("one", "three")}
    both.right.refer(theirs["one"])
    await both.run(3)
    assert both.left.edges() == both.right.edges() == set()
    await both.settled(4)


async def test_when_the_shown_one_is_deleted_the_next_one_is_shown(both: Both) -> None:
    for end in End:
        both = Both(single=True, deltas=both.left.deltas, drops=True)
        one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
        both.left.refer(one, two, three)
        await both.run()
        theirs = both.right.ids()
        if end is End.LEFT:
            both.left.remove(two)
        else:
            both.right.remove(theirs["two"])
        await both.run(1)
        await both.run(2)
        assert both.left.edges() == both.right.edges() == {("one", "three")}
        both.right.refer(theirs["one"])  # but what a person takes away does not come back
        await both.run(3)
        assert both.left.edges() == both.right.edges() == set()
        await both.settled(4)


async def test_what_goes_one_way_only_loses_nothing_when_the_shown_one_is_deleted() -> None:
    both = Both(single=True, drops=True)
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    await both.run()
    both.task = task(both.left, both.right, only_to="notion")
    theirs = both.right.ids()
    both.right.refer(theirs["one"], theirs["two"])
    await both.run(1)
    assert both.left.things[one].refs == {two}
    both.left.refer(one, two, three)
    both.left.remove(two)
    before = both.left.things[one].refs
    await both.run(2)
    await both.run(3)
    assert both.left.things[one].refs <= before
    assert both.right.things[theirs["one"]].refs == set()


async def test_a_place_that_is_taken_by_what_is_not_linked_is_left_alone() -> None:
    both = Both(single=True, deltas=True)
    one, two = both.left.add("one"), both.left.add("two")
    await both.run()
    theirs = both.right.ids()
    hidden = both.right.add("hidden")
    del both.right.things[hidden]
    both.right.refer(theirs["one"], hidden)
    await run(both.task, both.journal, minutes(1))
    both.left.refer(one, two)
    report = await run(both.task, both.journal, minutes(2))
    assert report.outcome.skipped
    assert both.right.things[theirs["one"]].refs == {hidden}
    assert both.left.things[one].refs == {two}


async def test_the_cost_follows_what_changed() -> None:
    both = Both(deltas=True)
    everything = [both.left.add(str(number)) for number in range(300)]
    for number, one in enumerate(everything[1:]):
        both.left.refer(one, everything[number], "dangling")
    await both.run()
    await both.run(1)
    for graph in (both.left, both.right):
        graph.calls.clear()
    await both.run(2)
    for graph in (both.left, both.right):
        assert graph.calls == {"changes": 1}
    both.left.refer(everything[5], everything[7], "dangling")
    await both.run(3)
    assert both.left.calls == {"changes": 2, "gone_among": 1}
    assert both.right.calls == {"changes": 2, "get": 1, "update": 1}


class Two:
    """Projects and what belongs to them, each with a task of its own; either may run first."""

    def __init__(self, *, reverse: bool, folder: Path | None = None) -> None:
        self.projects = {end: Graph(f"{end} projects", place=f"{end}-p") for end in End}
        self.left = Graph("left", refers_to=("left-p",))
        self.right = Graph("right", refers_to=("right-p", "its database"))
        one, other = End.LEFT, End.RIGHT
        if reverse:
            one, other = other, one
        self.first = task(self.projects[one], self.projects[other], name="projects")
        self.second = task(self.left, self.right, name="tasks", links="projects")
        if folder is not None:
            self.of_projects: Any = FileJournal(folder / "projects.json")
            self.of_tasks: Any = FileJournal(folder / "tasks.json")
        else:
            self.of_projects = Ledger()
            self.of_tasks = Ledger(beside={"projects": self.of_projects})
        self.first.schedule()

    def forget(self) -> None:
        all_tasks.discard(self.first)

    async def run(self, which: TwoWay, at: int = 0) -> dict[str, int]:
        journal = self.of_projects if which is self.first else self.of_tasks
        report = await run(which, journal, minutes(at))
        assert report.status == "succeeded", report.reason
        return dict(+report.outcome.counts)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("files", [False, True])
async def test_by_the_links_of_another_task_in_whatever_order(
    reverse: bool, files: bool, tmp_path: Path
) -> None:
    two = Two(reverse=reverse, folder=tmp_path if files else None)
    try:
        house = two.projects[End.LEFT].add("house")
        two.left.add("paint", house, "not shared")
        assert await two.run(two.second) == {"right_created": 1}
        assert two.right.things[two.right.ids()["paint"]].refs == set()
        await two.run(two.first)
        theirs = two.projects[End.RIGHT].ids()["house"]
        assert await two.run(two.second, 1) == {"right_updated": 1}
        assert two.right.things[two.right.ids()["paint"]].refs == {theirs}
        two.right.refer(two.right.ids()["paint"])
        plan = (await two.second.run(two.of_tasks, dry_run=True)).plan
        (update,) = plan.writes
        assert str(update.changes["refs"].old) == "house, not shared (not linked)"
        await two.run(two.second, 2)
        assert two.left.things[two.left.ids()["paint"]].refs == {"not shared"}
        before = writes(two.second)
        await two.run(two.second, 3)
        assert writes(two.second) == before
    finally:
        two.forget()


def test_a_task_whose_links_are_used_has_to_be_there_and_link_the_right_things() -> None:
    two = Two(reverse=False)
    try:
        (pair,) = [pair for pair in two.second.pairs or () if pair.links]
        described = {End.LEFT: two.left.describe(), End.RIGHT: two.right.describe()}
        assert turned(pair, two.second.sides, described) is False
        check_links([two.first, two.second])
        with pytest.raises(
            TaskDefinitionError, match=r"task 'tasks': .*links = 'projects', but no sync has this"
        ):
            check_links([two.second])
        two.projects[End.RIGHT].place = "another"
        with pytest.raises(
            TaskDefinitionError, match=r"it has to be the sync that links what 'refs' of left"
        ):
            turned(pair, two.second.sides, described)
    finally:
        two.forget()


async def test_references_to_another_place_need_a_word_which_task_links_it() -> None:
    two = Two(reverse=False)
    two.forget()
    alone = task(two.left, two.right, name="alone")
    with pytest.raises(TaskDefinitionError, match=r"refers to objects of another place .* links = \"…\""):
        await run(alone, Ledger())
    with pytest.raises(TaskDefinitionError, match="no sync has this name"):
        await run(two.second, Ledger())
    with pytest.raises(TaskDefinitionError, match="text and text are no references"):
        await run(TwoWay("x", two.left, two.right, {"title": {"to": "title", "links": "p"}}), Ledger())
    with pytest.raises(TaskDefinitionError, match="links is the name of the sync"):
        TwoWay("x", two.left, two.right, {"refs": {"to": "refs", "links": 3}})


async def test_an_undo_brings_references_back_on_both_sides(both: Both) -> None:
    one, two, three = (both.left.add(title) for title in ("one", "two", "three"))
    both.left.refer(one, two)
    await both.run()
    theirs = both.right.ids()
    kept: list[Effect] = []
    begin = both.journal.begin

    async def watched(intent: Any, effect: Effect | None = None) -> None:
        kept.extend([effect] if effect is not None else [])
        await begin(intent, effect)

    both.journal.begin = watched  # type: ignore[method-assign]
    both.left.refer(one, three, "elsewhere")
    assert await both.run(1) == {"right_updated": 1}
    assert both.right.edges() == {("one", "three")}

    def back(base: Any, views: Any, policy: Any) -> Any:
        return undo(kept[:1], base.links, {end: view.snapshot for end, view in views.items()}, policy)

    await both.task.run(both.journal, order=Order(planner=back, clock=lambda: minutes(2)))
    assert both.right.things[theirs["one"]].refs == {theirs["two"]}
    assert both.left.things[one].refs == {two, "elsewhere"}
    await both.settled(3)


def test_the_map_on_the_page_is_read() -> None:
    said = tomllib.loads(block("mapping.md", "# in the sync of tasks").text)["sync"]["map"]
    pairs = pairs_of(said, {})
    assert {pair.left: (pair.right, pair.links) for pair in pairs} == {
        "Name": ("name", None),
        "Project": ("project_id", "projects"),
        "Parent item": ("parent_id", None),
    }
