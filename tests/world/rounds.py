"""What happens in a world, round by round: users edit, then the engine runs and meets the faults of the round."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tasks import ConflictMode
from tasks.engine.report import Order, RunReport
from tasks.errors import TaskError
from tasks.journal.state_links import base_of
from tests.world.loop import run_alone
from tests.world.services import FIELDS, SIDES, START, Broken, Services, Traits, opposite
from tests.world.task import WorldJournal, WorldTask
from tests.world.world import Crash, World

#: Services and a task of the simplest kind.
PLAIN = Traits()

#: How much was told since the process began.
TOLD: Counter[str] = Counter()

#: What was reached since the process began, by all histories.
REACHED: Counter[str] = Counter()


@dataclass(frozen=True)
class Round:
    """The users' moves, and what then happens to the run."""

    edits: tuple[tuple[Any, ...], ...] = ()
    faults: dict[int, str] = field(default_factory=dict)
    aimed: tuple[tuple[str, str, str], ...] = ()
    hidden: dict[str, set[str]] = field(default_factory=dict)
    odd: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    #: Whether somebody asks for the plan first.
    dry: bool = False
    #: Whether an attribute is taken out of the mapping for this run.
    narrow: bool = False
    #: Whether the run follows the last one at once, so that what failed may still have to wait.
    soon: bool = False
    #: The tokens that the task's filter leaves out from now on; `None` leaves it as it is.
    scope: frozenset[str] | None = None


@dataclass(frozen=True)
class History:
    """All that happens in one world; the same history gives the same trace."""

    start: dict[str, tuple[str, str, str]]
    rounds: tuple[Round, ...]
    mode: ConflictMode = ConflictMode.NEWER
    traits: Traits = PLAIN


def begin(history: History) -> tuple[World, WorldJournal]:
    """A world with the objects of the start."""
    world = World(traits=history.traits)
    journal = WorldJournal(world)
    for token, (title, note, where) in history.start.items():
        differs = where == "differs" and not history.traits.titled
        if where != "other":
            world.user_creates("notion", token, title, note)
        if where != "notion":
            if history.traits.titled and where != "other":
                world.sides["other"] |= twin(world, token)
            else:
                world.user_creates("other", token, title + ("!" if differs else ""), note)
    return world, journal


def twin(world: World, token: str) -> dict[str, Any]:
    """The same object on the other side, for worlds in which users do not make a thing twice."""
    source = world.find("notion", token)
    assert source is not None
    obj = source.copy()
    obj.id = "o" + source.id
    obj.edited = world.moment("other")
    for name in FIELDS:
        obj.values[name] = world.stored("other", obj.values[name])
        world.note(token, name, "user", "other", obj.values[name])
    world.appeared["other", token] = world.now
    return {obj.id: obj}


def play(world: World, edit: tuple[Any, ...]) -> None:
    """One move of the users."""
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
        before = START + timedelta(minutes=world.now)
        for side, value in (("notion", "b"), ("other", "c")):
            world.user_edits(side, token, name, value)
            obj = world.find(side, token)
            if obj is not None:
                obj.edited = world.as_shown(side, before)
    else:
        world.tick(rest[0])


def play_round(world: World, journal: WorldJournal, mode: ConflictMode, each: Round) -> str:
    """Edits, then one run; how it ended."""
    for edit in each.edits:
        play(world, edit)
    world.faults, world.aimed = dict(each.faults), list(each.aimed)
    world.hidden = each.hidden
    world.clock += timedelta(seconds=20) if each.soon else timedelta(days=2)
    if each.scope is not None:
        change_scope(world, each.scope)
    world.odd = {side: odd for side, odd in each.odd.items() if may_befall(world, odd[0])}
    for kind in {*(kind for kind, _ in world.odd.values()), *(["hidden"] if world.hidden else [])}:
        world.reached[f"listing - {kind}"] += 1
    attributes = FIELDS[:1] if each.narrow and mode in (ConflictMode.NEWER, ConflictMode.ERROR) else FIELDS
    plan = dry_run(world, journal, mode, attributes) if each.dry else None
    return run(world, journal, mode, attributes, plan)


def change_scope(world: World, tokens: frozenset[str]) -> None:
    """Let the task's filter leave out these objects, as far as they are linked: others would be made anew."""
    world.filtered = {
        obj.id
        for side, objs in world.sides.items()
        for obj in objs.values()
        if (side == "notion" or len(tokens) > 1)
        and obj.values["Token"] in tokens
        and world.is_linked(side, obj.id)
    }


def may_befall(world: Services, fault: str) -> bool:
    """Against old versions only services help that refuse to write over what they did not show."""
    if fault in ("late", "expired"):
        return world.traits.deltas
    return world.traits.strict or fault not in ("stale", "absent")


