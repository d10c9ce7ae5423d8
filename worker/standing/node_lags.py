"""How far a database node is behind with each of its peers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tasks.database.engine.lock import SyncLock
from tasks.database.records.clock import COUNTER_BITS
from tasks.database.sql.capture.triggers import installed
from tasks.database.sql.declared import Node, NodeTable, open_node
from tasks.database.storages.peer import PeerState


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLag:
    """A node and one of its peers."""

    node: str
    peer: str
    #: Whether anything waits to be sent.
    unsent: bool
    #: The age of the oldest edit that waits; `None` where nothing does, or rows from before the capture.
    oldest_unsent_seconds: float | None
    #: Records that do not get across: here, and as the peer said last.
    held: int
    held_by_peer: int
    #: Tables whose edits no trigger stamps.
    uncaptured: list[str]
    #: Tables that give ids which another node may give as well.
    shared_ids: list[str]

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return asdict(self)


@contextmanager
def opened(table: NodeTable, lock: SyncLock | None = None) -> Iterator[Node]:
    """The node with its database, without capturing anything."""
    node = open_node(table, lock=lock, prepare=False)
    try:
        yield node
    finally:
        node.close()


def lags_of(node: Node) -> list[NodeLag]:
    """How far it is behind, by peer.

    Raises:
        SideError: its database cannot be read.
    """
    storage = node.storage
    uncaptured = [
        table.label
        for table in storage.tables.values()
        if node.table.capture == "triggers" and not installed(storage.database, table)
    ]
    found = []
    for peer, kept_as in node.peers():
        state = PeerState.load(storage, kept_as)
        oldest = storage.oldest_after(state.sent.lowest, without=state.own)
        at = 0 if oldest is None else oldest >> COUNTER_BITS  # 0 as well where nobody knows it
        found.append(
            NodeLag(
                node=node.name,
                peer=peer,
                unsent=oldest is not None,
                oldest_unsent_seconds=max(0.0, time.time() - at / 1000) if at else None,
                held=sum(1 for _ in state.all_held()),
                held_by_peer=state.theirs.count,
                uncaptured=uncaptured,
                shared_ids=node.shared_ids(),
            )
        )
    return found
