from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.merge import Deletion, Match, Window
from tasks.schedule import Schedule
from tasks.scheduled import all_tasks
from tasks.services.found import RESERVED
from tasks.sides import End
from tasks.tables import declare, ends
from tasks.tables.sync_table import SyncTable
from tasks.two_way import TwoWay
from tests.harness.distributions import announce
from tests.tasks.tables.doubles import Shelf

MODULE = "tests.tasks.tables.doubles"
TABLE = """
[[sync]]
name = "todos"
every = "5m"
[sync.board]
room = "kitchen"
[sync.book]
title = "Chores"
"""


@pytest.fixture(autouse=True)
def _no_tasks() -> Iterator[None]:
    before = set(all_tasks)
    all_tasks.clear()
    yield
    all_tasks.clear()
    all_tasks.update(before)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(tmp_path, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"}, "2.1")
    announce(tmp_path, "lockstep-book", {"book": f"{MODULE}:BOOK_SERVICE"})
    announce(tmp_path, "lockstep-odd", {"odd": f"{MODULE}:NO_SUCH", "clumsy": f"{MODULE}:CLUMSY_SERVICE"})
    monkeypatch.syspath_prepend(tmp_path)


def from_toml(text: str) -> list[TwoWay]:
    return declare(tomllib.loads(text)["sync"])


def table(**changes: Any) -> dict[str, Any]:
    values = {**tomllib.loads(TABLE)["sync"][0], **changes}
    return {key: value for key, value in values.items() if value is not ...}


def shelf(task: TwoWay, end: End) -> Any:
    side = task.sides[end]
    assert isinstance(side, Shelf)
    return side


def test_a_table_is_a_scheduled_task() -> None:
    text = TABLE.replace(
        'every = "5m"', 'every = "5m"\nin_total = 3\nconflict_mode = "book"\ndelete_share = 0.1'
    )
    (task,) = from_toml(
        text
        + """
pages = 7
password = "secret-word"
[sync.map]
Title = "heading"
Progress = { to = "state", values = { Later = "not started" }, conflict_mode = "board" }
Labels = { to = "words", only_to = "book" }
[sync.new.book]
words = ["from the board"]
"""
    )
    assert isinstance(task, TwoWay)
    assert task.name == "todos"
    assert (shelf(task, End.LEFT).label, shelf(task, End.RIGHT).label) == ("the board of kitchen", "the book")
    assert shelf(task, End.RIGHT).table.pages == 7
    assert shelf(task, End.RIGHT).table.password == SecretStr("secret-word")
    assert task.conflict_mode is ConflictMode.OTHER
    assert (task.delete_share, task.change_share) == (0.1, TwoWay.change_share)
    assert task.pairs is not None
    title, progress, labels = task.pairs
    assert (title.left, title.right, title.only_to, title.mode) == ("Title", "heading", None, None)
    assert (progress.values, progress.mode) == ({"Later": "not started"}, "left")
    assert labels.only_to is End.RIGHT
    assert task.constants == {End.RIGHT: {"words": ["from the board"]}}
    assert task.plan_schedule == Schedule(timedelta(minutes=5), 3)
    assert all_tasks == {task}
    assert "secret" not in f"{task} {vars(task)} {shelf(task, End.RIGHT).table}"


def test_a_table_may_have_all_policies() -> None:
    (task,) = from_toml(
        TABLE.replace(
            'every = "5m"',
            """every = "5m"
match = ["Title"]
create = "to_book"
settle = "30s"
leave = { from_board = "keep" }
delete = { to_board = "unlink", to_book = { mark = "state", value = "cancelled" } }
only = { board = { Progress = ["Later", "Now"] } }
window = { attribute = "When", past = "30d", undated = "leave out" }""",
        )
    )
    said = task.rules
    assert said.deletions == {End.LEFT: Deletion("unlink"), End.RIGHT: Deletion("mark", "state", "cancelled")}
    assert (said.match, said.creates) == (Match(("Title",)), frozenset({End.RIGHT}))
    assert (said.settle, said.leaves) == (timedelta(seconds=30), {End.LEFT: "keep", End.RIGHT: "unlink"})
    assert said.window == Window("When", timedelta(days=30), None, undated=False)
    assert said.filters == {End.LEFT: {"Progress": ["Later", "Now"]}}
    assert said.only_to is None
    all_tasks.clear()
    (mirror,) = declare([table(only_to="book", target_edits="keep")])
    assert (mirror.rules.only_to, mirror.rules.keeps_target_edits) == (End.RIGHT, True)


def test_guards_and_full_listings_are_set_in_the_table_too() -> None:
    (task,) = declare([table()])
    assert (task.handful, task.full_listing_every) == (TwoWay.handful, TwoWay.full_listing_every)
    all_tasks.clear()
    (task,) = declare([table(handful=0, full_listing_every="1d 12h")])
    assert (task.handful, task.full_listing_every) == (0, timedelta(hours=36))


def test_the_order_in_the_file_says_what_is_left() -> None:
    (task,) = from_toml(TABLE)
    assert shelf(task, End.LEFT).label == "the board of kitchen"
    assert task.pairs is None
    turned = {key: table()[key] for key in ("name", "every", "book", "board")}
    all_tasks.clear()
    (task,) = declare([turned | {"conflict_mode": "board"}])
    assert shelf(task, End.LEFT).label == "the book"
    assert task.conflict_mode is ConflictMode.OTHER


def test_notion_is_left_wherever_it_stands_in_the_file() -> None:
    for order in (("caldav", "notion"), ("notion", "caldav")):
        assert [end.word for end in ends.of({name: {} for name in order})] == ["notion", "caldav"]


def test_a_service_at_both_ends_is_written_twice() -> None:
    (task,) = from_toml(
        """
[[sync]]
name = "two boards"
once = true
conflict_mode = "second"
[[sync.board]]
room = "kitchen"
[[sync.board]]
room = "hall"
[sync.map]
Title = "Title"
Labels = { to = "Labels", only_to = "second" }
Progress = { to = "Progress", conflict_mode = "first" }
[sync.new.first]
Labels = ["new"]
"""
    )
    assert shelf(task, End.LEFT).label == "the board of kitchen"
    assert shelf(task, End.RIGHT).label == "the board of hall"
    assert task.conflict_mode is ConflictMode.OTHER
    assert task.pairs is not None
    assert [pair.only_to for pair in task.pairs] == [None, End.RIGHT, None]
    assert [pair.mode for pair in task.pairs] == [None, None, "left"]
    assert task.constants == {End.LEFT: {"Labels": ["new"]}}
    with pytest.raises(TaskDefinitionError) as caught:
        declare([table(board=[{"room": "a", "hue": 1}, {}], book=..., conflict_mode="board")])
    assert str(caught.value).partition(": ")[2] == (
        "unknown key 'board (first).hue', it may have room, loud; key 'board (second).room' is missing; "
        "conflict_mode: it is one of newer, error, first or second"
    )


def test_no_service_can_have_a_name_that_a_table_needs() -> None:
    tables = {name for name, field in SyncTable.model_fields.items() if "dict" in str(field.annotation)}
    assert {*tables, *ends.SAME, "newer", "error", "name"} == RESERVED


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h 30m", 5400),
        ("2h", 7200),
        ("1 hour", 3600),
        ("5 minutes", 300),
        ("1d", 86400),
    ],
)
def test_periods(every: str, seconds: int) -> None:
    (task,) = declare([table(every=every)])
    assert task.plan_schedule == Schedule(timedelta(seconds=seconds), None)


