"""`lockstep nodes`: the database nodes of this installation."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from config import get_settings
from tasks.database.engine.lock import SessionLock
from tasks.database.exceptions import NodeLockedError
from tasks.database.sql.capture.triggers import install, remove
from tasks.database.sql.declared import NodeTable, read_nodes
from tasks.database.sql.tables.shared_ids import ADVICE
from tasks.nearest import nearest
from worker.lock import NodeBusyError
from worker.machine.state_directory import node_lock
from worker.standing.node_lags import lags_of, opened
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.numbers import some
from worker.telling.screen import console, print_json, say
from worker.telling.tables import table


def list_nodes(*, as_json: bool) -> ExitCode:
    """The nodes, with whom they ask and whom they answer."""
    nodes = described()
    if as_json:
        print_json([_described(node) for node in nodes])
    elif not nodes:
        console().print("No node is described: add a [[node]] table to lockstep.toml.")
    else:
        rows = [
            (
                node.name,
                ", ".join(each.label or each.name for each in node.tables),
                node.peer.node if node.peer else "",
                str(node.every or ""),
                ", ".join(answered.node for answered in node.answers),
            )
            for node in nodes
        ]
        console().print(table(("Node", "Tables", "Asks", "Every", "Answers"), rows, folded=("Tables",)))
    return ExitCode.OK


def status(name: str | None, *, as_json: bool) -> ExitCode:
    """How far each node is behind with each of its peers."""
    found: list[dict[str, Any]] = []
    for each in described():
        if name in {None, each.name}:
            with opened(each) as node:
                found += [lag.to_json() for lag in lags_of(node)]
    if name is not None and not found:
        named(name)
    if as_json:
        print_json(found)
    else:
        rows = [
            (
                lag["node"],
                lag["peer"],
                _oldest(lag),
                str(lag["held"]),
                str(lag["held_by_peer"]),
                "no" if lag["uncaptured"] else "yes",
            )
            for lag in found
        ]
        columns = ("Node", "Peer", "Oldest unsent edit", "Held here", "Held there", "Captured")
        console().print(table(columns, rows, folded=("Oldest unsent edit",)))
        _tell_more(found)
    return ExitCode.OK


def _tell_more(found: list[dict[str, Any]]) -> None:
    screen = console()
    shared = {lag["node"]: lag["shared_ids"] for lag in found if lag["shared_ids"]}
    if shared:
        named_ones = "; ".join(f"{', '.join(labels)} of {node}" for node, labels in shared.items())
        screen.print(f"{named_ones}: {ADVICE}.")
    if any(lag["held"] or lag["held_by_peer"] for lag in found):
        screen.print("`lockstep held` names what is held, and why.")


def _oldest(lag: dict[str, Any]) -> str:
    if not lag["unsent"]:
        return "nothing"
    seconds = lag["oldest_unsent_seconds"]
    return "rows from before the capture" if seconds is None else _age(seconds)


def resync(name: str) -> ExitCode:
    """Let a node's next sync compare everything with its peer."""
    with opened(named(name)) as node:
        if node.transport is None:
            raise CommandError(f"node {name!r} asks no peer: run this where [node.peer] is")
        node.engine.resync()
    console().print(f"{name}: the next sync compares everything.")
    return ExitCode.OK


def restamp(name: str, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Give what was stamped by a clock that was far ahead stamps of now."""
    settings, found_node = get_settings(), named(name)
    with node_lock(settings, name) as lock, opened(found_node, SessionLock(lock, busy=NodeBusyError)) as node:
        try:
            found = node.engine.restamp(dry_run)
        except NodeLockedError as error:
            raise CommandError(str(error), ExitCode.SKIPPED) from None
    if as_json:
        print_json({**asdict(found), "until": found.until and found.until.isoformat(), "dry_run": dry_run})
    elif found.until is None:
        console().print(f"{name}: nothing is stamped by a clock that was far ahead.")
    else:
        what = f"{some(found.records, 'record')} and {some(found.deletions, 'deletion')} stamped up to"
        done = "would get stamps of now" if dry_run else "have stamps of now"
        say(f"{name}: {what} {found.until:%Y-%m-%d %H:%M:%S} UTC {done}.")
    return ExitCode.OK


def capture(name: str, *, uninstall: bool) -> ExitCode:
    """Install the triggers that stamp edits, or remove them."""
    table_of_node = named(name)
    if table_of_node.capture == "orm" and not uninstall:
        raise CommandError(f'node {name!r} has capture = "orm": its program stamps edits itself')
    with opened(table_of_node) as node:
        for each in node.storage.tables.values():
            if uninstall:
                remove(node.storage.database, each)
                console().print(f"{each.label}: edits are captured no more.")
            else:
                added = install(node.storage.database, each)
                console().print(f"{each.label}: edits are captured; {some(added, 'row')} became known.")
                if each.label in node.shared_ids():
                    console().print(f"{each.label}: {ADVICE}.")
    return ExitCode.OK


def described() -> list[NodeTable]:
    """The nodes of `lockstep.toml`."""
    return read_nodes(get_settings().node)


def named(name: str) -> NodeTable:
    """The described node of this name.

    Raises:
        CommandError: there is none.
    """
    known = {node.name: node for node in described()}
    if name in known:
        return known[name]
    mend = nearest(name, known) if known else "write a table [[node]] in lockstep.toml"
    raise CommandError(f"there is no node {name!r}: {mend}")


def _described(node: NodeTable) -> dict[str, Any]:
    return {
        "name": node.name,
        "tables": [each.label or each.name for each in node.tables],
        "asks": node.peer.node if node.peer else None,
        "every_seconds": node.every.total_seconds() if node.every else None,
        "answers": [answered.node for answered in node.answers],
    }


def _age(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
