"""Random histories of two users, a sync that fails and crashes, and an oracle that judges every write.

`LOCKSTEP_EXAMPLES` is the number of histories of each kind.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import ConflictMode
from tests.world import REACHED, TOLD, History, Round, Traits, begin, chance, play_round, tell
from tests.world.figures import report
from tests.world.world import LISTING_FAULTS, WRITE_FAULTS

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "400"))
#: Counters add up in one process, so this file is not divided among several.
pytestmark = pytest.mark.timeout(7200)

TOKENS, NAMES, SIDES = (st.sampled_from(each) for each in (chance.TOKENS, chance.NAMES, chance.SIDES))
TEXTS = st.sampled_from(chance.TEXTS)
EDIT = st.tuples(st.just("edit"), SIDES, TOKENS, NAMES, TEXTS)
EDITS = st.one_of(
    EDIT,
    EDIT,
    st.tuples(st.just("both"), TOKENS, NAMES),
    st.tuples(st.just("same"), TOKENS, NAMES, TEXTS),
    st.tuples(st.just("clash"), SIDES, TOKENS, NAMES, TEXTS),
    st.tuples(st.just("create"), SIDES, TOKENS, TEXTS, TEXTS),
    st.tuples(st.just("delete"), SIDES, TOKENS),
    st.tuples(st.just("gone"), TOKENS),
    st.tuples(st.just("wait"), st.integers(1, 5)),
)
KINDS = st.one_of(st.sampled_from(WRITE_FAULTS[:4]), st.sampled_from(WRITE_FAULTS))
SETS = st.sets(TOKENS, min_size=1)
ODD = st.dictionaries(SIDES, st.tuples(st.sampled_from(LISTING_FAULTS[1:]), SETS), max_size=1)
#: Anything at all; and a single edit whose write is cut off, which the next round's edits then meet.
ANY_ROUND = st.builds(
    Round,
    st.lists(EDITS, max_size=5).map(tuple),
    st.dictionaries(st.integers(0, 12), KINDS, max_size=2),
    hidden=st.one_of(st.just({}), st.just({}), st.dictionaries(SIDES, SETS, min_size=1)),
    odd=st.one_of(st.just({}), st.just({}), ODD),
    dry=st.booleans(),
    narrow=st.sampled_from([False] * 7 + [True]),
    soon=st.booleans(),
    scope=st.one_of(*[st.none()] * 5, st.frozensets(TOKENS, max_size=2)),
)
TORN = st.builds(
    Round, EDIT.map(lambda edit: (edit,)), st.dictionaries(st.integers(0, 2), KINDS, min_size=1, max_size=1)
)
ROUNDS = st.lists(st.one_of(ANY_ROUND, ANY_ROUND, TORN), min_size=2, max_size=6).map(tuple)
#: Which objects stand on both sides from the start, and how they differ: a correlated start.
STARTS = st.dictionaries(
    TOKENS,
    st.tuples(TEXTS, TEXTS, st.sampled_from(["both", "both", "notion", "other", "differs"])),
    min_size=1,
)
DAYS = st.sampled_from([0, 0, 3, -1])
TRAITS = st.builds(Traits, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.tuples(DAYS, DAYS))


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """What all tests here came to, for whoever wants to quote it."""
    yield
    faults = Counter[str]()
    for name, times in REACHED.items():
        action, rest = name.split(" ", 1)
        if action not in ("plan", "end", "dry"):
            faults[("store " if action in chance.CALLS else "") + rest.rsplit(" ", 1)[1]] += times
    cells = [REACHED[" ".join(cell)] for cell in chance.CELLS]
    met = sum(bool(times) for times in cells)
    report("histories", **TOLD, faults=dict(faults), cells=len(cells), cells_met=met, least=min(cells))


def test_every_fault_meets_every_action_and_nothing_is_lost() -> None:
    for number in range(max(3, EXAMPLES // 200)):
        for cell in chance.CELLS:
            judge(chance.aimed(Random(f"{cell} {number}"), cell), f"cell {cell}, number {number}")
    for seed in range(EXAMPLES // 2):
        judge(chance.history(Random(seed)), f"seed {seed}")


def judge(history: History, name: str) -> None:
    """Tell a history; a failure shows what is needed to tell it again."""
    try:
        tell(history)
    except AssertionError as error:
        raise AssertionError(f"{error} ({name})") from error


# The same histories each time where there are few, so that a test run tells of a change and not of luck.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 400,
    suppress_health_check=list(HealthCheck),
)
@given(STARTS, ROUNDS, st.sampled_from(ConflictMode), TRAITS)
def test_no_history_loses_an_edit_deletes_unasked_or_doubles(
    start: dict[str, tuple[str, str, str]], rounds: tuple[Round, ...], mode: ConflictMode, traits: Traits
) -> None:
    tell(History(start, rounds, mode, traits))


def test_every_action_conflict_and_fault_was_reached() -> None:
    """What was never reached was never tested. It needs the histories of the test above."""
    if not REACHED:
        test_every_fault_meets_every_action_and_nothing_is_lost()
    print(table())
    needed = [" ".join(cell) for cell in chance.CELLS]
    needed += [f"plan {action} -" for action in chance.PLANNED] + [
        "plan Skip hidden",
        "any - lost",
        "dry - none",
        "batch - next",
    ]
    needed += [f"end - {status}" for status in ("succeeded", "failed", "crashed", "halted", "conflicts")]
    missing = [name for name in needed if not REACHED[name]]
    assert not missing, f"never reached: {missing}"


def table() -> str:
    """How often which fault met which action under which conflict."""
    rows = [f"{'action':8}{'conflict':20}{'fault':14}{'times':>7}"]
    for action, rule, fault in sorted({tuple(cell) for cell in chance.CELLS}):
        rows.append(f"{action:8}{rule:20}{fault:14}{REACHED[f'{action} {rule} {fault}']:7}")
    return "\n".join(rows)


def trace_of(seed: int) -> str:
    """All that happens in one history, as text."""
    return "\n".join(tell(chance.history(Random(seed))).trace)


def test_the_same_seed_gives_the_same_trace_in_any_process() -> None:
    """Else no failure could be told again."""
    code = (
        "import hashlib; from tests.tasks.engine.test_histories import trace_of\n"
        "print(hashlib.sha256(''.join(map(trace_of, range(30))).encode()).hexdigest())"
    )
    mine = hashlib.sha256("".join(map(trace_of, range(30))).encode()).hexdigest()
    for hash_seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False, timeout=600
        )
        assert ended.stdout.strip() == mine, ended.stderr


@pytest.mark.parametrize("seed", range(30))
def test_a_run_beyond_its_budget_writes_nothing(seed: int) -> None:
    """More than half deleted, blanked or changed is more often a mistake than a wish; anything less is not."""
    rng = Random(seed)
    size = rng.choice((6, 8, 12))
    tokens = [f"b{number}" for number in range(size)]
    start = dict.fromkeys(tokens, ("a", "a", "both"))
    world, journal = begin(History(start, ()))
    play_round(world, journal, ConflictMode.NEWER, Round())
    number, side, kind = rng.randint(1, size - 1), rng.choice(chance.SIDES), rng.choice(("delete", "", "c"))
    chosen = rng.sample(tokens, number)
    edits = [("delete", side, t) if kind == "delete" else ("edit", side, t, "Note", kind) for t in chosen]
    shown = world.equal_values()
    status = play_round(world, journal, ConflictMode.NEWER, Round(tuple(edits)))
    assert shown
    assert (status, world.sent == []) == (
        ("halted", True) if number > max(5, size / 2) else ("succeeded", False)
    )


@pytest.mark.parametrize("seed", range(25))
def test_what_stays_does_not_depend_on_which_side_is_asked(seed: int) -> None:
    """The same histories with the sides exchanged, far enough apart in time, end in the same values."""
    rng = Random(seed)
    start = {token: (rng.choice("ab"), rng.choice("ab"), "both") for token in ("k1", "k2", "k3")}
    edits = []
    for _ in range(rng.randint(2, 8)):
        edits += [("edit", rng.choice(chance.SIDES), rng.choice(chance.TOKENS), "Title", rng.choice("abcd"))]
        edits += [("wait", 10)]
    mirrored = [(e[0], "other" if e[1] == "notion" else "notion", *e[2:]) if len(e) > 2 else e for e in edits]
    for mode, opposite in (
        (ConflictMode.NEWER, ConflictMode.NEWER),
        (ConflictMode.NOTION, ConflictMode.OTHER),
    ):
        ends = []
        for moves, each in ((edits, mode), (mirrored, opposite)):
            world = tell(History(start, (Round(), Round(tuple(moves))), each))
            ends.append(sorted(sorted(obj.values.items()) for obj in world.sides["notion"].values()))
        assert ends[0] == ends[1]
