"""References while something is not known: what is deleted across, what comes back, and what was never answered."""

from __future__ import annotations

import pytest

from tasks.errors import SideError
from tasks.scheduled import all_tasks
from tasks.sides import End
from tasks.values.references import References
from tests.tasks.references.graphs import Graph, Ledger, Thing, minutes, run, task, writes


@pytest.mark.parametrize("deltas", [False, True])
async def test_a_base_knows_what_was_deleted_when_it_is_restored(deltas: bool) -> None:
    """While it is gone, nothing is concluded from what refers to it; what a person says afterwards counts."""
    left, right = Graph("left", deltas=deltas), Graph("right", deltas=deltas)
    journal, sync = Ledger(), task(left, right)
    one, two, three = (left.add(title) for title in ("one", "two", "three"))
    left.refer(one, two)
    await run(sync, journal)
    theirs = right.ids()
    restored = left.things[two]
    left.remove(two)
    right.now = minutes(1)
    right.refer(theirs["one"], theirs["two"], theirs["three"])
    right.away_after = 0
    with pytest.raises(SideError):  # after the references went across, and before the deletion did
        await run(sync, journal, minutes(2))
    right.away_after = None
    assert left.things[one].refs == {two, three}
    assert theirs["two"] in right.things

    left.things[two] = Thing("two", refs=restored.refs)
    del left.gone[two]
    left.touch(two)
    right.now = minutes(3)
    right.refer(theirs["one"], theirs["three"])
    await run(sync, journal, minutes(4))
    assert left.edges() == right.edges() == {("one", "three")}
    before = writes(sync)
    await run(sync, journal, minutes(5))
    assert writes(sync) == before


async def test_what_a_service_drops_of_another_task_stays_across_until_that_task_has_run() -> None:
    """A project is deleted on one side and edited on the other: it is made again, and what belongs to it follows."""
    projects = {end: Graph(f"{end} projects", place=f"{end}-p") for end in End}
    left, right = Graph("left", refers_to=("left-p",)), Graph("right", refers_to=("right-p",))
    of_projects = Ledger()
    of_tasks = Ledger(beside={"projects": of_projects})
    first = task(projects[End.LEFT], projects[End.RIGHT], name="projects")
    second = task(left, right, name="tasks", links="projects")
    first.schedule()
    try:
        house = projects[End.LEFT].add("house")
        paint = left.add("paint", house)
        await run(first, of_projects)
        await run(second, of_tasks)
        theirs = projects[End.RIGHT].ids()["house"]
        assert right.things[right.ids()["paint"]].refs == {theirs}

        projects[End.LEFT].remove(house)
        left.gone[house] = left.version  # it says so of what it refers to, and drops the reference
        left.refer(paint)
        projects[End.RIGHT].things[theirs].note = "edited"
        projects[End.RIGHT].touch(theirs)
        await run(second, of_tasks, minutes(1))
        assert right.things[right.ids()["paint"]].refs == {theirs}
        await run(first, of_projects, minutes(2))
        await run(second, of_tasks, minutes(3))
        again = projects[End.LEFT].ids()["house"]
        assert again != house
        assert left.things[paint].refs == {again}
        assert right.things[right.ids()["paint"]].refs == {theirs}
        assert of_tasks.entries == []
    finally:
        all_tasks.discard(first)


async def test_one_that_was_chosen_without_an_answer_takes_none_of_the_others_away() -> None:
    left, right = Graph("left"), Graph("right", single=True)
    journal, sync = Ledger(), task(left, right)
    one, two, three, four = (left.add(title) for title in ("one", "two", "three", "four"))
    left.refer(one, two, three)
    await run(sync, journal)
    theirs = right.ids()
    assert right.edges() == {("one", "two")}
    right.refer(theirs["one"], theirs["four"])
    left.away_after, left.arrives = 0, True
    with pytest.raises(SideError):
        await run(sync, journal, minutes(1))
    left.away_after = None
    assert left.things[one].refs == {three, four}
    before = writes(sync)
    await run(sync, journal, minutes(2))
    await run(sync, journal, minutes(3))
    assert left.things[one].refs == {three, four}
    assert right.things[theirs["one"]].refs == {theirs["four"]}
    assert writes(sync) == before


async def test_what_refers_to_one_that_is_made_again_tells_the_same_on_both_sides() -> None:
    """Made without an answer, deleted where it came from and edited across, it has two links in one run."""
    left, right = Graph("left"), Graph("right")
    journal, sync = Ledger(), task(left, right)
    one = left.add("one")
    await run(sync, journal)
    two = left.add("two")
    left.refer(one, two)
    right.away_after, right.arrives = 0, True
    with pytest.raises(SideError):
        await run(sync, journal, minutes(1))
    right.away_after = None
    left.remove(two)
    right.things[right.ids()["two"]].note = "edited"
    right.touch(right.ids()["two"])
    for number in range(3):
        await run(sync, journal, minutes(2 + number))
    assert left.ids().keys() == right.ids().keys() == {"one", "two"}
    assert left.ids()["two"] != two
    assert left.edges() == right.edges()
    known = {References(((left_id, right_id),)) for left_id, right_id in journal.state.ids.items()}
    assert {journal.state.objs[one]["refs"], journal.state.others[one]["refs"]} <= {References(), *known}


async def test_the_next_one_is_not_shown_of_those_that_a_person_took_away_meanwhile() -> None:
    left, right = Graph("left", deltas=True), Graph("right", deltas=True, single=True)
    journal, sync = Ledger(), task(left, right)
    one, two, three = (left.add(title) for title in ("one", "two", "three"))
    left.refer(three, one, two)
    await run(sync, journal)
    assert right.edges() == {("three", "one")}
    left.remove(one)
    left.refer(three)
    for number in range(3):
        await run(sync, journal, minutes(1 + number))
        assert right.edges() == set()
        left.refer(two)  # so that each run has something to look at
    assert left.edges() == set()
    assert journal.state.objs[three]["refs"] == References()
