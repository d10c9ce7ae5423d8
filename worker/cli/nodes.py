"""`lockstep nodes`: the database nodes of this installation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from config import Settings, get_settings
from tasks.database.clock import COUNTER_BITS
from tasks.database.exceptions import NodeLockedError
from tasks.database.lock import SessionLock, SyncLock
from tasks.database.peer import PeerState
from tasks.database.sql.capture import install, installed, remove
from tasks.database.sql.compare import compare as compare_nodes
from tasks.database.sql.compare import shown
from tasks.database.sql.declared import Node, NodeTable, open_node, read_nodes
from worker.cli.context import nearest
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError
from worker.cli.machine import node_lock
from worker.cli.output import console, print_json, say, table
from worker.lock import NodeBusyError


def list_nodes(*, as_json: bool) -> ExitCode:
    """The nodes, with whom they ask and whom they answer."""
    nodes = _tables(get_settings())
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
    for each in _tables(get_settings()):
        if name in {None, each.name}:
            with _opened(each) as node:
                found += _lags(node)
    if name is not None and not found:
        _named(name)
    if as_json:
        print_json(found)
    else:
        rows = [
            (
                lag["node"],
                lag["peer"],
                "nothing" if lag["oldest_unsent_seconds"] is None else _age(lag["oldest_unsent_seconds"]),
                str(lag["held"]),
                "no" if lag["uncaptured"] else "yes",
            )
            for lag in found
        ]
        console().print(table(("Node", "Peer", "Oldest unsent edit", "Held", "Captured"), rows))
    return ExitCode.OK


def compare(first: str, second: str, *, as_json: bool) -> ExitCode:
    """Compare two nodes record by record; both databases must be described here."""
    with _opened(_named(first)) as one, _opened(_named(second)) as other:
        found = compare_nodes(one.storage, other.storage)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        rows = [
            (
                each.label,
                str(each.equal),
                f"{len(each.different)}: {shown(each.different)}" if each.different else "0",
                f"{len(each.missing_in_first)}: {shown(each.missing_in_first)}"
                if each.missing_in_first
                else "0",
                f"{len(each.missing_in_second)}: {shown(each.missing_in_second)}"
                if each.missing_in_second
                else "0",
            )
            for each in found
        ]
        columns = ("Table", "Equal", "Different", f"Missing in {first}", f"Missing in {second}")
        console().print(table(columns, rows, folded=columns[2:]))
    return ExitCode.OK if all(each.alike for each in found) else ExitCode.FAILED


def resync(name: str) -> ExitCode:
    """Let a node's next sync compare everything with its peer."""
    with _opened(_named(name)) as node:
        if node.transport is None:
            raise CommandError(f"node {name!r} asks no peer: run this where [node.peer] is")
        node.engine.resync()
    console().print(f"{name}: the next sync compares everything.")
    return ExitCode.OK


def restamp(name: str, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Give what was stamped by a clock that was far ahead stamps of now."""
    settings, described = get_settings(), _named(name)
    with node_lock(settings, name) as lock, _opened(described, SessionLock(lock, busy=NodeBusyError)) as node:
        try:
            found = node.engine.restamp(dry_run)
        except NodeLockedError as error:
            raise CommandError(str(error), ExitCode.SKIPPED) from None
    if as_json:
        print_json({**asdict(found), "until": found.until and found.until.isoformat(), "dry_run": dry_run})
    elif found.until is None:
        console().print(f"{name}: nothing is stamped by a clock that was far ahead.")
    else:
        what = f"{found.records} records and {found.deletions} deletions that were stamped up to"
        done = "would get stamps of now" if dry_run else "have stamps of now"
        say(f"{name}: {what} {found.until:%Y-%m-%d %H:%M:%S} UTC {done}.")
    return ExitCode.OK


def capture(name: str, *, uninstall: bool) -> ExitCode:
    """Install the triggers that stamp edits, or remove them."""
    described = _named(name)
    if described.capture == "orm" and not uninstall:
        raise CommandError(f'node {name!r} has capture = "orm": its program stamps edits itself')
    with _opened(described) as node:
        for each in node.storage.tables.values():
            if uninstall:
                remove(node.storage.database, each)
                console().print(f"{each.label}: edits are captured no more.")
            else:
                added = install(node.storage.database, each)
                console().print(f"{each.label}: edits are captured; {added} rows became known.")
    return ExitCode.OK


def _tables(settings: Settings) -> list[NodeTable]:
    return read_nodes(settings.node)


def _named(name: str) -> NodeTable:
    known = {node.name: node for node in _tables(get_settings())}
    if name in known:
        return known[name]
    mend = nearest(name, known) if known else "write a table [[node]] in lockstep.toml"
    raise CommandError(f"there is no node {name!r}: {mend}")


@contextmanager
def _opened(table: NodeTable, lock: SyncLock | None = None) -> Iterator[Node]:
    node = open_node(table, lock=lock, prepare=False)
    try:
        yield node
    finally:
        node.close()


def _lags(node: Node) -> list[dict[str, Any]]:
    storage = node.storage
    uncaptured = [
        table.label
        for table in storage.tables.values()
        if node.table.capture == "triggers" and not installed(storage.database, table)
    ]
    peers = [(answered.node, answered.node) for answered in node.table.answers]
    if node.table.peer is not None:
        peers.insert(0, (node.table.peer.node, node.name))
    found = []
    for peer, kept_as in peers:
        state = PeerState.load(storage, kept_as)
        oldest = storage.oldest_after(state.sent.lowest, without=state.own)
        age = None if oldest is None else max(0.0, time.time() - (oldest >> COUNTER_BITS) / 1000)
        found.append(
            {
                "node": node.name,
                "peer": peer,
                "oldest_unsent_seconds": age,
                "held": len(state.held),
                "uncaptured": uncaptured,
            }
        )
    return found


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
