"""The state of a task that leaves one database and comes into another one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url, select, text

from config import get_settings
from tasks import OutcomeUnknownError
from tasks.journal.contract import Base, Cursor, Memory
from tasks.merge import End, Held, Intent, Link, Name
from tasks.values.canonical import dump
from tests.tasks.boards import START, Boards
from tests.tasks.ledger_entries import entry
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.restored import CAREFUL
from worker.session.run import run_session
from worker.store import RunRecord, SqlJournal, Store, schema
from worker.store.moving import CUT_OFF, TABLES, export_of, take_in
from worker.store.state_lines import StateFileError, opened, sealed
from worker.store.tables.fences import take_fence
from worker.store.tables.pauses import Pause

TASK = "boards"


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[list[Store]]:
    """Databases of both kinds."""
    postgres = request.getfixturevalue("postgres")
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE moving"))
    engine.dispose()
    made = [
        Store(f"sqlite:///{tmp_path_factory.mktemp('moving') / 'lockstep.db'}"),
        Store(make_url(postgres).set(database="moving").render_as_string(hide_password=False)),
    ]
    for store in made:
        store.migrate()
    yield made
    for store in made:
        store.close()


@pytest.fixture
def blank(houses: list[Store]) -> list[Store]:
    """Both know nothing."""
    for store in houses:
        with store.write() as connection:
            for table in schema.metadata.tables.values():
                connection.execute(table.delete())
        if store.file is not None:
            store.file.marks_path.unlink(missing_ok=True)
    return houses


@pytest.fixture(params=["from SQLite", "from PostgreSQL"])
def road(request: pytest.FixtureRequest, blank: list[Store]) -> tuple[Store, Store]:
    """From where to where."""
    return (blank[0], blank[1]) if request.param == "from SQLite" else (blank[1], blank[0])


def lines_of(store: Store, task: str = TASK) -> list[bytes]:
    with store.snapshot() as connection:
        return list(sealed(*export_of(connection, task, "1.0")))


def come_in(store: Store, lines: list[bytes], task: str = TASK, *, replace: bool = False) -> Any:
    head, rows = opened(lines)
    return take_in(store, task, store.runs.last_fence(task) + 1, head, rows, replace=replace)


def run(task: Boards, store: Store) -> RunRecord:
    lock = MemorySyncLock(MemoryLockStore())
    try:
        return asyncio.run(run_session(task.run_every(minutes=1), store=store, lock=lock))
    finally:
        lock.close()


def journal_of(store: Store, task: str = TASK) -> tuple[Any, ...]:
    """What the next run would begin with, in no order."""
    base = store.links.load(task)
    values = sorted(dump([one.left_id, one.right_id, dict(one.left), dict(one.right)]) for one in base.links)
    absent = {one.left_id: (one.parked, one.apart) for one in base.links}
    held = sorted((one.pair, one.reason, one.failures, one.next_try, one.name) for one in base.memory.held)
    memory = base.memory
    rest = dump([memory.forms, memory.scope, memory.own])
    cursors = {end: (dump(cursor.value), cursor.listed_at) for end, cursor in memory.cursors.items()}
    intents = sorted(
        (one.key, one.side, one.source_id, dump(dict(one.values)), repr(one)) for one in base.intents
    )
    return values, absent, held, rest, cursors, intents


def rows_of(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in schema.metadata.tables.values()
            if table is not schema.node
        }


# -- whatever is kept -------------------------------------------------------------------------------------------

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
value = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), plain, st.dates(), st.lists(plain, max_size=2),
    st.datetimes(timezones=st.just(UTC)), st.decimals(allow_nan=False).map(Decimal), st.just("\ud83d\0\u2028"),
)  # fmt: skip
values = st.dictionaries(plain, value, max_size=3)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
absences: list[dict[str, Any]] = [
    {},
    {"parked": frozenset({End.LEFT})},
    {"parked": frozenset(End)},
    {"parked": frozenset({End.RIGHT}), "apart": True},
]
parked = st.sampled_from(absences)


@st.composite
def bases(draw: st.DrawFn) -> Base:
    links = [
        Link(f"l{number}", f"r{number}", draw(values), draw(values), **draw(parked))
        for number in range(draw(st.integers(0, 4)))
    ]
    intents = [
        Intent(f"k{number}", draw(st.sampled_from(End)), "s", draw(values), draw(st.sampled_from([None, "t"])),
               draw(st.booleans()), draw(moments), draw(st.sampled_from(["", "hash"])))
        for number in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    held = [
        Held((f"l{number}", ""), "why", "content", number, draw(moments), draw(moments), Name("title", ""))
        for number in range(draw(st.integers(0, 2)))
    ]
    cursors = {end: Cursor(draw(value), draw(moments)) for end in draw(st.sets(st.sampled_from(End)))}
    forms = draw(st.none() | st.dictionaries(plain, plain, max_size=2))
    return Base(
        links, intents, Memory(forms, draw(st.sampled_from([None, "scope"])), cursors, held, draw(value))
    )


_met: Counter[str] = Counter()


@settings(max_examples=15, deadline=None)
@given(base=bases(), back=st.booleans(), conflicts=st.integers(0, 2))
def test_what_comes_in_is_what_went_out(houses: list[Store], base: Base, back: bool, conflicts: int) -> None:
    here, there = reversed(houses) if back else houses
    _met["examples"] += 1
    name, other = f"task {_met['examples']} a", f"task {_met['examples']} b"
    with here.write() as connection:
        take_fence(connection, name, 1)
    journal = SqlJournal(here, name, "", 1)

    async def keep() -> None:
        for link in base.links:
            await journal.confirm(put=link)
        for intent in base.intents:
            await journal.begin(intent)
        await journal.remember(base.memory)
        for number in range(conflicts):
            await journal.keep_conflict(entry(left=f"value {number}"))

    asyncio.run(keep())
    come_in(there, lines_of(here, name), other)
    assert journal_of(there, other) == journal_of(here, name)
    ledgers = [
        [one.entry for one in store.conflicts.list(task)] for store, task in ((here, name), (there, other))
    ]
    assert ledgers[0] == ledgers[1]
    assert lines_of(there, other)[1:-1] == lines_of(here, name)[1:-1]
    _met["linked"] += bool(base.links)
    _met["begun"] += bool(base.intents)
    _met["held"] += bool(base.memory.held)
    _met["told"] += bool(conflicts)


def test_all_of_that_was_met() -> None:
    missing = {name for name in ("examples", "linked", "begun", "held", "told") if not _met[name]}
    assert not missing


# -- runs before and after ------------------------------------------------------------------------------------------


class Unsure(Boards):
    """Now and then nobody knows what became of a write."""

    unsure = 0

    def _update(self, board: Any, row: Any, changes: dict[str, Any]) -> Any:
        made = super()._update(board, row, changes)
        if self.unsure:
            self.unsure -= 1
            raise OutcomeUnknownError("no answer")
        return made


def change(task: Boards, random: Random) -> None:
    """Somebody's edit, on either side."""
    task.later(minutes=5)
    board, letter = random.choice([(task.notion, "B"), (task.other, "b")])
    key = "A" if board is task.notion else "a"
    kind = random.choice(["add", "edit", "edit", "remove"])
    if kind == "add" or len(board.rows) < 3:
        board.add(**{key: f"row {board.made} of {board.name}", letter: "new"})
    elif kind == "edit":
        board.edit(random.choice(sorted(board.rows)), **{letter: str(random.random())})
    else:
        board.remove(random.choice(sorted(board.rows)))


