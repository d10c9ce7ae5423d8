"""Bringing a value back from the ledger: a run whose plan makes both sides show what one of them had."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.engine.report import Order
from tasks.engine.views import SideView
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Base
from tasks.merge import Plan, Policy, take_back
from tasks.sides import End
from worker.store.tables.conflicts import ConflictRecord
from worker.telling.failures import CommandError


def refuse_records(record: ConflictRecord) -> None:
    """See to it that a conflict is one of two sides.

    Raises:
        CommandError: it is one of database nodes.
    """
    if record.entry.model:
        raise CommandError(
            f"conflict {record.id} is of a record in databases: edit the record on any node, and the newest edit wins"
        )


def taking(record: ConflictRecord, side: End) -> Order:
    """What a run is to do so that both sides show what `side` had.

    Raises:
        CommandError: that side has no value that could be brought back.
    """
    refuse_records(record)
    entry = record.entry
    values = {end: entry.at(end).value for end in End}
    if entry.attribute is None and values[side] is None:
        raise CommandError(
            f"conflict {record.id}: {entry.at(side).where} had deleted the object, so it has no value to bring back; "
            "delete the object by hand if it is to go"
        )

    def planner(base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
        if entry.attribute is not None and entry.attribute not in policy.attributes:
            raise TaskDefinitionError(
                f"conflict {record.id}: attr_map does not name {entry.attribute!r} any more"
            )
        left_id, right_id = (entry.at(end).id for end in End)
        link = next((one for one in base.links if one.left_id == left_id and one.right_id == right_id), None)
        link = link or next(
            (one for one in base.links if one.left_id == left_id or one.right_id == right_id), None
        )
        snapshots = {one: view.snapshot for one, view in views.items()}
        return take_back(link, entry.attribute, values, side, snapshots, policy, entry.at(side).id)

    return Order(planner=planner)
