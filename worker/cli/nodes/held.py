"""Records that do not get from one database node to another, and where they wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.database.records.held import HeldRecord
from tasks.database.storages.peer import PeerState
from tasks.errors import TaskError
from worker.cli.nodes import nodes
from worker.standing.node_lags import opened
from worker.telling.screen import console
from worker.telling.tables import table

#: Records of one node and peer that are named on a screen.
SHOWN = 50


@dataclass(frozen=True)
class HeldByNodes:
    """What is held between a node of this installation and one of its peers."""

    node: str
    peer: str
    here: tuple[HeldRecord, ...] = ()
    #: As the peer said last; it names the first of them only.
    there: tuple[HeldRecord, ...] = ()
    there_count: int = 0
    #: Why it is not known.
    error: str = ""

    def __bool__(self) -> bool:
        return bool(self.here or self.there_count or self.error)

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "node": self.node,
            "peer": self.peer,
            "held": [_data(one) for one in self.here],
            "held_by_peer": [_data(one) for one in self.there],
            "held_by_peer_count": self.there_count,
            "error": self.error or None,
        }


def held_by_nodes(name: str | None) -> list[HeldByNodes]:
    """Of the node of this name, or of all: what is held between it and each of its peers, where there is any."""
    found: list[HeldByNodes] = []
    for described in nodes.described():
        if name not in {None, described.name}:
            continue
        try:
            with opened(described) as node:
                for peer, kept_as in node.peers():
                    state = PeerState.load(node.storage, kept_as)
                    there = state.theirs
                    found.append(
                        HeldByNodes(node.name, peer, tuple(state.all_held()), there.first, there.count)
                    )
        except TaskError as error:
            found.append(HeldByNodes(described.name, "", error=str(error)))
    return [one for one in found if one]


def show_held_by_nodes(found: Iterable[HeldByNodes]) -> None:
    """One table of all."""
    rows: list[Sequence[str]] = []
    for one in found:
        if one.error:
            rows.append((one.node, "", "", one.error))
        rows += _rows(one.node, one.node, one.peer, one.here, len(one.here))
        rows += _rows(one.node, one.peer, one.peer, one.there, one.there_count)
    console().print(table(("Node", "Held at", "Record", "Reason"), rows, folded=("Record", "Reason")))


def _rows(
    node: str, at: str, peer: str, records: Sequence[HeldRecord], count: int
) -> list[tuple[str, str, str, str]]:
    rows = [
        (
            node,
            at,
            str(one),
            one.reason if one.came else f"not sent to {_other(node, at, peer)}: {one.reason}",
        )
        for one in records[:SHOWN]
    ]
    if count > len(rows):
        rows.append((node, at, "", f"and {count - len(rows):,} more"))
    return rows


def _other(node: str, at: str, peer: str) -> str:
    return peer if at == node else node


def _data(one: HeldRecord) -> dict[str, Any]:
    return {"model": one.model, "key": one.key, "reason": one.reason, "came": one.came}