def writes(task: Boards) -> int:
    return task.notion.writes + task.other.writes


@pytest.mark.parametrize("seed", range(6))
def test_after_a_move_nothing_is_written_that_was_not_edited(road: tuple[Store, Store], seed: int) -> None:
    random, (old, new) = Random(seed), road
    task = Unsure(deltas=bool(seed % 2))
    for number in range(6):
        task.pair(A=f"row {number}", B="")
    for _ in range(3):
        change(task, random)
        run(task, old)
    if seed % 3 == 0:  # an intent is open when it moves
        task.unsure = 1
        task.notion.edit(next(iter(task.notion.rows)), B="unsure")
        run(task, old)
        assert old.links.load(TASK).intents
    else:
        assert run(task, old).status == "succeeded"
    before = writes(task)
    come_in(new, lines_of(old))
    assert journal_of(new) == journal_of(old)
    assert new.runs.count_finished(TASK) == old.runs.count_finished(TASK)
    shown = task.notion.shown(), task.other.shown()
    calls = Counter(task.notion.calls)
    assert run(task, new).status == "succeeded"
    assert writes(task) == before
    assert (task.notion.shown(), task.other.shown()) == shown
    assert task.notion.calls["list"] == calls["list"] + 1, "it is listed in full"
    change(task, random)
    assert run(task, new).status == "succeeded", "and then it goes on as ever"
    assert writes(task) > before


