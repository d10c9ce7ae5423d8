"""When a run need not know a link that nothing names, though a window of time moves without a change.

What a run plans follows from the links, from what the sides show, from the definition of the task and, with a window,
from the time. A run that knew every link, was told of no change and had nothing to do would find nothing again as long
as all of these are the same. It leaves word of that, a *lull*, which the journal drops with whatever it keeps of a
link. A run in a lull that does something with some links leaves word anew: of the others, nothing has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

from tasks.engine.running import Running
from tasks.journal.contract import Base, Lull
from tasks.merge import End, Link, Plan, Policy


def moves(running: Running, policy: Policy) -> bool:
    """Whether objects may move without a change, and without anything that the journal of the task knows of."""
    return policy.window is not None or _others(running)


async def lull_now(running: Running, base: Base, policy: Policy, now: datetime) -> Lull | None:
    """The lull that a run is in, if nothing changed; `None` where it has to look at every link.

    Raises:
        StateError: it cannot be read.
    """
    if not _may_lull(running, base):
        return None
    lull = await running.journal.lull()
    if lull is None or lull.of != _definition(running, policy):
        return None
    holds = lull.since <= now and (lull.until is None or now < lull.until)
    return lull if holds else None


def lull_after(running: Running, base: Base, policy: Policy, plan: Plan, now: datetime) -> Lull | None:
    """The lull that begins with a run that knew every link and was told of no change; `None` if it had to do."""
    if plan.actions or policy.is_first or not _may_lull(running, base) or _lacks(running, base.links):
        return None
    return Lull(_definition(running, policy), now, _first_move(policy, base.links, now))


def lull_renewed(lull: Lull, policy: Policy, links: Collection[Link], now: datetime) -> Lull | None:
    """The lull that goes on after a run in it; `None` where one of its links may move by time as it is now.

    Args:
        lull: in which the run was.
        policy: what is synced.
        links: those that the run knew, as it left them.
        now: when it listed the sides.
    """
    window = policy.window
    if window is not None and any(
        window.attribute not in (shown := link.base_on(end)) or not window.holds(shown, now)
        for link in links
        if not (link.parked or link.apart)
        for end in End
    ):
        return None
    moments = [one for one in (lull.until, _first_move(policy, links, now)) if one is not None]
    return Lull(lull.of, now, min(moments, default=None))


def _others(running: Running) -> bool:
    """Whether references lead to objects of another task."""
    return any(one.task for one in running.mapping.by_links.values())


def _may_lull(running: Running, base: Base) -> bool:
    """Whether nothing waits, and no other task has a say: its links change by themselves."""
    return not (_others(running) or base.intents or base.memory.held)


def _lacks(running: Running, links: Iterable[Link]) -> bool:
    """Whether an attribute was never agreed on: each run asks for such objects."""
    names = set(running.mapping.names)
    return any(
        not link.parked and not link.apart and not names <= link.left.keys() & link.right.keys()
        for link in links
    )


def _first_move(policy: Policy, links: Iterable[Link], now: datetime) -> datetime | None:
    if policy.window is None:
        return None
    shown = (link.base_on(end) for link in links for end in End)
    moments = (policy.window.moves_at(values, now) for values in shown)
    return min((one for one in moments if one is not None), default=None)


def _definition(running: Running, policy: Policy) -> str:
    """A digest of what decides which links move; sorted, as sets have another order in each process."""
    mapping = running.mapping
    parts = (
        sorted(mapping.forms.items()),
        running.scope(),
        policy.window,
        [
            (name, one.form, sorted(end.value for end in one.single))
            for name, one in sorted(mapping.by_links.items())
        ],
        sorted((name, end.value) for name, end in mapping.only_to.items()),
        sorted((end.value, repr(one)) for end, one in policy.deletions.items()),
        policy.mirror_to,
        sorted(end.value for end in policy.creates),
    )
    return hashlib.blake2b(repr(parts).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