def dry_run(world: World, journal: WorldJournal, mode: ConflictMode, attributes: tuple[str, ...]) -> Any:
    """The plan; asking for it changes nothing anywhere."""
    world, journal = copy.deepcopy((world, journal))
    kept, shown = copy.deepcopy((journal.state, world.sides))
    world.begin_run(mode.value, attributes)
    task = WorldTask(world, mode, attributes=attributes)
    order = Order(dry_run=True, clock=world.later)
    try:
        report = run_alone(task.run(journal, order=order))
    except TaskError:
        return None
    finally:
        assert (world.effects, journal.state, world.sides) == (0, kept, shown), "a dry run wrote something"
    assert report.status == "planned"
    REACHED["dry - none"] += 1
    return report.plan


def run(
    world: World,
    journal: WorldJournal,
    mode: ConflictMode,
    attributes: tuple[str, ...] = FIELDS,
    planned: Any = None,
) -> str:
    """One run, as far as it comes."""
    world.begin_run(mode.value, attributes)
    task, order = WorldTask(world, mode, attributes=attributes), Order(clock=world.later)
    try:
        report = run_alone(task.run(journal, check_lock=world.check_lock, order=order))
    except Broken as broken:  # to an error that hypothesis shrinks
        raise AssertionError(str(broken)) from None
    except Crash:
        return "crashed"
    except TaskError:
        return "failed"
    world.unfinished = report.status != "succeeded"
    count(world, report)
    world.planned = len(report.plan.actions)
    if planned is not None:
        assert planned == report.plan, "the run did not do what the plan said"
    if report.status == "succeeded":
        assert {each[:2] for each in world.sent} <= {
            (type(action).__name__.lower(), SIDES[action.side]) for action in report.plan.writes
        }
        if not world.hidden and not world.odd:
            world.mark_equal()
            judge_clean_run(world, journal, report)
            if not report.outcome.skipped and not world.traits.piecemeal:
                assert len(world.sent) == len(report.plan.writes)
    return report.status


def judge_clean_run(world: World, journal: WorldJournal, report: RunReport) -> None:
    """One run without any fault is enough: both sides show the same at once."""
    parked = any(link.parked for link in base_of(journal.state).links)
    clean = not (world.faults or world.filtered or world.misread or parked or report.outcome.skipped)
    if clean and len(world.attributes) == len(FIELDS):
        assert world.equal_values(), "a run without faults left the sides different"


def count(world: World, report: RunReport) -> None:
    """Note which actions were planned, and under which faults of the listings."""
    faults = {"hidden"} if world.hidden else set()
    faults |= {kind for kind, _ in world.odd.values()}
    for action in report.plan.actions:
        rule = SIDES.get(getattr(action, "rule", ""), getattr(action, "rule", ""))
        name = type(action).__name__ + (f":{rule}" if rule else "")
        for fault in faults or {"-"}:
            world.reached[f"plan {name} {fault}"] += 1


def settle(world: World, journal: WorldJournal, mode: ConflictMode) -> str:
    """Without edits and faults both sides become equal, and then nothing is written any more."""
    world.faults, world.hidden, world.odd, world.aimed = {}, {}, {}, []
    world.filtered = set()
    status = ""
    for _ in range(6 if world.traits.deltas else 4):
        world.clock += timedelta(days=2)
        status = run(world, journal, mode)
        if status == "halted":
            return status  # a guard stopped it; nothing is lost, a person is asked
        if status == "conflicts":
            for token in sorted(obj.values["Token"] for obj in world.sides["notion"].values()):
                for name in FIELDS:
                    play(world, ("same", token, name, "a"))
    world.writes = 0
    assert run(world, journal, mode) == "succeeded"
    assert (world.writes, world.planned) == (0, 0)
    # What was deleted when the task's scope changed is only out of sight, for all that anybody knows.
    parked = {link.left_id: link.right_id for link in base_of(journal.state).links if link.parked}
    for side, ids in (("notion", parked.keys()), ("other", parked.values())):
        for obj_id in ids:
            world.sides[side].pop(obj_id, None)
    assert world.equal_values(), [
        sorted(tuple(sorted(obj.values.items())) for obj in world.sides[side].values())
        for side in world.sides
    ]
    for ours, theirs in journal.state.ids.items() - parked.items():
        notion, other = world.sides["notion"].get(ours), world.sides["other"].get(theirs)
        assert notion is not None and other is not None, f"the link of {ours} and {theirs} outlived them"  # noqa: PT018
        assert notion.values["Token"] == other.values["Token"]
    assert len(journal.state.ids) - len(parked) == len(world.sides["notion"])
    assert parked or journal.state.intents == {}
    return status


def tell(history: History) -> World:
    """The whole history, judged; what it reached is counted."""
    world, journal = begin(history)
    for each in history.rounds:
        status = play_round(world, journal, history.mode, each)
        world.reached[f"end - {status}"] += 1
    settle(world, journal, history.mode)
    REACHED.update(world.reached)
    hands = Counter(line.split()[1] for line in world.trace if line[0].isdigit())
    TOLD.update(
        histories=1, runs=world.runs, edits=hands["user"], writes=hands["sync"], conflicts=len(world.ledger)
    )
    return world
