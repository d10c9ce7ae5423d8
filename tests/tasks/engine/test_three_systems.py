"""Three systems around one: an edit anywhere reaches all, nothing goes round, is doubled, or is lost.

Two tasks share their left side, as a Notion data source is shared by a calendar and a database. People edit, add and
delete at all three; either task runs whenever it likes, by changes or by full listings, and is cut off now and then.
What is judged is what people saw: a value may go only if somebody replaced or deleted it who could see it, or if it is
in the ledger.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.engine.report import Order
from tasks.errors import SideError
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.tasks.boards import Boards
from tests.world.loop import run_alone

REACHED: Counter[str] = Counter()
#: Rows that nobody deletes: a side that is emptied is for a person to decide.
LASTING = ("row 1", "row 3")
#: Rounds after which nothing may be left to do: across, back to the middle, and across again.
SETTLED = 5


class Ledger(StateJournal):
    """Keeps what lost."""

    def __init__(self) -> None:
        super().__init__(State())
        self.entries: list[LedgerEntry] = []

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)

    def values(self) -> set[Any]:
        """All that stands in it, of whole objects as well."""
        found = [version.value for entry in self.entries for version in entry.versions]
        return {one for value in found for one in (value.values() if isinstance(value, dict) else [value])}


@dataclass
class Town:
    """The three systems, the tasks between them, and what became of each value that a person wrote."""

    deltas: tuple[bool, bool]
    mode: str
    written: set[str] = field(default_factory=set)
    #: Values that a person replaced or deleted with their own hands, where they stood.
    let_go: set[str] = field(default_factory=set)
    made: int = 0

    def __post_init__(self) -> None:
        self.tasks = [Boards(f"task {n}", self.mode, deltas=deltas) for n, deltas in enumerate(self.deltas)]
        self.ledgers = [Ledger() for _ in self.tasks]
        middle = self.tasks[0].notion
        self.tasks[1].notion = middle
        self.boards = [middle, *(task.other for task in self.tasks)]
        for board in self.boards:
            board.clock = lambda: self.tasks[0].now

    def later(self, **delta: float) -> None:
        for task in self.tasks:
            task.later(**delta)

    def fresh(self) -> str:
        self.made += 1
        value = f"v{self.made}"
        self.written.add(value)
        return value

    def edit(self, kind: str, place: int, number: int) -> None:
        """Somebody does something at one of the three, with what stands there."""
        board, spelled = self.boards[place], str.upper if place == 0 else str.lower
        title, value = spelled("a"), spelled("b")
        rows = [board.rows[key] for key in sorted(board.rows)]
        if kind == "add":
            self.made += 1
            board.add(**{title: f"row {self.made}", value: self.fresh()})
        elif rows:
            row = rows[number % len(rows)]
            if kind == "remove" and row.values[title] in LASTING:
                return
            self.let_go.add(row.values[value])
            if kind == "edit":
                board.edit(row.id, **{value: self.fresh()})
            else:
                board.remove(row.id)
        REACHED[kind] += 1
        self.later(minutes=3)

    def run(self, which: int, *, writes: int | None = None, forgotten: bool = False) -> int:
        """One run of a task, cut off after so many writes or before its end was kept; how much it wrote."""
        task, ledger = self.tasks[which], self.ledgers[which]
        before = sum(board.writes for board in self.boards)
        memory = dict(ledger.state.memory)
        for board in (task.notion, task.other):
            board.broken_after = writes
        try:
            report = run_alone(task.run(ledger, order=Order(clock=task.clock)))
        except SideError:
            REACHED["cut off"] += 1
        else:
            assert report.status in {"succeeded", "failed", "incomplete"}, report.reason
            REACHED[report.status] += 1
            REACHED["conflicts"] += report.outcome.conflicts
        finally:
            for board in (task.notion, task.other):
                board.broken_after = None
        if forgotten and memory:
            ledger.state.memory = memory
            REACHED["forgotten"] += 1
        self.later(minutes=1)
        return sum(board.writes for board in self.boards) - before

    def settle(self) -> None:
        """Both tasks run until neither has anything to do, which is soon."""
        self.later(days=3)  # out of any quarantine
        for number in range(SETTLED):
            wrote = [self.run(0), self.run(1)]
            if wrote == [0, 0]:
                REACHED[f"settled after {number}"] += 1
                return
        raise AssertionError(f"they go on writing: {[board.shown() for board in self.boards]}")

    def judge(self) -> None:
        shown = [board.shown() for board in self.boards]
        assert shown[0] == shown[1] == shown[2]
        titles = [title for title, _ in shown[0]]
        assert len(titles) == len(set(titles)), f"made twice: {shown[0]}"
        kept = {value for _, value in shown[0]}.union(*(ledger.values() for ledger in self.ledgers))
        assert self.written - self.let_go <= kept, f"lost: {self.written - self.let_go - kept}"


PEOPLE = st.tuples(st.sampled_from(["edit", "edit", "add", "remove"]), st.integers(0, 2), st.integers(0, 5))
RUNS = st.tuples(st.integers(0, 1), st.one_of(st.none(), st.none(), st.integers(0, 3)), st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from(["newer", "notion", "other"]),
    st.lists(st.one_of(st.tuples(st.just("people"), PEOPLE), st.tuples(st.just("run"), RUNS)), max_size=25),
)
def check(deltas: tuple[bool, bool], mode: str, steps: list[Any]) -> None:
    town = Town(deltas, mode)
    for _ in range(4):
        town.edit("add", 0, 0)
    town.settle()
    for kind, step in steps:
        if kind == "people":
            town.edit(*step)
        else:
            which, writes, forgotten = step
            town.run(which, writes=writes, forgotten=forgotten)
    town.settle()
    town.judge()


def play(number: int) -> None:
    """A longer history that is the same each time, so that what is to be met is met."""
    chance = Random(number)
    steps: list[Any] = []
    for _ in range(20):
        if chance.random() < 0.6:
            kind = chance.choice(["edit", "edit", "add", "remove"])
            steps.append(("people", (kind, chance.randrange(3), chance.randrange(6))))
        else:
            steps.append(
                ("run", (chance.randrange(2), chance.choice([None, None, 0, 1, 2]), chance.random() < 0.3))
            )
    check.hypothesis.inner_test(
        (number % 2 == 0, number % 3 == 0), ("newer", "notion", "other")[number % 3], steps
    )


def test_one_edit_reaches_all_and_nothing_goes_round() -> None:
    REACHED.clear()
    check()
    for number in range(30):
        play(number)
    for kind in ("add", "edit", "remove", "conflicts", "cut off", "forgotten", "settled after 1"):
        assert REACHED[kind], REACHED


def test_a_row_that_is_deleted_while_another_system_holds_an_edit_stays_everywhere() -> None:
    town = Town((True, True), "newer")
    for _ in range(3):
        town.edit("add", 0, 0)
    town.settle()
    title = town.boards[2].rows["o1"].values["a"]
    town.boards[0].remove("n1")
    town.run(0)
    assert title not in {row.values["a"] for row in town.boards[1].rows.values()}
    town.boards[2].edit("o1", b="edited late")
    town.settle()
    for board in town.boards:
        assert (title, "edited late") in board.shown()
        assert len(board.rows) == 3


def test_an_edit_makes_one_write_at_each_of_the_others() -> None:
    town = Town((True, True), "newer")
    for _ in range(3):
        town.edit("add", 0, 0)
    town.settle()
    for board in town.boards:
        board.calls.clear()
    town.boards[1].edit("o2", b="said once")
    town.settle()
    assert [board.writes for board in town.boards] == [1, 0, 1]
    assert all("said once" in str(board.shown()) for board in town.boards)
