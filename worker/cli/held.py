"""`lockstep held` and `lockstep retry`: objects that a run had to leave, and how they are tried again."""

from __future__ import annotations

from typing import Any

from config import get_settings
from tasks.merge import Held
from worker.cli.context import find_task, known_task, open_store
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError
from worker.cli.node_held import held_by_nodes, show_held_by_nodes
from worker.cli.nodes import described
from worker.cli.output import console, moment, print_json, table


def held(name: str | None, *, as_json: bool) -> ExitCode:
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
        rows = [
            (
                task,
                " / ".join(part for part in one.pair if part),
                "quarantined" if one.quarantined else f"failed {one.failures}x" if one.failures else "left",
                moment(one.since),
                moment(one.next_try),
                one.reason,
            )
            for task, one in found
        ]
        columns = ("Task", "Object", "State", "Since", "Next try", "Reason")
        console().print(table(columns, rows, folded=("Object", "Reason")))
    if of_nodes:
        show_held_by_nodes(of_nodes)
    return ExitCode.OK


def retry(name: str, object_id: str | None) -> ExitCode:
    """Let held objects be tried again by the next run."""
    find_task(name)
    with open_store(get_settings()) as store:
        released = store.memories.release(name, object_id)
    if not released and object_id is not None:
        raise CommandError(f"task {name!r} holds no object {object_id!r}: `lockstep held {name}` lists them")
    console().print(f"{name}: {released} objects will be tried again by the next run.")
    return ExitCode.OK


def _data(task: str, one: Held) -> dict[str, Any]:
    return {
        "task": task,
        "notion_id": one.pair[0] or None,
        "other_id": one.pair[1] or None,
        "failures": one.failures,
        "quarantined": one.quarantined,
        "since": one.since,
        "next_try": one.next_try,
        "reason": one.reason,
    }
