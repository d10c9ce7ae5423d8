"""What people call the objects of a run: where titles come from, where they go, and where they never go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks import Listing, SyncTask, TaskDefinitionError
from tasks.engine.naming import names_in, tell
from tasks.engine.report import Order, RunReport
from tasks.errors import ItemError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import (
    Action,
    Adopt,
    End,
    Labels,
    Name,
    Plan,
    Skip,
    Update,
    plan_digest,
    plan_from_data,
    plan_to_data,
    undo,
)
from tests.tasks.boards import Boards, Row

NOTION, OTHER = "Notion", "the other side"


def title_of(task: SyncTask) -> str:
    pairing = task.pairing()
    return pairing.title_of(pairing.mapped({}))


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


class Kept(StateJournal):
    """A journal that remembers effects and conflicts too."""

    def __init__(self) -> None:
        super().__init__(State())
        self.effects: list[Any] = []
        self.conflicts: list[Any] = []

    async def begin(self, intent: Any, effect: Any = None) -> None:
        self.effects += [effect] if effect is not None else []
        await super().begin(intent, effect)

    async def keep_conflict(self, conflict: Any) -> None:
        self.conflicts.append(conflict)


async def run(task: Boards, journal: StateJournal, **order: Any) -> RunReport:
    return await task.run(journal, order=Order(clock=task.clock, **order))


class Titled(Boards):
    """Says titles and addresses itself; both are no part of what is synced."""

    def notion_obj_title(self, obj: Row) -> str:
        return f"  The {obj.values['A']}\n of Notion "

    async def other_obj_title(self, obj: Row) -> str:
        return f"The {obj.values['a']} of the other side"

    def notion_obj_address(self, obj: Row) -> str:
        return f"https://notes.example.org/{obj.id}"

    async def other_obj_address(self, obj: Row) -> str:
        return f"https://cal.example.org/{obj.id}"


@pytest.mark.parametrize(
    ("attr_map", "attribute"),
    [
        ({"Due": "due", "Name": "summary"}, "Name"),
        ({"Fällig": "due", "Aufgabe": "summary"}, "Aufgabe"),
        ({"Due": "due", "Task name": "x"}, "Task name"),
        ({"key": "k", "Title": "t"}, "Title"),
        ({"A": "a", "B": "b"}, "A"),
        ({"Rename": "r", "Other": "o"}, "Rename"),
    ],
)
def test_the_attribute_by_which_people_call_an_object(attr_map: dict[str, str], attribute: str) -> None:
    task = Boards()
    task.attr_map = attr_map
    assert title_of(task) == attribute
    task.title_attr = list(attr_map)[-1]
    assert title_of(task) == list(attr_map)[-1]


def test_a_title_attribute_that_is_not_mapped_is_refused() -> None:
    kind = type("Wrong", (Boards,), {"title_attr": "C"})
    with pytest.raises(TaskDefinitionError, match="title_attr is 'C', which attr_map does not name"):
        kind()


async def test_a_plain_task_is_called_by_its_values(journal: StateJournal) -> None:
    task = Boards()
    task.notion.add(A="Milk", B="")
    task.other.add(a="Bread", b="")
    plan = (await run(task, journal, dry_run=True)).plan
    assert {action.name for action in plan.actions} == {Name("Bread"), Name("Milk")}
    await run(task, journal)
    task.notion.edit("n1", A="Butter")
    (update,) = (await run(task, journal, dry_run=True)).plan.actions
    assert update.name == Name("Butter")


async def test_what_was_known_of_an_object_fills_the_gaps(journal: StateJournal) -> None:
    task = Boards()
    task.notion.add(A="Milk", B="")
    known = Name("Butter", "https://notes.example.org/n1")

    def planner(*_: Any) -> Plan:
        return Plan((Skip(reason="so", side=End.LEFT, id="n1", name=known),))

    (skip,) = (await run(task, journal, planner=planner, dry_run=True)).plan.actions
    assert skip.name == Name("Milk", "https://notes.example.org/n1")


async def test_a_side_says_title_and_address_itself_and_notion_first(journal: StateJournal) -> None:
    task = Titled()
    task.notion.add(A="Milk", B="")
    task.other.add(a="Bread", b="")
    plan = (await run(task, journal)).plan
    assert {action.name for action in plan.actions} == {
        Name("The Milk of Notion", "https://notes.example.org/n1"),
        Name("The Bread of the other side", "https://cal.example.org/o1"),
    }
    task.other.edit("o1", b="x")
    (update,) = (await run(task, journal, dry_run=True)).plan.actions
    assert update.name == Name("The Bread of Notion", "https://notes.example.org/n2")


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_is_gone_or_cannot_be_read_has_the_last_title_that_is_known(deltas: bool) -> None:
    class Odd(Boards):
        odd = ""

        def notion_to_dict(self, obj: Row) -> dict[str, Any]:
            if obj.id == self.odd:
                raise ItemError("a form that is not known")
            return super().notion_to_dict(obj)

    task, journal = Odd(deltas=deltas), StateJournal(State())
    for title in ("Milk", "Bread", "Butter"):
        task.notion.add(A=title, B="")
    await run(task, journal)
    task.other.remove("o2")
    task.odd = "n1"
    task.notion.edit("n1", A="Oat milk")
    task.notion.remove("n3")
    task.other.remove("o3")
    report = await run(task, journal)
    named = {(type(action).__name__, action.name.title) for action in report.plan.actions}
    assert named == {("Skip", "Milk"), ("Delete", "Bread"), ("Unlink", "Butter")}
    (held,) = (await journal.load()).memory.held
    assert (held.name, held.pair) == (Name("Milk"), ("n1", ""))
    unknown = (await run(task, StateJournal(State()))).plan  # where no base tells of it, it has none
    assert [skip.name for skip in unknown.of(Skip) if skip.id == "n1"] == [Name()]


async def test_no_run_ends_and_nothing_is_shown_for_want_of_a_title(
    journal: StateJournal, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Boards):
        def notion_obj_title(self, obj: Row) -> str:
            raise KeyError("secret of the object")

        async def other_obj_title(self, obj: Row) -> str:
            raise SystemExit("secret of the object")

        def notion_obj_address(self, obj: Row) -> Any:
            return 7 if obj.id == "n1" else None

    task = Failing()
    task.notion.add(A="Milk", B="")
    task.notion.add(A=None, B="")
    task.other.add(a="Bread", b="")
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert {action.name for action in report.plan.actions} == {Name("Milk", "7"), Name("Bread"), Name()}
    assert "notion_obj_title fails (KeyError): ids are shown" in caplog.text
    assert "other_obj_title fails (SystemExit)" in caplog.text
    assert "secret" not in caplog.text


async def test_titles_are_asked_of_what_a_plan_names_and_of_nothing_else(journal: StateJournal) -> None:
    asked: list[str] = []

    class Counting(Boards):
        def notion_obj_title(self, obj: Row) -> str:
            asked.append(obj.id)
            return "x"

    task = Counting()
    for number in range(20):
        task.pair(A=str(number), B="")
    await run(task, journal)
    assert sorted(asked) == sorted(task.notion.rows)
    asked.clear()
    await run(task, journal)
    assert asked == []
    task.other.edit("o3", b="x")
    await run(task, journal)
    assert asked == ["n3"]


async def test_held_objects_conflicts_and_effects_carry_their_names() -> None:
    task, journal = Titled(mode="error"), Kept()
    task.pair(A="Milk", B="")
    task.notion.add(A="Bread", B="")
    await run(task, journal)
    assert [effect.name.title for effect in journal.effects] == ["The Bread of Notion"]
    for board, name in ((task.notion, "B"), (task.other, "b")):
        board.edit("n1" if board is task.notion else "o1", **{name: board.name})
    task.other.refused = {"bad"}
    task.notion.edit("n2", B="bad")
    await run(task, journal)
    assert [conflict.name.title for conflict in journal.conflicts] == ["The Milk of Notion"]
    assert [(one.kind, one.name.title) for one in journal.effects[1:]] == [("update", "The Bread of Notion")]
    held = {one.name.title: one for one in (await journal.load()).memory.held}
    assert held.keys() == {"The Milk of Notion", "The Bread of Notion"}
    assert held["The Bread of Notion"].name.address == "https://notes.example.org/n2"
    task.later(seconds=1)
    report = await run(task, journal)  # the one that waits is called by its name too
    assert {action.name.title for action in report.plan.actions} == set(held)


async def test_an_undo_calls_what_is_gone_by_the_title_that_it_had() -> None:
    task, journal = Titled(), Kept()
    for title in ("Milk", "Bread"):
        task.pair(A=title, B="")
    await run(task, journal)
    task.notion.remove("n1")
    await run(task, journal)
    effects = [effect for effect in journal.effects if effect.kind == "delete"]
    assert [effect.name.title for effect in effects] == ["The Milk of the other side"]

    def planner(base: Any, views: Any, policy: Any) -> Plan:
        return undo(effects, base.links, {side: view.snapshot for side, view in views.items()}, policy)

    (restore,) = (await run(task, journal, planner=planner, dry_run=True)).plan.actions
    assert restore.name.title in ("The Milk of the other side", "Milk")
    task.other.rows["o1"] = Row("o1", {"a": "Milk", "b": ""}, task.now, 9)
    (skip,) = (await run(task, journal, planner=planner, dry_run=True)).plan.actions
    assert skip.name.title == "The Milk of the other side"


async def test_a_name_is_kept_with_a_plan_and_is_no_part_of_what_it_does() -> None:
    task = Titled()
    task.notion.add(A="Milk", B="")
    plan = (await run(task, StateJournal(State()), dry_run=True)).plan
    data = plan_to_data(plan)
    again = plan_from_data(data)
    assert [action.name for action in again.actions] == [action.name for action in plan.actions]
    for action in data["actions"]:
        del action["name"]  # a plan of an older version
    older = plan_from_data(data)
    assert [action.name for action in older.actions] == [Name()]
    assert plan_digest(older) == plan_digest(again) == plan_digest(plan)
    assert "Milk" not in repr(plan.actions[0].name)


UUID = "2f1b0c9a-7d52-4e0b-9a57-5e1f6a0b7c11"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"update {UUID} in Notion: page {UUID}: no", "update “Milk” in Notion: page “Milk”: no"),
        (f"({UUID}, or {UUID}x, or x-{UUID})", f"(“Milk”, or {UUID}x, or x-{UUID})"),
        (f"/tasks/{UUID}.ics and {UUID}.ics and {UUID}.", f"/tasks/{UUID}.ics and {UUID}.ics and “Milk”."),
        ("update 1 in Notion: 1 of 1 is not taken", "update “One” in Notion: 1 of 1 is not taken"),
        ("leave 1 in the other side: x", "leave “Eins” in the other side: x"),
        ("Notion 1: A is kept otherwise; the other side 1", "Notion “One”: A is kept otherwise; the other side “Eins”"),
        ("create in the other side for 1: waits for 1 s", "create in the other side for “One”: waits for 1 s"),
        ("create in Notion for 1", "create in Notion for “Eins”"),
        ("adopt 1 and 1", "adopt 1 and 1"),
        ("update n9 in Notion", "update n9 in Notion"),
        ("update 2 in Notion", r"update “a\1b” in Notion"),
    ],
)  # fmt: skip
def test_messages_say_titles_in_the_place_of_ids(text: str, told: str) -> None:
    names = {(NOTION, UUID): Name("Milk"), (NOTION, "1"): Name("One")}
    names |= {(OTHER, "1"): Name("Eins"), (NOTION, "2"): Name(r"a\1b")}
    assert tell(text, names) == told


def test_titles_that_several_objects_have_stand_beside_their_ids() -> None:
    names = {
        (NOTION, UUID): Name("Milk"),
        (NOTION, "page-0002"): Name("Milk"),
        (OTHER, "uid-00002"): Name("Milk"),
    }
    told = tell(f"leave {UUID} in Notion, not page-0002 or uid-00002", names)
    assert told == f"leave “Milk” ({UUID}) in Notion, not “Milk” (page-0002) or “Milk”"


def test_a_long_title_is_cut_in_a_message() -> None:
    told = tell(f"leave {UUID} in Notion: x", {(NOTION, UUID): Name("very " * 100)})
    assert len(told) < 80
    assert "…” in Notion: x" in told


async def test_all_ids_of_a_message_can_be_found() -> None:
    task, journal = Titled(), StateJournal(State())
    task.pair(A="Milk", B="")
    task.notion.add(A="Bread", B="")
    task.other.refused = {"Bread"}
    report = await run(task, journal)
    (failure,) = report.outcome.failures
    assert "Bread" not in failure + report.reason
    assert tell(failure, report.outcome.names).startswith(
        "create in the other side for “The Bread of Notion”: "
    )
    assert names_in(report.plan).keys() >= {(NOTION, "n1"), (NOTION, "n2"), (OTHER, "o1")}


async def test_what_was_made_and_is_kept_otherwise_is_called_by_its_title() -> None:
    class Shortening(Boards):
        def other_create_obj(self, **kwargs: Any) -> Row:
            return super().other_create_obj(**{**kwargs, "b": kwargs["b"][:2]})

    task = Shortening()
    task.notion.add(A="Milk", B="a long text")
    report = await run(task, StateJournal(State()))
    (note,) = report.outcome.notes
    assert note.startswith("the other side o1: B is kept otherwise")
    assert tell(note, report.outcome.names).startswith("the other side “Milk”: B is kept otherwise")


async def test_objects_are_called_by_their_titles_where_the_task_syncs_by_itself() -> None:
    class Own(Boards):
        def sync(self, state: State | None) -> State:
            return super().sync(state)

        def other_create_obj(self, **kwargs: Any) -> Row:
            return super().other_create_obj(**{**kwargs, "b": kwargs["b"][:2]})

    task, journal = Own(), Kept()
    task.notion.add(A="Milk", B="a long text")
    report = await run(task, journal)
    (note,) = report.outcome.notes
    assert tell(note, report.outcome.names).startswith("the other side “Milk”: ")
    assert [effect.name.title for effect in journal.effects] == ["Milk"]


async def test_steps_of_a_task_call_objects_by_their_titles() -> None:
    class Own(Boards):
        def sync_notion_created(self, state: State, notion_objs: dict[str, Any]) -> State:
            return super().sync_notion_created(state, notion_objs)

    task, journal = Own(), Kept()
    task.notion.add(A="Milk", B="")
    await run(task, journal)
    assert [effect.name.title for effect in journal.effects] == ["Milk"]


def test_two_objects_of_one_plan_keep_their_own_names() -> None:
    updates = [
        Update(
            reason="", side=End.LEFT, left_id=f"n{number}", right_id=f"o{number}", changes={}, source={},
            name=Name(f"no. {number}"),
        )
        for number in range(3)
    ]  # fmt: skip
    names = names_in(Plan(tuple(updates), labels=Labels("here", "there")))
    assert {key: name.title for key, name in names.items()} == {
        (side, f"{letter}{number}"): f"no. {number}"
        for side, letter in (("here", "n"), ("there", "o"))
        for number in range(3)
    }


async def test_a_partial_listing_still_names_what_is_not_seen() -> None:
    class Partial(Boards):
        def get_other_objects(self) -> Listing:
            return Listing(super().get_other_objects()[:1], partial="page 2 failed")

    task, journal = Boards(), StateJournal(State())
    for title in ("Milk", "Bread"):
        task.pair(A=title, B="")
    await run(task, journal)
    again = Partial()
    again.notion, again.other = task.notion, task.other
    report = await run(again, journal)
    assert [action.name.title for action in report.plan.actions] == ["Bread"]


@pytest.mark.parametrize(
    "action",
    [
        Skip(reason="odd", side=End.LEFT, id="n1", pair=("n1", "o1"), failing=True),
        Adopt(reason="alike", left_id="n1", right_id="o1", left={"A": 1}, right={"A": 1}, intent="key"),
        Update(
            reason="new", side=End.LEFT, left_id="n1", right_id="o1", changes={}, source={}, name=Name("old")
        ),
    ],
)
def test_an_action_with_a_name_is_otherwise_the_same(action: Action) -> None:
    said = Name("a title", "an address")
    assert repr(action.named(said)) == repr(replace(action, name=said))
    assert action.named(said).name == said
    assert type(action.named(said)) is type(action)
