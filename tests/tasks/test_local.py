"""Tasks that run in this process, with their state in files."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks import ItemError, Listing, SideError, State, StateError, TaskError, run_all_tasks
from tasks.journal.file import MOVED, FileJournal
from tasks.journal.ledger import LedgerEntry
from tasks.local import run_once
from tasks.merge import End, Intent, Link
from tasks.values.canonical import dump, load
from tests.tasks.ledger_entries import entry
from tests.tasks.sync_task.seed_style import START, AsyncToDos, Page, Services, ToDo, ToDos

LATER = START + timedelta(hours=1)


@pytest.mark.parametrize("kind", [ToDos, AsyncToDos])
async def test_awaiting_a_task_keeps_both_sides_in_step(kind: type[ToDos]) -> None:
    services = Services()
    task = kind(services)
    milk, bread = services.page("Milk"), services.todo("Bread")
    services.page("Both"), services.todo("Both", completed=True, modified=LATER)
    await task
    assert services.agreed() == [("Both", True), ("Bread", False), ("Milk", False)]
    assert ("notion", "update", "p3", "Done", True) in services.writes

    services.writes.clear()
    await task
    assert services.writes == []

    milk.title, milk.edited = "Oat milk", LATER
    bread.completed, bread.modified = True, LATER
    services.pages = [page for page in services.pages if page.title != "Both"]
    await task
    assert services.agreed() == [("Bread", True), ("Oat milk", False)]
    assert sorted(services.writes) == [
        ("notion", "update", services.find(Page, "Bread").id, "Done", True),
        ("other", "delete", "t4"),
        ("other", "update", services.find(ToDo, "Oat milk").uid, "summary", "Oat milk"),
    ]

    services.writes.clear()
    await task
    assert services.writes == []


def test_all_tasks_run_to_their_ends_and_the_failure_of_one_is_told() -> None:
    good, bad = Services(), Services()
    good.page("Milk")

    class Unreachable(ToDos):
        def get_other_objects(self) -> list[Any]:
            raise SideError("the other side is down")

    ToDos(good, "b").in_total(2).schedule()
    Unreachable(bad, "a").schedule()
    with pytest.raises(SideError, match="the other side is down"):
        run_all_tasks(debug=True)
    assert good.agreed() == [("Milk", False)]


async def test_a_total_and_a_period_are_kept() -> None:
    class Counting(ToDos):
        starts: list[float]

        def open(self) -> None:
            self.starts.append(loop.time())

        async def close(self) -> None:
            await asyncio.sleep(0.9)

    loop = asyncio.get_running_loop()
    task = Counting(Services()).run_every(seconds=1).in_total(3)
    task.starts = []
    await task
    assert len(task.starts) == 3
    pauses = [later - earlier for earlier, later in zip(task.starts, task.starts[1:], strict=False)]
    # Between the starts, not after the ends; a busy machine may begin one late.
    assert sum(pauses) > 1.9, pauses
    assert all(pause < 1.85 for pause in pauses), pauses


async def test_a_run_with_a_failed_object_raises_and_keeps_what_was_done(state_dir: Path) -> None:
    class Picky(ToDos):
        def other_create_obj(self, **kwargs: Any) -> Any:
            if kwargs["summary"] == "Bad":
                raise ItemError("refused")
            return super().other_create_obj(**kwargs)

    services = Services()
    services.page("Bad"), services.page("Good")
    with pytest.raises(TaskError, match=r"^task 'to-dos': create in the other side for p1: refused$"):
        await Picky(services)
    state = State.read(state_dir / "to-dos.json")
    assert state is not None
    assert list(state.ids) == ["p2"]
    assert state.intents == {}


# -- the files ---------------------------------------------------------------------------------------------


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


ONE = Link("p70", "t70", {"Title": "a"}, {"Title": "a"})
TWO = Link("p2", "t2", {"Title": "b"}, {"Title": "b"})
CREATE = Intent("key", End.RIGHT, "p3", {"Title": "c"})
UPDATE = Intent("other key", End.LEFT, "t1", {"Title": ("x", 1.5)}, "p1")


async def written(path: Path) -> FileJournal:
    """A journal whose process was killed after its last line."""
    journal = FileJournal(path)
    assert (await journal.load()).links == []
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    await journal.begin(UPDATE)
    await journal.confirm(put=TWO, settle=["key"])
    return journal


async def test_a_journal_is_replayed_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    await written(path)
    assert not path.exists()
    base = await FileJournal(path).load()
    assert list(base.links) == [ONE, TWO]
    assert list(base.intents) == [UPDATE]

    again = FileJournal(path)
    await again.load()
    await again.confirm(drop=ONE, put=Link("p9", "t70", {}, {}), settle=["other key"])
    base = await FileJournal(path).load()
    assert {(link.left_id, link.right_id) for link in base.links} == {("p2", "t2"), ("p9", "t70")}
    assert list(base.intents) == []


async def test_a_half_written_last_line_is_as_if_never_written(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    journal = await written(path)
    whole = journal.changes.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(last, len(whole) - 1):
        journal.changes.write_bytes(whole[:end])
        base = await FileJournal(path).load()
        assert list(base.links) == [ONE]
        assert list(base.intents) == [CREATE, UPDATE]
        assert journal.changes.read_bytes() == whole[:end]  # reading changes nothing

    again = FileJournal(path)
    await again.load()
    await again.confirm(put=TWO)  # no new line is added to half a line
    assert list((await FileJournal(path).load()).links) == [ONE, TWO]


@pytest.mark.parametrize("line", [b"{", b"nonsense", b"{}", b"[]", b"7", b'{"put": {"a": 1}, "drop": null}'])
async def test_a_corrupt_line_in_the_middle_stops_the_task_and_nothing_is_touched(
    state_dir: Path, line: bytes
) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    journal = await written(task.state_path)
    State(ids={"p7": "t7"}).write(task.state_path)
    lines = journal.changes.read_bytes().split(b"\n")
    journal.changes.write_bytes(b"\n".join([lines[0], line, *lines[1:]]))
    before = contents(state_dir)
    with pytest.raises(StateError, match=r"to-dos\.journal, line 2 cannot be read") as caught:
        await task
    assert "Nothing was synced" in str(caught.value)
    after = contents(state_dir)
    assert {**after, "to-dos.lock": b""} == {**before, "to-dos.lock": b""}
    assert services.writes == []


async def test_an_unreadable_state_stops_the_task_and_is_not_touched(state_dir: Path) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    await written(task.state_path)
    task.state_path.write_text("{torn")
    journal = task.state_path.with_suffix(".journal").read_bytes()
    for _ in range(2):
        with pytest.raises(StateError, match="Nothing was synced"):
            await task
    assert task.state_path.read_text() == "{torn"
    assert task.state_path.with_suffix(".journal").read_bytes() == journal
    assert services.writes == []


async def test_a_run_that_fails_before_it_reads_its_state_does_not_lose_it(state_dir: Path) -> None:
    class Unreachable(ToDos):
        def open(self) -> None:
            raise SideError("no network")

    task = Unreachable(Services())
    State(ids={"p7": "t7"}).write(task.state_path)
    await written_after(task.state_path)
    with pytest.raises(SideError, match="no network"):
        await task
    base = await FileJournal(task.state_path).load()
    assert {(link.left_id, link.right_id) for link in base.links} == {("p7", "t7"), ("p70", "t70")}


async def written_after(path: Path) -> None:
    journal = FileJournal(path)
    await journal.load()
    await journal.confirm(put=ONE)


async def test_lines_from_several_threads_do_not_mix(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "x.json")
    await journal.load()
    long = "x" * 300_000
    links = [Link(f"p{number}", f"t{number}", {"Title": long}, {}) for number in range(12)]
    await asyncio.gather(*(journal.confirm(put=link) for link in links))
    assert len((await FileJournal(tmp_path / "x.json").load()).links) == len(links)


async def test_a_state_that_the_database_has_taken_over_is_refused(state_dir: Path) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    marker = json.dumps(MOVED) + "\n"
    State().write(task.state_path)
    task.state_path.write_text(marker)
    task.state_path.with_suffix(".journal").write_text("")
    with pytest.raises(StateError, match="kept by the database now: run it with `lockstep run to-dos`"):
        await task
    assert task.state_path.read_text() == marker
    assert services.writes == []


HOLDER = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(state_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the task's state files; it ends with its standard input."""
    state_dir.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state_dir / "to-dos.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


