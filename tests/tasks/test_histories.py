"""Random histories of two users, a sync that fails and crashes, and an oracle that judges every write."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import ConflictMode
from tasks.errors import TaskError
from tasks.run import Order, run_task
from tests.world import START, Broken, Crash, World, WorldJournal, WorldTask, opposite

REACHED: Counter[str] = Counter()

# Often the same object and field: what follows on itself is what is hard.
TOKENS = st.sampled_from(["k1", "k1", "k2", "k3"])
NAMES = st.sampled_from(["Title", "Title", "Note"])
SIDES = st.sampled_from(["notion", "other"])
TEXTS = st.sampled_from(["", "a", "b", "c"])
EDIT = st.tuples(st.just("edit"), SIDES, TOKENS, NAMES, TEXTS)
EDITS = st.one_of(
    EDIT,
    EDIT,
    st.tuples(st.just("both"), TOKENS, NAMES),
    st.tuples(st.just("both"), TOKENS, NAMES),
    st.tuples(st.just("same"), TOKENS, NAMES, TEXTS),
    st.tuples(st.just("same"), TOKENS, NAMES, TEXTS),
    st.tuples(st.just("clash"), SIDES, TOKENS, NAMES, TEXTS),
    st.tuples(st.just("create"), SIDES, TOKENS, TEXTS, TEXTS),
    st.tuples(st.just("delete"), SIDES, TOKENS),
    st.tuples(st.just("gone"), TOKENS),
    st.tuples(st.just("wait"), st.integers(1, 5)),
)
KINDS = st.sampled_from(["before", "after", "crash-before", "crash-after"])
FAULTS = st.dictionaries(st.integers(0, 12), KINDS, max_size=2)
HIDDEN = st.one_of(st.just({}), st.just({}), st.dictionaries(SIDES, st.sets(TOKENS), min_size=1))
#: Anything at all; and a single edit whose write is cut off, which the next round's edits then meet.
ROUND = st.tuples(st.lists(EDITS, max_size=5), FAULTS, HIDDEN)
TORN = st.tuples(
    EDIT.map(lambda edit: [edit]),
    st.dictionaries(st.integers(0, 2), KINDS, min_size=1, max_size=1),
    st.just({}),
)
ROUNDS = st.lists(st.one_of(ROUND, ROUND, TORN), min_size=2, max_size=6)
#: Which objects stand on both sides from the start, and how they differ: a correlated start.
STARTS = st.dictionaries(
    TOKENS,
    st.tuples(TEXTS, TEXTS, st.sampled_from(["both", "both", "notion", "other", "differs"])),
    min_size=1,
)


def play(world: World, edit: tuple[Any, ...]) -> None:
    kind, *rest = edit
    if kind == "create":
        side, token, title, note = rest
        if (token, "") not in world.history:  # a token is one thing: a deleted one is not made anew
            world.user_creates(side, token, title, note)
    elif kind == "edit":
        world.user_edits(*rest)
    elif kind == "delete":
        world.user_deletes(*rest)
    elif kind == "gone":  # deleted by both
        world.user_deletes("notion", rest[0])
        world.user_deletes("other", rest[0])
    elif kind == "clash":  # deleted by one, edited by the other
        side, token, name, value = rest
        world.user_edits(opposite(side), token, name, value)
        world.user_deletes(side, token)
    elif kind == "same":  # two people, one thought
        token, name, value = rest
        for side in ("notion", "other"):
            world.user_edits(side, token, name, value)
    elif kind == "both":  # two people, one field, the same minute
        token, name = rest
        before = world.now
        for side, value in (("notion", "b"), ("other", "c")):
            world.user_edits(side, token, name, value)
            obj = world.find(side, token)
            if obj is not None:
                obj.edited = START + timedelta(minutes=before)
    else:
        world.tick(rest[0])


def run(world: World, journal: WorldJournal, mode: ConflictMode) -> str:
    """One run, as far as it comes."""
    world.effects, world.mode, world.unsure = 0, mode.value, set(world.unconfirmed)
    try:
        report = asyncio.run(run_task(WorldTask(world, mode), journal, order=Order(clock=world.next_day)))
    except Broken as broken:  # to an error that hypothesis shrinks
        raise AssertionError(str(broken)) from None
    except Crash:
        return "crashed"
    except TaskError:
        return "failed"
    for action in report.plan.actions:
        rule = getattr(action, "rule", "")
        REACHED[type(action).__name__ + (f":{rule}" if rule else "")] += 1
    REACHED[f"status:{report.status}"] += 1
    world.planned = len(report.plan.actions)
    if report.status == "succeeded" and not world.hidden:
        world.mark_equal()
    return report.status


def settle(world: World, journal: WorldJournal, mode: ConflictMode) -> None:
    """Without edits and faults both sides become equal, and then nothing is written any more."""
    world.faults, world.hidden = {}, {}
    for _ in range(3):
        status = run(world, journal, mode)
        if status == "halted":
            return  # a guard stopped it; nothing is lost, a person is asked
    world.writes = 0
    assert run(world, journal, mode) == "succeeded"
    assert (world.writes, world.planned) == (0, 0)
    shown = [
        sorted(tuple(sorted(obj.values.items())) for obj in world.sides[side].values())
        for side in world.sides
    ]
    assert shown[0] == shown[1]
    linked = [
        (world.sides["notion"][ours].values["Token"], world.sides["other"][theirs].values["Token"])
        for ours, theirs in journal.state.ids.items()
    ]
    assert sorted(linked) == sorted((obj.values["Token"],) * 2 for obj in world.sides["notion"].values())
    assert journal.state.intents == {}


@settings(
    max_examples=int(os.environ.get("LOCKSTEP_EXAMPLES", "400")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(STARTS, ROUNDS, st.sampled_from([ConflictMode.NEWER, ConflictMode.NOTION, ConflictMode.OTHER]))
def check_histories(
    start: dict[str, tuple[str, str, str]],
    rounds: list[tuple[list[tuple[Any, ...]], dict[int, str], dict[str, set[str]]]],
    mode: ConflictMode,
) -> None:
    world = World()
    journal = WorldJournal(world)
    for token, (title, note, where) in start.items():
        if where != "other":
            world.user_creates("notion", token, title, note)
        if where != "notion":
            world.user_creates("other", token, title + ("!" if where == "differs" else ""), note)
    for edits, faults, hidden in rounds:
        for edit in edits:
            play(world, edit)
        world.faults = faults
        world.hidden = hidden
        status = run(world, journal, mode)
        REACHED[f"end:{status}"] += 1
    settle(world, journal, mode)
    REACHED.update(world.reached)


@pytest.mark.timeout(600)
def test_no_history_loses_an_edit_deletes_unasked_or_doubles() -> None:
    REACHED.clear()
    check_histories()
    needed = [
        "Adopt", "Agree", "Create", "Delete", "Skip", "Unlink", "Update",
        "Conflict:newer", "Conflict:tie", "Conflict:notion", "Conflict:other", "Conflict:edit beats delete",
        "end:succeeded", "end:failed", "end:crashed", "end:halted",
        "fault:before", "fault:after", "fault:crash-before", "fault:crash-after",
        "fault:journal-crash-before", "fault:journal-crash-after",
    ]  # fmt: skip
    missing = [name for name in needed if not REACHED[name]]
    assert not missing, f"never reached: {missing}; reached {dict(REACHED)}"
