"""`lockstep conflicts`: the ledger of values that lost, and how one is brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from config import get_settings
from tasks.engine.report import Order
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import End, Plan, Policy, take_back
from tasks.node_task import RULE as OF_A_NODE
from tasks.sides import Labels
from worker.cli.called import IDS, Called, heading, ids_of, labels
from worker.cli.context import find_sync_task, known_task, labels_of, open_store
from worker.cli.runs.run import carry_out, foresee, prepare
from worker.store import Store
from worker.store.tables.conflicts import ConflictRecord
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, moment, print_json, printable, say, say_fields, short, tell_rest
from worker.telling.tables import table


def conflicts(name: str | None, *, limit: int, ids: bool = False, as_json: bool) -> ExitCode:
    """List the ledger, the newest first."""
    settings = get_settings()
    with open_store(settings) as store:
        if name is not None:
            known_task(name, settings, store)
        found, total = store.conflicts.list(name, limit), store.conflicts.count(name)
    if as_json:
        print_json([asdict(record) for record in found])
    elif not found:
        console().print("The ledger is empty: no value has lost a conflict.")
    else:
        objects = [_called(record) for record in found]
        rows = [
            (
                str(record.id),
                label,
                record.task,
                moment(record.at),
                record.attribute or "(deleted)",
                _value(record.base, 24),
                _value(record.left, 24),
                _value(record.right, 24),
                _outcome(record),
                record.address or "-",
                *(ids_of(called) if ids else ()),
            )
            for record, called, label in zip(found, objects, labels(objects), strict=True)
        ]
        folded = ("Object", "What", "Base", *_headings(found), "What stayed", "Address")
        columns = ("No.", "Object", "Task", "When", *folded[1:], *(IDS if ids else ()))
        spare = () if ids else ("Address",)
        console().print(table(columns, rows, folded=folded, spare=spare, heads=2))
        tell_rest(len(found), total)
    return ExitCode.OK


def show(number: int, *, ids: bool = False, as_json: bool) -> ExitCode:
    """Show one conflict whole."""
    with open_store(get_settings()) as store:
        record = _find(store, number)
    if as_json:
        print_json(asdict(record))
        return ExitCode.OK
    sides = labels_of(record.task)
    lines = (
        _of_a_node(record)
        if _is_of_a_node(record)
        else [
            ("Conflict", f"{record.id} of task {record.task}"),
            *([("Object", record.title)] if record.title else []),
            *([("Address", record.address)] if record.address else []),
            ("When", f"{moment(record.at)}, in run {record.run_id[:8]}"),
            ("What", record.attribute or "deleted on one side, edited on the other"),
            ("Base", _value(record.base, 2000)),
            (
                heading(sides.left),
                f"{_value(record.left, 2000)}   ({_of(record, End.LEFT, ids)}{moment(record.left_edited)})",
            ),
            (
                heading(sides.right),
                f"{_value(record.right, 2000)}   ({_of(record, End.RIGHT, ids)}{moment(record.right_edited)})",
            ),
            ("Stayed", _outcome(record)),
        ]
    )
    screen = console()
    say_fields(lines, screen)
    if _is_of_a_node(record):
        say("Bring the lost value back by editing the record on any node: the newest edit wins.", screen)
    elif record.taken is None:
        say(f"Bring a value back: lockstep conflicts --id {record.id} --take notion (or other)", screen)
    return ExitCode.OK


def take(number: int, side: str, *, dry_run: bool, ids: bool = False, as_json: bool) -> ExitCode:
    """Make both sides show the value that one side had."""
    with open_store(get_settings()) as store:
        record = _find(store, number)
        if _is_of_a_node(record):
            raise CommandError(
                f"conflict {number} is of a database node: edit the record on any node, and the newest edit wins"
            )
        find_sync_task(record.task)
        values = {one: record.value_on(one) for one in End}
        if record.attribute is None and values[End(side)] is None:
            label = labels_of(record.task)[End(side)]
            raise CommandError(
                f"conflict {number}: {label} had deleted the object, so it has no value to bring back; "
                "delete the object by hand if it is to go"
            )
        settings, task = prepare(record.task)

        def planner(base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
            if record.attribute is not None and record.attribute not in policy.attributes:
                raise CommandError(f"conflict {number}: attr_map does not name {record.attribute!r} any more")
            pair = (record.left_id, record.right_id)
            link = next((one for one in base.links if (one.left_id, one.right_id) == pair), None)
            link = link or next(
                (one for one in base.links if one.left_id == pair[0] or one.right_id == pair[1]), None
            )
            snapshots = {one: view.snapshot for one, view in views.items()}
            former_id = pair[End(side) is End.RIGHT]
            return take_back(link, record.attribute, values, End(side), snapshots, policy, former_id)

        order = Order(planner=planner)
        if dry_run:
            return foresee(task, store, order=order, ids=ids, as_json=as_json)
        code = carry_out(task, settings, store, order=order, kind="restore", as_json=as_json)
        if code is ExitCode.OK:
            store.conflicts.take(number, side)
        return code


def _find(store: Store, number: int) -> ConflictRecord:
    record = store.conflicts.find(number)
    if record is None:
        raise CommandError(
            f"there is no conflict {number}: `lockstep conflicts` lists them with their numbers"
        )
    return record


def _is_of_a_node(record: ConflictRecord) -> bool:
    """Whether a line of the ledger is of a database node."""
    return record.rule.startswith(OF_A_NODE)


def _of_a_node(record: ConflictRecord) -> list[tuple[str, str]]:
    return [
        ("Conflict", f"{record.id} of node {record.task}"),
        ("When", moment(record.at)),
        ("Object", _called(record).else_),
        ("What", record.attribute or "(deleted)"),
        ("Kept", f"{_value(record.left, 2000)}   (edited {moment(record.left_edited)})"),
        ("Lost", f"{_value(record.right, 2000)}   (edited {moment(record.right_edited)})"),
        ("Stayed", _outcome(record)),
    ]


def _called(record: ConflictRecord) -> Called:
    """What its object is called: a record of a node by its model and key."""
    node = _is_of_a_node(record)
    return Called(record.pair, record.name, " ".join(record.pair) if node else "", record.task)


def _of(record: ConflictRecord, side: End, ids: bool) -> str:
    """Begin of what is said of a side's value: the object's id where it has no title or is asked for."""
    return f"{record.pair[side is End.RIGHT]}, edited " if ids or not record.title else "edited "


def _outcome(record: ConflictRecord) -> str:
    if _is_of_a_node(record):
        return f"the first ({record.rule})"
    if record.taken is not None:
        return f"{labels_of(record.task)[End(record.taken)]}'s, brought back {moment(record.taken_at)}"
    if record.winner is None:
        decided = {"resolver": "a value made of both", "method": "what the task decided"}
        return decided.get(record.rule, "both, as they were")
    return f"{labels_of(record.task)[End(record.winner)]}'s ({record.rule})"


def _headings(found: Sequence[ConflictRecord]) -> tuple[str, str]:
    """What the columns of both values are called: as the sides are, where all conflicts are of the same two."""
    sides = {labels_of(record.task) for record in found}
    one = sides.pop() if len(sides) == 1 else Labels("One side", "The other side")
    return heading(one.left), heading(one.right)


def _value(value: Any, length: int) -> str:
    if isinstance(value, Mapping):
        return short(", ".join(f"{name}: {printable(part)}" for name, part in value.items()), length)
    return "-" if value is None else short(value, length) or '""'