def test_an_older_state_takes_nothing_back_without_a_word(road: tuple[Store, Store]) -> None:
    old, new = road
    task = Boards(deltas=True)
    pairs = [task.pair(A=f"row {number}", B="") for number in range(4)]
    run(task, old)
    lines = lines_of(old)
    task.later(minutes=1)
    task.notion.edit(pairs[0][0], B="one")
    run(task, old)
    task.later(minutes=1)
    task.other.edit(pairs[0][1], b="")  # taken back by a person, which looks as if only Notion had changed
    before = writes(task)
    come_in(new, lines)
    halted = run(task, new)
    assert (halted.status, halted.reason.startswith(CAREFUL), writes(task)) == ("halted", True, before)
    assert len(new.plans.list()) == 1


def test_a_state_in_the_place_of_another_one_drops_no_history(road: tuple[Store, Store]) -> None:
    old, new = road
    task = Boards(mode="error")
    ours, theirs = task.pair(A="row", B="")
    run(task, old)
    early = lines_of(old)
    task.notion.edit(ours, B="ours")
    task.other.edit(theirs, b="theirs")
    assert run(task, old).status == "conflicts"
    come_in(new, early)
    assert run(task, new).status == "halted" or new.conflicts.count(TASK)
    ran = new.runs.count_finished(TASK)
    with pytest.raises(StateFileError, match="has a state already"):
        come_in(new, lines_of(old))
    came = come_in(new, lines_of(old), replace=True)
    assert came.known["run"] == 1
    assert journal_of(new) == journal_of(old)
    assert (new.runs.count_finished(TASK), ran) == (3, 2)
    assert new.conflicts.count(TASK) == 1
    again = come_in(new, lines_of(old), replace=True)
    assert (again.new["run"], again.new["conflict"], again.new["effect"]) == (0, 0, 0)
    come_in(old, early, replace=True)
    assert (old.conflicts.count(TASK), old.runs.count_finished(TASK)) == (1, 2)


def test_runs_that_were_pruned_stay_counted(blank: list[Store]) -> None:
    old, new = blank
    task = Boards()
    task.pair(A="row", B="")
    run(task, old), run(task, old)
    with old.write() as connection:
        connection.execute(schema.node.update().values(runs_pruned=5))
    come_in(new, lines_of(old))
    assert new.runs.count_finished(TASK) == 7
    come_in(new, lines_of(old), replace=True)
    assert new.runs.count_finished(TASK) == 7


def test_a_run_that_was_under_way_has_ended_elsewhere(blank: list[Store]) -> None:
    old, new = blank
    old.runs.start(RunRecord(run_id="cut", task=TASK, status="running", fence=1), None)
    come_in(new, lines_of(old))
    (found,) = new.runs.list(TASK)
    assert (found.status, found.reason, found.finished_at is None) == ("abandoned", CUT_OFF, False)


def test_a_pause_that_was_set_here_counts(blank: list[Store]) -> None:
    old, new = blank
    old.pauses.keep(Pause(task=TASK, since=START, by="anna"))
    old.timings.keep(TASK, {"every": "1h"}, "anna")
    new.pauses.keep(Pause(task=TASK, since=START, by="bert"))
    come_in(new, lines_of(old))
    assert (new.pauses.all()[TASK].by, new.timings.all()[TASK].by) == ("bert", "anna")


# -- what is refused, and what a crash leaves --------------------------------------------------------------------


@pytest.fixture
def state(blank: list[Store]) -> list[bytes]:
    """Lines of a state with something in most tables; the other database has an earlier one."""
    return made_state(blank[0], blank[1])


def made_state(old: Store, new: Store) -> list[bytes]:
    task = Boards(mode="error")
    pairs = [task.pair(A=f"row {number}", B="") for number in range(5)]
    run(task, old)
    come_in(new, lines_of(old))
    task.later(minutes=1)
    task.notion.edit(pairs[0][0], B="ours")
    task.other.edit(pairs[0][1], b="theirs")
    task.notion.edit(pairs[1][0], B="carried")
    run(task, old)
    return lines_of(old)