def test_once() -> None:
    (task,) = declare([table(every=..., once=True)])
    assert task.plan_schedule == Schedule(None, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"flavour": "red"},
            r"\[\[sync\]\] 'todos': unknown key 'flavour', it may have name, every, .*, board, book",
        ),
        ({"evry": "5m"}, "'todos': unknown key 'evry', did you mean 'every'"),
        ({"board": "kitchen"}, r"board is a service, and has a table: \[sync\.board\]"),
        ({"baord": {}, "board": ...}, "'todos': there is no service 'baord': did you mean 'board'"),
        ({"mpa": {"Title": "heading"}}, "'todos': there is no service 'mpa': did you mean 'map'"),
        ({"windw": {"attribute": "due"}}, "'todos': there is no service 'windw': did you mean 'window'"),
        (
            {"xyz": {}, "board": ...},
            r"'todos': there is no service 'xyz': there are 'board', 'book', 'caldav', [^;]*'sql'$",
        ),
        ({"odd": {}, "board": ...}, "service 'odd' of lockstep-odd 1.0 cannot be loaded: AttributeError"),
        ({"board": ...}, r"needs the tables of two services, as \[sync\.notion\], and has \[sync\.book\]"),
        ({"board": ..., "book": ...}, r"needs the tables of two services, .* and has none"),
        ({"odd": {}}, r"and has \[sync\.board\], \[sync\.book\], \[sync\.odd\]"),
        ({"board": [{"room": "a"}, {"room": "b"}]}, r"has \[sync\.board\], \[sync\.board\], \[sync\.book\]"),
        ({"board": {"room": "a", "luod": True}}, r"unknown key 'board\.luod', did you mean 'loud'"),
        ({"board": {}}, r"'todos': key 'board\.room' is missing"),
        ({"board": {"room": 3}}, r"board\.room: Input should be a valid string"),
        ({"board": {"room": "two words"}}, "'todos': board: room: a room has one word"),
        ({"name": ...}, r"\[\[sync\]\] no. 1: key 'name' is missing"),
        ({"every": "5"}, "'todos': every: give a period"),
        ({"every": 5}, "'todos': every: give a period"),
        ({"every": "soon"}, "every: give a period"),
        ({"every": "5m, then 10s"}, "every: give a period"),
        ({"every": "-5m"}, "every: give a period"),
        ({"every": "1m 1m"}, "names a unit twice"),
        ({"every": "0s"}, "longer than zero"),
        ({"every": "99999999999999d"}, "too long"),
        ({"every": ...}, "does not say how often"),
        ({"once": True}, "once = true does not go with"),
        ({"in_total": 0}, "in_total: Input should be greater than or equal to 1"),
        ({"in_total": True}, "in_total: "),
        ({"conflict_mode": "loudest"}, "conflict_mode: it is one of newer, error, board or book"),
        ({"conflict_mode": "other"}, "conflict_mode: it is one of newer, error, board or book"),
        ({"map": {}}, "is empty"),
        ({"map": {"Title": 3}}, "'Title'"),
        ({"map": {"Title": {"only_to": "book"}}}, "'Title'"),
        ({"map": {"Title": "heading", "Labels": "heading"}}, "heading more than once"),
        ({"map": {"Title": {"to": "heading", "conflict_mode": "notion"}}}, "'Title'.*conflict_mode.*board"),
        ({"map": {"Title": {"to": "heading", "only_to": "notion"}}}, "'Title'.*only_to.*board"),
        ({"map": {"Title": "haeding"}}, "'todos': book has no attribute 'haeding': did you mean 'heading'"),
        ({"map": {"Colour": "heading"}}, "board has no attribute 'Colour': there are 'Labels', 'Progress'"),
        ({"new": {"book": {"wrods": 1}}}, "book has no attribute 'wrods': did you mean 'words'"),
        ({"map": "all"}, "map: Input should be a valid dictionary"),
        ({"new": {"bok": {}}}, r"unknown key 'new\.bok', did you mean 'book'"),
        ({"new": {"book": 3}}, r"new\.book: Input should be a valid dictionary"),
        ({"name": "a/b"}, "task name 'a/b'"),
        ({"delete": {"to_bok": "unlink"}}, r"unknown key 'delete\.to_bok': did you mean 'to_book'"),
        (
            {"delete": {"to_book": "lose"}},
            r"delete\.to_book: it is one of \"propagate\" or \"unlink\"; a mark is",
        ),
        ({"only_to": "bok"}, 'only_to: it is one of "board" or "book", the only end that is written'),
        (
            {"only_to": "book", "new": {"board": {"Labels": ["x"]}}},
            "new: nothing is made in the source of a mirror",
        ),
        (
            {"only_to": "book", "map": {"Title": {"to": "heading", "only_to": "board"}}},
            "the mapping of 'Title' goes to board, but the sync does not",
        ),
        ({"leave": "lose"}, 'leave: it is one of "unlink", "keep" or "delete"'),
        ({"window": {"attribute": "When"}}, "window: it does not say how far"),
        ({"only": {"board": "Later"}}, "only: it is a table for an end"),
        ({"match": []}, "match: it is a list of mapped attributes"),
        ({"create": "to_bok"}, 'create: it is one of "both", "to_board", "to_book" or "neither"'),
        ({"settle": "5"}, "settle: give a period"),
        ({"settle": 5}, "settle: Input should be a valid string"),
        ({"delete_share": 2}, "delete_share: Input should be less than or equal to 1"),
        ({"handful": -1}, "handful: Input should be greater than or equal to 0"),
        ({"full_listing_every": "often"}, "full_listing_every: give a period"),
    ],
)
def test_a_mistake_is_one_clear_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message) as caught:
        declare([table(**changes)])
    assert "\n" not in str(caught.value)
    assert not all_tasks


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        declare(
            [
                table(
                    colour=1,
                    board={"loud": 3},
                    book={"title": "a", "pages": []},
                    map={"A": {"to": "b", "by": 1}, "C": 2},
                    conflict_mode="x",
                )
            ]
        )
    told = str(caught.value)
    for part in (
        "'colour'",
        "'board.room' is missing",
        "board.loud: ",
        "book.pages: ",
        "'A'",
        "'C'",
        "conflict_mode:",
    ):
        assert part in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "flat",
    [
        {"kind": "caldav", "data_source": "x", "calendar_url": "y"},
        {"data_source": "x"},
        {"attr_map": {"Name": "summary"}},
    ],
)
def test_a_table_of_the_flat_form_is_told_how_it_is_written(flat: dict[str, Any]) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        declare([table(board=..., book=..., **flat)])
    where, _, told = str(caught.value).partition(": ")
    assert where == "lockstep.toml, [[sync]] 'todos'"
    for part in ("[sync.notion] with data_source", "[sync.caldav] with calendar", "[sync.map]", "values = {"):
        assert part in told
    assert "\n" not in told
    assert "unknown key" not in told


def test_a_mistake_shows_no_password() -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        declare([table(colour="secret-word", book={"title": 1, "password": ["secret-word"]})])
    assert "secret-word" not in str(caught.value)
    assert "book.password: " in str(caught.value)


def test_a_service_that_fails_is_told_with_its_distribution() -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        declare([table(book=..., clumsy={"title": "secret-word"})])
    assert str(caught.value) == (
        "lockstep.toml, [[sync]] 'todos': clumsy: lockstep-odd 1.0 makes no side of it: ZeroDivisionError"
    )


def test_one_mistake_leaves_no_task_behind() -> None:
    with pytest.raises(TaskDefinitionError):
        declare([table(), table(name="second", every="never")])
    with pytest.raises(TaskDefinitionError, match=r"two .* named 'todos'"):
        declare([table(), table()])
    assert not all_tasks
