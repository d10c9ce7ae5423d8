"""`lockstep held` and `lockstep retry`: objects that a run had to leave, and how they are tried again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config import get_settings
from tasks.engine.naming import tell
from tasks.merge import Held
from worker.cli.called import IDS, Called, ids_of, labels
from worker.cli.context import find_task, known_task, labels_of, open_store
from worker.cli.nodes.held import held_by_nodes, show_held_by_nodes
from worker.cli.nodes.nodes import described
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.numbers import some
from worker.telling.screen import console, near_moment, print_json, say
from worker.telling.tables import table


def held(name: str | None, *, ids: bool = False, as_json: bool) -> ExitCode:
    """List the objects that the last runs left, with the reason."""
    settings = get_settings()
    with open_store(settings) as store:
        if name is not None and name not in {node.name for node in described()}:
            known_task(name, settings, store)
        found = store.memories.held_by_task(name)
    of_nodes = held_by_nodes(name)
    if as_json:
        print_json([_data(task, one) for task, one in found] + [one.as_json() for one in of_nodes])
        return ExitCode.OK
    if not found and not of_nodes:
        console().print("No object is held.")
    if found:
        objects = [Called(one.pair, one.name, task=task) for task, one in found]
        rows = [
            (
                task,
                label,
                "quarantined" if one.quarantined else f"failed {one.failures}x" if one.failures else "left",
                near_moment(one.since),
                near_moment(one.next_try),
                one.reason if ids else _reason(task, one),
                one.name.address or "-",
                *(ids_of(called) if ids else ()),
            )
            for (task, one), called, label in zip(found, objects, labels(objects), strict=True)
        ]
        columns = ("Task", "Object", "State", "Since", "Next try", "Reason", "Address", *(IDS if ids else ()))
        spare = () if ids else ("Address",)
        console().print(table(columns, rows, folded=("Object", "Reason", "Address"), spare=spare, heads=2))
    if of_nodes:
        show_held_by_nodes(of_nodes)
    return ExitCode.OK


def _reason(task: str, one: Held) -> str:
    """Why it is held, where it is called as it is in the list."""
    sides = labels_of(task)
    return tell(one.reason, dict.fromkeys(zip((sides.left, sides.right), one.pair, strict=True), one.name))


def retry(name: str, object_id: str | None) -> ExitCode:
    """Let held objects be tried again by the next run."""
    find_task(name)
    with open_store(get_settings()) as store:
        found = object_id and _id(name, object_id, [one for _, one in store.memories.held_by_task(name)])
        released = store.memories.release(name, found)
    if not released and object_id is not None:
        raise CommandError(f"task {name!r} holds no object {object_id!r}: `lockstep held {name}` lists them")
    say(f"{name}: {some(released, 'object')} will be tried again by the next run.")
    return ExitCode.OK


def _id(task: str, given: str, all_held: Sequence[Held]) -> str:
    """The id of what a person named by an id or by its title.

    Raises:
        CommandError: several have this title.
    """
    if any(given in one.pair for one in all_held):
        return given
    called = [one for one in all_held if one.name.title == given]
    if len(called) > 1:
        raise CommandError(
            f"task {task!r} holds {some(len(called), 'object')} with the title {given!r}: give the id of one of "
            f"them, as `lockstep held {task} --ids` shows it"
        )
    return called[0].pair[0] or called[0].pair[1] if called else given


def _data(task: str, one: Held) -> dict[str, Any]:
    return {
        "task": task,
        "left_id": one.pair[0] or None,
        "right_id": one.pair[1] or None,
        "failures": one.failures,
        "quarantined": one.quarantined,
        "since": one.since,
        "next_try": one.next_try,
        "reason": one.reason,
        "title": one.name.title or None,
        "address": one.name.address or None,
    }