async def test_two_processes_do_not_run_a_task_at_once(holder: subprocess.Popen[str]) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    with pytest.raises(StateError, match="task 'to-dos' is running in another process"):
        await task
    assert services.writes == []
    holder.communicate()
    await task
    assert services.agreed() == [("Milk", False)]


async def test_two_runs_in_one_process_do_not_run_at_once() -> None:
    class Slow(ToDos):
        async def open(self) -> None:
            await asyncio.sleep(0.2)

    services = Services()
    ends = await asyncio.gather(Slow(services)(), Slow(services)(), return_exceptions=True)
    assert sorted(map(type, ends), key=str) == [type(None), StateError]


def test_a_state_directory_that_cannot_be_made_is_told(state_dir: Path) -> None:
    task = ToDos(Services()).schedule()
    state_dir.write_text("a file")
    with pytest.raises(StateError, match=r"state directory .*: (File exists|Not a directory)"):
        run_all_tasks()
    assert task.services.writes == []


async def test_a_dry_run_writes_nothing(state_dir: Path) -> None:
    services = Services()
    services.page("Milk")
    task = ToDos(services)
    await task
    await written_after(task.state_path)  # a killed run left a journal
    services.page("Bread")
    services.writes.clear()
    before = contents(state_dir)
    report = await run_once(task, dry_run=True)
    assert report.status == "planned"
    assert report.plan.counts() == {"create": 1, "unlink": 1}
    assert services.writes == []
    assert contents(state_dir) == before


