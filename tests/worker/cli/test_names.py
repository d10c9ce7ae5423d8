"""Objects are called by their titles in what a person reads, on screens of every width."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from config import get_settings
from tasks import all_tasks
from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue
from tasks.journal.contract import Memory
from tasks.journal.ledger import LedgerEntry
from tasks.merge import (
    Adopt,
    Change,
    Create,
    Delete,
    End,
    Held,
    Name,
    Plan,
    Restore,
    Skip,
    Update,
)
from tasks.node_task import as_entry
from tests.tasks.boards import Boards
from tests.tasks.ledger_entries import entry
from worker.cli.app import app
from worker.cli.called import Called, labels
from worker.cli.keeping import conflicts, held
from worker.cli.runs import history, plans
from worker.cli.runs.plan_view import plan_json, plan_table
from worker.cli.runs.run import _show
from worker.store import RunRecord, Store
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.memory import Memories
from worker.telling.failures import CommandError
from worker.telling.screen import console, say, say_fields
from worker.telling.tables import table

PAGE = "2f1b0c9a-7d52-4e0b-9a57-5e1f6a0b7c1"
NOW = datetime.now(UTC)
NODES = (ResolutionSource.LOCAL, ResolutionSource.REMOTE)
HOSTILE = Name("[bold]Eve[/bold]\x1b[31m\nnext\tline\u202e " + "w" * 90, "javascript:alert(1)")
WIDTHS = pytest.mark.parametrize("width", [50, 80, 120, 240])


def name(title: str, number: int) -> Name:
    return Name(title, f"https://notes.example.org/{title.replace(' ', '-')}-{number}")


HELD = (
    Held(
        (PAGE + "1", "uid-1@phone"), f"page {PAGE}1: 'Due' holds a range", "x", 2, NOW, NOW, name("Water", 1)
    ),
    Held((PAGE + "2", ""), "refused", "x", 7, NOW, NOW + timedelta(days=1), name("Buy milk", 2)),
    Held((PAGE + "3", ""), "refused", "x", 7, NOW, NOW, name("Buy milk", 3)),
    Held((PAGE + "4", ""), "of an older version", "x", 0, NOW, NOW),
    Held((PAGE + "5", ""), "[red]odd[/red]", "x", 0, NOW, NOW, HOSTILE),
)
PLAN = Plan(
    (
        Create(side=End.RIGHT, source_id=PAGE + "1", values={"Name": "Tea"}, reason="new", name=name("Tea", 1)),
        Update(
            side=End.LEFT, left_id=PAGE + "2", right_id="u2", changes={"Due": Change(None, "2026-12-01")},
            source={}, reason="edited in the other side", name=name("Buy milk", 2),
        ),
        Delete(
            side=End.RIGHT, left_id=PAGE + "3", right_id="u3", values={"Name": "Buy milk"},
            reason="deleted in Notion, not edited in the other side since", name=name("Buy milk", 3),
        ),
        Adopt(left_id=PAGE + "4", right_id="uid-4", left={}, right={}, reason="the same", name=name("Call", 4)),
        Skip(side=End.LEFT, id=PAGE + "5", reason=f"cannot be read: page {PAGE}5", name=Name("Odd")),
        Skip(side=End.RIGHT, id="uid-6", reason=f"its counterpart may be {PAGE}5 in Notion"),
        Restore(side=End.RIGHT, former_id="uid-7", values={"Name": "x"}, reason="the run deleted it", name=HOSTILE),
    ),
    12,
)  # fmt: skip


def conflict(title: Name, attribute: str | None = "Due", number: int = 1) -> LedgerEntry:
    return entry(
        left_id=f"{PAGE}{number}", right_id=f"uid-{number}", attribute=attribute, base="2026-01-01",
        left="2026-02-01", right="2026-03-01", left_edited=NOW, right_edited=NOW,
        reason="Due edited on both sides; Notion was edited later", name=title,
    )  # fmt: skip


def of_a_node() -> LedgerEntry:
    lost = LostValue("customer", "42", "city", "Bonn", "Berlin", 0, 0, "local", *NODES)
    return as_entry(lost, "laptop", "office")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'lockstep.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    known = set(all_tasks)
    Boards("todos").run_every(hours=1).schedule()
    store = Store(url)
    store.migrate()
    with store.write() as connection:
        Memories.remember(connection, "todos", Memory(held=HELD))
        for one in (
            conflict(name("Water", 1)),
            conflict(HOSTILE, None, 2),
            conflict(Name(), number=3),
            of_a_node(),
        ):
            Conflicts.keep(connection, "todos", one, "r1")
    yield store
    store.close()
    all_tasks.intersection_update(known)
    get_settings.cache_clear()


Seen = Callable[..., str]


@pytest.fixture
def seen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Seen:
    def seen(command: Callable[..., Any], *arguments: Any, width: int = 240, **options: Any) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        command(*arguments, **options)
        text = capsys.readouterr().out
        assert max(len(line) for line in text.splitlines()) <= width
        assert text.isprintable() or not {sign for sign in text if not sign.isprintable()} - {"\n"}
        return text

    return seen


def words(text: str) -> str:
    """What is written, without regard to the lines."""
    return " ".join(text.split())


def squeezed(text: str) -> str:
    """The same without any space, so that an address in pieces is found."""
    return "".join(text.split())


@WIDTHS
def test_held_objects_have_titles_and_addresses(store: Store, seen: Seen, width: int) -> None:
    text = seen(held.held, None, as_json=False, width=width)
    for title in ("Water", "Buy milk", "[bold]Eve[/bold] [31m next line", f"{PAGE}4"):
        assert title in words(text)
    for hidden in (PAGE + "1", PAGE + "2", PAGE + "3", PAGE + "5", "uid-1@phone"):
        assert hidden not in text
    assert "page “Water”: 'Due' holds a range" in words(text)
    assert "[red]odd[/red]" in text
    assert "(…7c12)" in text
    assert "(…7c13)" in text  # two of one title
    assert "w" * 90 not in squeezed(text)
    if width != 120:  # there the title alone leads to it
        assert "https://notes.example.org/Buy-milk-2" in squeezed(text)


@WIDTHS
def test_ids_are_shown_to_who_asks(store: Store, seen: Seen, width: int) -> None:
    for text in (
        seen(held.held, "todos", ids=True, as_json=False, width=width),
        seen(conflicts.conflicts, None, limit=9, ids=True, as_json=False, width=width),
        seen(console().print, plan_table(PLAN, ids=True)) if width == 240 else PAGE + "1" + PAGE + "2",
    ):
        assert PAGE + "1" in text
        assert PAGE + "2" in text


def test_json_has_ids_and_titles(store: Store, seen: Seen) -> None:
    data = json.loads(seen(held.held, None, as_json=True, width=1000))["items"]
    found = {one["left_id"]: (one["title"], one["address"]) for one in data}
    assert found[PAGE + "2"] == ("Buy milk", "https://notes.example.org/Buy-milk-2")
    assert found[PAGE + "4"] == (None, None)
    data = json.loads(seen(conflicts.conflicts, None, limit=9, as_json=True, width=1000))["items"]
    assert data[-1] == {
        "id": 1,
        "task": "todos",
        "run_id": "r1",
        "at": data[-1]["at"],
        "title": "Water",
        "address": "https://notes.example.org/Water-1",
        "model": None,
        "attribute": "Due",
        "base": "2026-01-01",
        "stayed": [{"where": "Notion", "id": PAGE + "1", "value": "2026-02-01", "edited": NOW.isoformat()}],
        "lost": [
            {"where": "the other side", "id": "uid-1", "value": "2026-03-01", "edited": NOW.isoformat()}
        ],
        "rule": "newer",
        "why": "Due edited on both sides; Notion was edited later",
        "taken": None,
        "taken_at": None,
        "done_at": None,
        "done_by": None,
    }
    record = data[0]
    assert (record["model"], record["attribute"], record["title"]) == ("customer", "city", None)
    assert record["stayed"] == [{"where": "laptop", "id": "42", "value": "Bonn", "edited": None}]
    assert record["lost"] == [{"where": "office", "id": "42", "value": "Berlin", "edited": None}]
    assert set(record) == set(data[-1])  # who reads them needs not know what kind of task it was
    actions = plan_json(PLAN)["actions"]
    assert (actions[0]["title"], actions[0]["source_id"]) == ("Tea", PAGE + "1")
    assert all("name" not in action for action in actions)


@WIDTHS
def test_conflicts_have_titles_and_records_of_nodes_their_keys(store: Store, seen: Seen, width: int) -> None:
    text = seen(conflicts.conflicts, None, limit=9, as_json=False, width=width)
    for title in ("Water", "[bold]Eve[/bold] [31m next line", "customer 42", PAGE + "3"):
        assert title in words(text)
    assert PAGE + "1" not in text
    numbers = {
        one["title"]: one["id"]
        for one in json.loads(seen(conflicts.conflicts, None, limit=9, as_json=True))["items"]
    }
    shown = seen(conflicts.show, numbers["Water"], as_json=False, width=width)
    assert "Object Water" in words(shown)
    assert "https://notes.example.org/Water-1" in squeezed(shown)
    assert PAGE not in shown
    assert f"(Notion, {PAGE}1, edited" in words(
        seen(conflicts.show, numbers["Water"], ids=True, as_json=False, width=width)
    )
    older = next(one.id for one in store.conflicts.list() if one.entry.first.id == PAGE + "3")
    assert f"(Notion, {PAGE}3, edited" in words(seen(conflicts.show, older, as_json=False, width=width))


@WIDTHS
def test_plans_say_titles(store: Store, seen: Seen, width: int) -> None:
    plan_id = store.plans.keep(
        "todos", PLAN, "this run would delete 10 of 12 linked objects; nothing was written", "r"
    )
    listed = seen(plans.plans, None, as_json=False, width=width)
    assert {"Tea,", "(…7c12),", "(…7c13)", "…"} <= set(listed.split())
    if width in (50, 240):
        assert "Tea, Buy milk (…7c12), Buy milk (…7c13) …" in words(listed)
    text = seen(plans.plans, plan_id, as_json=False, width=width)
    titles = ("Tea", "Buy milk (…7c12)", "Buy milk (…7c13)", "Call", "uid-6", "[bold]Eve[/bold] [31m")
    for told in (*titles, "page “Odd”", "its counterpart may be “Odd” in Notion", "link both"):
        assert set(told.split()) <= set(text.split())
        assert width in (80, 120) or told in words(text)  # there cells have several lines
    for number in "12345":
        assert PAGE + number not in text
    if width == 240:
        assert "https://notes.example.org/Tea-1" in text


@WIDTHS
def test_a_run_says_titles_and_breaks_lines_at_words(seen: Seen, width: int) -> None:
    line = (
        f"update {PAGE}2 in Notion: page {PAGE}2: 'Due' holds a range, which a to-do cannot show; shorten it"
    )
    record = RunRecord(
        run_id="r", task="todos", status="failed", reason=f"{line}. See: lockstep apply 3f1b0c9a7d52",
        notes=["a note", *(f"leave uid-0000{number} in the other side: moved" for number in (1, 2))],
        names={(End.LEFT, PAGE + "2"): Name("Buy milk"), (End.RIGHT, "uid-00001"): HOSTILE},
    )  # fmt: skip
    text = seen(_show, record.told(), width=width)
    assert "update “Buy milk” in Notion: page “Buy milk”: 'Due' holds a range, which a to-do cannot" in words(
        text
    )
    assert "leave uid-00002 in the other side" in words(text)
    assert "lockstep apply 3f1b0c9a7d52" in text  # a command stands in one line
    for line in text.splitlines():
        assert set(line.split()) <= set(words(seen(_show, record.told(), width=1000)).split())


def test_the_history_says_titles_and_status_does_where_somebody_looks(
    store: Store, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {(End.LEFT, PAGE + "2"): Name("Buy milk")}
    reason = f"update {PAGE}2 in Notion: refused"
    store.runs.enter(
        RunRecord(run_id="r", task="todos", status="failed", reason=reason, names=names, finished_at=NOW)
    )
    assert "update “Buy milk” in Notion: refused" in words(
        seen(history.history, "todos", limit=5, as_json=False)
    )
    (run,) = json.loads(seen(history.history, "todos", limit=5, as_json=True))["items"]
    assert run["reason"] == reason
    runner = CliRunner()
    piped = words(runner.invoke(app, ["status"], env={"COLUMNS": "200"}).output)
    assert f"todos: {reason}" in piped
    assert "Buy milk" not in piped  # a monitor may have asked
    monkeypatch.setenv("FORCE_COLOR", "1")
    looked_at = words(Text.from_ansi(runner.invoke(app, ["status"], env={"COLUMNS": "200"}).output).plain)
    assert "todos: update “Buy milk” in Notion: refused" in looked_at


def test_a_sentence_is_one_line_where_nobody_looks(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    say("word " * 200, indent=2)
    assert capsys.readouterr().out.count("\n") == 1


def test_the_title_is_a_link_on_a_terminal_only_and_only_to_the_web() -> None:
    def drawn(address: str, *, terminal: bool) -> str:
        screen = Console(file=io.StringIO(), force_terminal=terminal, width=80, markup=False)
        screen.print(labels([Called(("n1", ""), Name("Milk", address))])[0])
        assert isinstance(screen.file, io.StringIO)
        return screen.file.getvalue()

    good = "https://notes.example.org/Milk"
    assert f";{good}\x1b\\Milk" in drawn(good, terminal=True)
    assert drawn(good, terminal=False) == "Milk\n"
    for bad in (
        "javascript:alert(1)",
        "https://x/\x1b]0;evil\x07",
        "https://x/a b",
        "file:///etc/passwd",
        "",
    ):
        assert drawn(bad, terminal=True) == "Milk\n"


def shown(*objects: tuple[str, str], task: str = "") -> list[str]:
    return [
        label.plain for label in labels([Called((one, ""), Name(title), task=task) for title, one in objects])
    ]


def test_titles_that_are_alike_are_told_apart() -> None:
    assert shown(("Milk", "abcd1"), ("Bread", "abcd2")) == ["Milk", "Bread"]
    assert shown(("Milk", "abcd1"), ("Milk", "abcd1")) == ["Milk", "Milk"]  # twice the same object
    assert shown(("Milk", "aaaa1234"), ("Milk", "bbbb1234")) == ["Milk (aaaa…)", "Milk (bbbb…)"]
    assert shown(("Milk", "aaaa-1234"), ("Milk", "aaaa-5678")) == ["Milk (…1234)", "Milk (…5678)"]
    assert shown(("Milk", "1"), ("Milk", "2")) == ["Milk (1)", "Milk (2)"]
    assert shown(("Mi\x1blk", "1"), ("Mi\nlk", "2")) == ["Mi lk (1)", "Mi lk (2)"]
    long = "x" * 50
    assert shown((f"{long}1", "aaaa-1"), (f"{long}2", "bbbb-2"))[0].endswith("… (aaaa…)")
    same = "0" * 40
    assert shown(("Milk", f"{same}1{same}"), ("Milk", f"{same}2{same}")) == [
        f"Milk ({same}1{same})",
        f"Milk ({same}2{same})",
    ]
    assert labels([Called(("n1", "o1"), Name(" \x1b\n "))])[0].plain == "n1 / o1"
    assert [
        one.plain
        for one in labels([Called(("1", ""), Name("M"), task="a"), Called(("2", ""), Name("M"), task="b")])
    ] == ["M", "M"]


def test_a_held_object_is_tried_again_by_its_title_or_its_id(store: Store, seen: Seen) -> None:
    with pytest.raises(
        CommandError, match=r"holds 2 objects with the title 'Buy milk': give the id .* --ids"
    ):
        held.retry("todos", "Buy milk")
    with pytest.raises(CommandError, match="holds no object 'Tea'"):
        held.retry("todos", "Tea")
    assert len(store.memories.held("todos")) == len(HELD)
    assert "todos: 1 object will be tried again" in seen(held.retry, "todos", "Water")
    assert "1 object will" in seen(held.retry, "todos", PAGE + "2")
    assert {one.pair[0][-1] for one in store.memories.held("todos")} == {"3", "4", "5"}


def test_spare_columns_give_way_and_empty_ones_are_not_there() -> None:
    def drawn(width: int, address: str) -> str:
        screen = Console(file=io.StringIO(), width=width, markup=False)
        rows = [("a", Text("Milk"), "why it is so", address)]
        screen.print(
            table(
                ("Kind", "Object", "Why", "Address"),
                rows,
                folded=("Why", "Address"),
                spare=("Address",),
                heads=2,
            )
        )
        assert isinstance(screen.file, io.StringIO)
        return screen.file.getvalue()

    address = "https://notes.example.org/" + "x" * 30
    assert drawn(100, address).split()[:4] == ["Kind", "Object", "Why", "Address"]
    assert drawn(60, address).split()[:4] == ["Kind", "Object", "Why", "a"]
    assert "Address" not in drawn(100, "-")
    assert drawn(16, address).splitlines()[0].rstrip() == "a  Milk"
    assert address in squeezed(drawn(16, address))


def test_a_terminal_gets_lines_of_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    screen = Console(file=io.StringIO(), force_terminal=True, width=50, markup=False, highlight=False)
    say(
        "to let just this through, and nothing more: lockstep apply 3f1b0c9a7d52. [b]",
        screen,
        indent=2,
        hang=2,
    )
    say_fields([("Address", "https://notes.example.org/" + "x" * 60), ("When", "now")], screen)
    assert isinstance(screen.file, io.StringIO)
    lines = [line.rstrip() for line in Text.from_ansi(screen.file.getvalue()).plain.splitlines()]
    assert lines[:2] == [
        "  to let just this through, and nothing more:",
        "    lockstep apply 3f1b0c9a7d52. [b]",
    ]
    assert max(map(len, lines)) <= 50
    assert lines[2].startswith("Address https://notes.example.org/")
    assert lines[-1] == "When    now"


def test_no_command_is_broken_where_it_fits() -> None:
    for width in range(30, 70):
        screen = Console(file=io.StringIO(), force_terminal=True, width=width, markup=False, highlight=False)
        say(
            "A run halted. To let just this through: lockstep apply 3f1b0c9a7d52. Or: lockstep run to-dos",
            screen,
        )
        assert isinstance(screen.file, io.StringIO)
        shown = screen.file.getvalue()
        assert "lockstep apply 3f1b0c9a7d52" in shown
        assert "lockstep run to-dos" in shown
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= width


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_an_error_is_wrapped_on_a_terminal(
    project: Path, environment: dict[str, str], command: list[str]
) -> None:
    screen, end = os.openpty()
    env = {**environment, "COLUMNS": "50", "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [*command, "run", "to-dis"], cwd=project, env=env, stderr=end, timeout=60, check=False
    )
    os.close(end)
    shown = os.read(screen, 10000).decode().replace("\r", "")
    os.close(screen)
    assert done.returncode == 2
    lines = Text.from_ansi(shown).plain.split()
    assert " ".join(lines) == "lockstep: there is no task 'to-dis': did you mean 'to-dos'?"
    assert all(len(line) <= 50 for line in Text.from_ansi(shown).plain.splitlines())
    assert shown.count("\n") == 2
