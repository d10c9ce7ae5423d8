"""Taking back the stamps of a clock that was far ahead, on the node that stamped by it.

Its peers hold such edits back until that time has come. Here they get stamps of now, in the order that they had,
and come to the end of the node's order of arrival. Each peer is told that stamps were taken back, and drops what
it holds with such a stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.database.engine.node import Node
from tasks.database.exceptions import NotRestampableError
from tasks.database.records.clock import COUNTER_BITS
from tasks.database.records.record import WHOLE
from tasks.database.storages.peer import PeerState
from tasks.database.storages.plain import RESERVED
from tasks.database.storages.storage import RestampableStorage

#: Records that are written at once.
CHUNK = 1000


@dataclass(frozen=True)
class Restamped:
    """What was stamped anew, or would be."""

    records: int = 0
    deletions: int = 0
    #: The time up to which they were stamped; None: there were none.
    until: datetime | None = None


def restamp(node: Node, *, dry_run: bool) -> Restamped:
    """Stamp anew what no peer can have taken, in the transaction that is open.

    Raises:
        NotRestampableError: the storage cannot do so, or this node's clock seems to be behind.
    """
    storage = node.storage
    if not isinstance(storage, RestampableStorage):
        raise NotRestampableError(f"the storage of node {node.node_id!r} cannot give stamps anew")
    now = _now(node)
    limit, labels = node.limits.known_max(), node.graph.sync_order()
    newest, void = storage.get_newest_up_to(limit), set[int]()
    for label in labels:
        for _, stamps in storage.get_stamps_above(label, limit):
            void.update(stamp for stamp in stamps.values() if stamp > limit)
            newest = max([newest, *(stamp for stamp in stamps.values() if stamp <= limit)])
    first = max(newest + 1, now)
    instead = renewed(void, first)
    records = deletions = 0
    for label in labels:
        changed: dict[str, dict[str, int]] = {}
        for key, stamps in storage.get_stamps_above(label, limit):
            changed[key] = {name: instead[stamp] for name, stamp in stamps.items() if stamp in instead}
            deletions += WHOLE in stamps
            records += WHOLE not in stamps
            if len(changed) == CHUNK:
                _write(storage, label, changed, dry_run=dry_run)
                changed = {}
        _write(storage, label, changed, dry_run=dry_run)
    if void and not dry_run:
        # Nothing else here is stamped so late: of what was replaced here, peers may still hold more than `void`.
        storage.save_restamped(node.later(), first - 1)
    if not dry_run:
        storage.lower_clock_bound(max([newest, *instead.values()]))
    until = datetime.fromtimestamp((max(void) >> COUNTER_BITS) / 1000, UTC) if void else None
    return Restamped(records, deletions, until)


def renewed(void: Iterable[int], first: int) -> dict[int, int]:
    """Other stamps for these, from `first` on and in the same order."""
    return {stamp: first + after for after, stamp in enumerate(sorted(void))}


def _write(
    storage: RestampableStorage, label: str, changed: Mapping[str, Mapping[str, int]], *, dry_run: bool
) -> None:
    if changed and not dry_run:
        storage.restamp(label, changed)


def _now(node: Node) -> int:
    """A stamp of now that is above those of peers that were heard.

    Raises:
        NotRestampableError: this node's clock is behind theirs; with it every stamp would look as if it were ahead.
    """
    known = (name for name in node.storage.get_nodes() if not name.startswith(RESERVED))
    heard = max((PeerState.load(node.storage, name).heard for name in known), default=0)
    behind = heard - node.clock.wall() // 1000
    if node.limits.apart(behind):
        raise NotRestampableError(
            f"node {node.node_id!r}: its clock is {behind} s behind that of a peer when it was heard last: "
            "put it right first, or sync once where it was the peer's that was wrong"
        )
    return max(node.clock.wall(), (heard + 1) * 1000) << COUNTER_BITS