def test_whatever_is_cut_off_or_changed_leaves_the_old_state(road: tuple[Store, Store]) -> None:
    new, state = road[1], made_state(*road)
    whole = b"".join(state)
    before = rows_of(new)
    random = Random(1)
    cuts = [
        0,
        1,
        *(random.randrange(len(whole)) for _ in range(25)),
        len(whole) - len(state[-1]),
        len(whole) - 2,
    ]
    broken = [whole[:cut] for cut in cuts]
    broken += [b"".join([*state[:place], *state[place + 1 :]]) for place in range(len(state) - 1)]
    broken += [b"".join([*state, state[1]]), whole.replace(b"carried", b"Carried")]
    assert whole not in broken
    for part in broken:
        with pytest.raises(StateFileError):
            come_in(new, part.splitlines(keepends=True), replace=True)
    assert rows_of(new) == before
    come_in(new, state, replace=True)
    assert rows_of(new) != before


@pytest.mark.parametrize("at", [1, 12])
def test_a_crash_in_the_middle_leaves_the_old_state(road: tuple[Store, Store], at: int) -> None:
    new, state = road[1], made_state(*road)
    before = rows_of(new)
    new.engine.dispose()
    address = new.engine.url.render_as_string(hide_password=False)
    child = os.fork()
    if not child:
        try:
            killed_at(address, state, at)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    deadline = time.monotonic() + 20
    while rows_of(new) != before:  # the server needs a moment to see that the client is gone
        assert time.monotonic() < deadline
    come_in(new, state, replace=True)


def killed_at(address: str, lines: list[bytes], at: int) -> None:
    store = Store(address)
    head, rows = opened(lines)

    def some() -> Iterator[Any]:
        for number, row in enumerate(rows):
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield row

    take_in(store, TASK, store.runs.last_fence(TASK) + 1, head, some(), replace=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda head: head.replace(b'"version":1', b'"version":2'), "this one reads up to 1"),
        (lambda head: head.replace(b"lockstep state", b"something else"), "no state"),
        (lambda head: b"{}\n", "no state"),
        (lambda head: b"[1]\n", "no state"),
        (lambda head: b"\x00\xff\n", "no state"),
        (lambda head: head.replace(b'"task"', b'"of"'), "line 1 cannot be read"),
    ],
)
def test_a_first_line_that_says_something_else_is_refused(
    blank: list[Store], state: list[bytes], change: Callable[[bytes], bytes], told: str
) -> None:
    with pytest.raises(StateFileError, match=told):
        come_in(blank[1], [change(state[0]), *state[1:]], replace=True)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("linkk", {}), "no table 'linkk'"),
        (("link", {"colour": "red"}), "no column 'colour'"),
        (("link", {"left_id": "a"}), "right_id is missing"),
        (("memory", {"forms": "{", "cursors": "{}"}), "row of table memory cannot be read"),
        (("tally", {"name": "runs", "value": "1"}), "value is no float"),
        (("pause", {"since": "2026-01-01", "by": "", "why": ""}), "since is no time"),
        (("pruned", {"runs": -1}), "cannot be read"),
    ],
)
def test_rows_that_this_version_does_not_know_are_refused(
    blank: list[Store], row: tuple[str, dict[str, Any]], told: str
) -> None:
    with blank[0].snapshot() as connection:
        head, _ = export_of(connection, TASK, "1.0")
    with pytest.raises(StateFileError, match=told):
        come_in(blank[1], list(sealed(head, [row])))
    assert not blank[1].knows(TASK)


def test_runs_of_another_task_of_this_database_are_refused(blank: list[Store], state: list[bytes]) -> None:
    before = rows_of(blank[0])
    with pytest.raises(StateFileError, match="of 'boards': two tasks"):
        come_in(blank[0], state, "second")
    assert rows_of(blank[0]) == before


def test_a_state_of_the_first_version_is_read_for_ever(blank: list[Store]) -> None:
    """When this fails, the form has changed: give it another version, and read both."""
    lines = (Path(__file__).parent / "state-1.jsonl").read_bytes().splitlines(keepends=True)
    came = come_in(blank[1], lines)
    assert set(came.new) == {table.name for table in TABLES}
    base = blank[1].links.load(TASK)
    assert {one.left_id: dict(one.left) for one in base.links}["n2"] == {"A": "row 1", "B": "carried"}
    assert [one.key for one in base.intents] == ["begun"]
    assert [(one.pair, one.failures) for one in base.memory.held] == [(("n3", "o3"), 1), (("n1", "o1"), 0)]
    assert blank[1].runs.count_finished(TASK) == 5
