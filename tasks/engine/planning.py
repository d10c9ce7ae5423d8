"""The plan of a run: what both sides show, what is remembered, and what is held back or waited for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tasks.engine.running import Running
from tasks.journal.contract import Base
from tasks.merge import (
    Plan,
    Policy,
    Snapshot,
    await_listing,
    hold_back,
    in_window,
    let_settle,
    make_plan,
    with_rest,
)
from tasks.sides import End


def planned(
    running: Running,
    base: Base,
    snapshots: Mapping[End, Snapshot],
    policy: Policy,
    *,
    listed_at: datetime,
    now: datetime,
) -> Plan:
    """What is to be done.

    Args:
        running: the task and its sides.
        base: what is remembered.
        snapshots: what both sides show.
        policy: the task's rules.
        listed_at: when the sides were listed.
        now: what time it is.
    """
    shown = {end: in_window(snapshot, policy, listed_at) for end, snapshot in snapshots.items()}
    plan = make_plan(base.links, shown[End.LEFT], shown[End.RIGHT], policy, base.intents)
    plan = with_rest(plan, base.rest, {end: base.rest_shown(end) for end in End})
    settling = {end: side.settling for end, side in running.sync.sides.items()}
    plan = await_listing(plan, base.intents, settling, listed_at)
    plan = hold_back(plan, base.memory.held, shown, now)
    if not policy.settle:
        return plan
    granularity = {end: side.granularity for end, side in running.sync.sides.items()}
    return let_settle(plan, base.links, base.memory.held, shown, policy.settle, granularity, listed_at)
