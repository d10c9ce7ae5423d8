"""What was there before a task synced first, where its policy makes nothing across of that.

It is kept before the first write, so that a run which is cut off changes nothing about it: what comes later is new.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from tasks.engine.views import SideView
from tasks.journal.contract import Base, Journal, Memory
from tasks.merge import Link, Policy
from tasks.sides import ID, End

_KEY = "there_before"


def knowing(memory: Memory, policy: Policy, *, name: bool) -> Policy:
    """The policy with what was there before, as far as that is known.

    Args:
        memory: what is remembered of the task.
        policy: what it says.
        name: whether a person looks at the plan, which then names each of these objects.
    """
    kept: Mapping[str, Any] = (memory.own or {}).get(_KEY, {})
    known = {end: frozenset(kept[end.value]) for end in policy.spares if end.value in kept}
    return replace(
        policy,
        there_before=known,
        spared_before=kept.keys() > known.keys(),
        names_spared=name and bool(policy.spares),
    )


async def note_what_is_there(
    journal: Journal, base: Base, views: Mapping[End, SideView], policy: Policy
) -> Base:
    """Keep what is there now of the ends of which that is not known; an end that is not listed in full waits.

    What will be linked is among it: if a run is cut off before, nothing is made of that either.
    """
    known = dict(policy.there_before)
    for end in policy.spares - known.keys():
        snapshot = views[end].snapshot
        if views[end].full and snapshot.partial is None:
            known[end] = frozenset({*snapshot.records, *snapshot.unreadable})
    memory = _with(base.memory, known)
    if memory != base.memory:
        await journal.remember(memory)
    return replace(base, memory=memory)


def with_what_was_there(memory: Memory, base: Base, policy: Policy, links: Collection[Link]) -> Memory:
    """The memory that takes the place of the base's, with what was there before and has not been linked since.

    Args:
        memory: what is to be remembered.
        base: what was, with the links from before the run.
        policy: what the task says.
        links: those from after it.
    """
    kept: Mapping[str, Any] = (base.memory.own or {}).get(_KEY, {})
    known = {
        end: frozenset(kept[end.value]) - {link.id_on(end) for link in chain(base.links, links)}
        for end in policy.spares
        if end.value in kept
    }
    return _with(memory, known)


def _with(memory: Memory, known: Mapping[End, frozenset[ID]]) -> Memory:
    own = {name: value for name, value in (memory.own or {}).items() if name != _KEY}
    if known:
        own[_KEY] = {end.value: sorted(ids) for end, ids in sorted(known.items())}
    return memory if own == (memory.own or {}) else replace(memory, own=own)