def conflict(**changes: Any) -> LedgerEntry:
    edited = {"left_edited": START, "right_edited": START}
    return entry(**{**edited, "base": None, "left": "a\u2028b", "winner": None, "rule": "error", **changes})


async def test_the_ledger_keeps_every_conflict_once(tmp_path: Path) -> None:
    for _ in range(3):
        journal = FileJournal(tmp_path / "x.json")
        await journal.keep_conflict(conflict())
        await journal.keep_conflict(conflict(reason="told in other words"))
        await journal.keep_conflict(conflict(right="d"))
    lines = [load(line) for line in journal.ledger.read_text().split("\n") if line]
    assert [(line["first"]["value"], line["second"]["value"]) for line in lines] == [
        ("a\u2028b", "c"),
        ("a\u2028b", "d"),
    ]
    assert lines[0]["first"]["edited"] == START
    assert [(lines[0][place]["where"], lines[0][place]["stayed"]) for place in ("first", "second")] == [
        ("Notion", True),
        ("the other side", True),
    ]


async def test_a_line_of_an_older_version_is_known_and_half_a_line_is_passed_over(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "x.json")
    known = {
        "left_id": "p1", "right_id": "t1", "attribute": "Title", "base": None, "left": "a\u2028b",
        "right": "c", "left_edited": START, "right_edited": START, "winner": None, "rule": "error",
        "reason": "why", "name": {"title": "", "address": ""},
    }  # fmt: skip
    journal.ledger.write_text(f'{dump(known)}\n{{"fingerprint": "cut o\n')
    await journal.keep_conflict(conflict())
    assert journal.ledger.read_text().count("\n") == 2
    await journal.keep_conflict(conflict(right="d"))
    assert journal.ledger.read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("change", "left"),
    [(lambda services: services.pages.clear(), 2), (lambda services: None, 0)],
)
async def test_a_halted_run_is_an_error_here(change: Callable[[Services], None], left: int) -> None:
    services = Services()
    services.page("a"), services.page("b")
    task = ToDos(services)
    await task
    services.writes.clear()
    change(services)
    if left:
        with pytest.raises(TaskError, match="Notion lists no object at all, though 2 are linked"):
            await task
    else:
        await task
    assert len(services.todos) == 2
    assert services.writes == []


async def test_a_partial_listing_deletes_nothing() -> None:
    class Partial(ToDos):
        cut = False

        def get_notion_objects(self) -> list[Any]:
            everything = super().get_notion_objects()
            return Listing(everything[:1], partial="10 000 rows at most") if self.cut else everything

    services = Services()
    for title in "abc":
        services.page(title)
    task = Partial(services)
    await task
    services.writes.clear()
    task.cut = True
    await task
    assert services.writes == []
    assert len(services.todos) == 3
