"""What a run would refuse before it lists anything: both sides opened, described, bound and checked, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.engine.calls import Calls, calls
from tasks.engine.known import Known
from tasks.engine.running import check_side, recall, recall_side
from tasks.engine.sync import Sync
from tasks.journal.contract import Journal
from tasks.server_clock import hearing
from tasks.sides import Attribute, End


@dataclass(slots=True, kw_only=True)
class Examined:
    """What was found; it fills while the sides are looked at, so that one that hangs hides nothing of the other."""

    #: What people call the sides.
    labels: Mapping[End, str] = field(default_factory=dict)
    #: The attributes that a side has described.
    described: dict[End, Mapping[str, Attribute]] = field(default_factory=dict)
    #: The sides that are as they have to be.
    fit: set[End] = field(default_factory=set)
    #: Why a side cannot work, or cannot be asked.
    refusals: dict[End, Exception] = field(default_factory=dict)
    #: Why the task cannot work with what both sides have.
    refusal: Exception | None = None
    #: How many pairs of attributes are kept in step; `None` as long as that is not known.
    pairs: int | None = None
    #: What the mapping says of itself.
    warnings: tuple[str, ...] = ()
    #: When logins expire, as far as services tell.
    expires: dict[End, datetime] = field(default_factory=dict)
    #: How far the clocks of services are ahead, by host.
    ahead: dict[str, timedelta] = field(default_factory=dict)


async def examine(sync: Sync, journal: Journal, found: Examined) -> None:
    """Look at a task's sides as a run does at its begin, and ask each service; nothing is listed and nothing written.

    Args:
        sync: the task.
        journal: what its runs remember.
        found: what is told of it. Errors of sides are entered there, also those that nobody has foreseen.
    """
    found.labels = {end: sync.labels[end] for end in End}
    with hearing(found.ahead.__setitem__):
        async with calls(sync.name) as caller:
            try:
                await _examine(sync, Known(journal, await journal.recall()), caller, found)
            finally:
                await asyncio.gather(*(_close(sync, caller, found, end) for end in End))


async def _examine(sync: Sync, known: Known, caller: Calls, found: Examined) -> None:
    recall(sync, known.base)
    await asyncio.gather(*(_describe(sync, known, caller, found, end) for end in End))
    if len(found.described) < len(End):
        return
    try:
        mapping = sync.mapped(found.described)
        sync.policy(mapping)
    except Exception as error:
        found.refusal = error
        return
    found.pairs, found.warnings = len(mapping.names), tuple(mapping.warnings)

    async def check(end: End) -> None:
        try:
            await check_side(sync, mapping, caller, end)
            found.fit.add(end)
        except Exception as error:
            found.refusals[end] = error

    await asyncio.gather(*(check(end) for end in End))


async def _describe(sync: Sync, known: Known, caller: Calls, found: Examined, end: End) -> None:
    side = sync.sides[end]
    try:
        await caller.call(end, side.open)
        await recall_side(sync, known, caller, end)
        await caller.call(end, side.reach)
        found.described[end] = await caller.call(end, side.describe)
    except Exception as error:
        found.refusals[end] = error


async def _close(sync: Sync, caller: Calls, found: Examined, end: End) -> None:
    side = sync.sides[end]
    try:
        expires = side.login_expires
        if expires is not None:
            found.expires[end] = expires
        await caller.call(end, side.close)
    except Exception as error:
        found.refusals.setdefault(end, error)
