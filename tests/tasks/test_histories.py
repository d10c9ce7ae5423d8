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
from tasks.run import run_task
from tests.world import START, Broken, Crash, World, WorldJournal, WorldTask

REACHED: Counter[str] = Counter()

TOKENS = st.sampled_from(["k1", "k2", "k3"])
SIDES = st.sampled_from(["notion", "other"])
TEXTS = st.sampled_from(["", "a", "b", "c"])
EDITS = st.one_of(
    st.tuples(st.just("create"), SIDES, TOKENS, TEXTS, TEXTS),
    st.tuples(st.just("edit"), SIDES, TOKENS, st.sampled_from(["Title", "Note"]), TEXTS),
    st.tuples(st.just("edit"), SIDES, TOKENS, st.sampled_from(["Title", "Note"]), TEXTS),
    st.tuples(st.just("delete"), SIDES, TOKENS),
    st.tuples(st.just("wait"), st.integers(1, 5)),
    st.tuples(st.just("gone"), TOKENS),
    st.tuples(st.just("both"), TOKENS, st.sampled_from(["Title", "Note"])),
)
FAULTS = st.dictionaries(
    st.integers(0, 12), st.sampled_from(["before", "after", "crash-before", "crash-after"]), max_size=2
)
HIDDEN = st.one_of(st.none(), st.tuples(SIDES, st.sets(TOKENS)))
ROUNDS = st.lists(st.tuples(st.lists(EDITS, max_size=5), FAULTS, HIDDEN), min_size=1, max_size=5)
#: Which objects stand on both sides from the start, and how they differ: a correlated start.
STARTS = st.dictionaries(
    TOKENS, st.tuples(TEXTS, TEXTS, st.sampled_from(["both", "notion", "other", "differs"]))
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
    world.effects = 0
    try:
        report = asyncio.run(run_task(WorldTask(world, mode), journal))
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
    assert world.writes == 0
    shown = [
        sorted(tuple(sorted(obj.values.items())) for obj in world.sides[side].values())
        for side in world.sides
    ]
    assert shown[0] == shown[1]


@settings(
    max_examples=int(os.environ.get("LOCKSTEP_EXAMPLES", "400")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(STARTS, ROUNDS, st.sampled_from([ConflictMode.NEWER, ConflictMode.NOTION, ConflictMode.OTHER]))
def check_histories(
    start: dict[str, tuple[str, str, str]],
    rounds: list[tuple[list[tuple[Any, ...]], dict[int, str], tuple[str, set[str]] | None]],
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
        world.hidden = {hidden[0]: hidden[1]} if hidden else {}
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
