"""When a run need not know a link that nothing names, though objects may move without a change.

What a run plans follows from the links, from what the sides show, from the definition of the task and, with a window,
from the time; with references to objects of another task, from what that one has linked, too. A run that knew every
link, was told of no change and had nothing to do would find nothing again as long as all of these are the same. It
leaves word of that, a *lull*, which the journal drops with whatever it keeps of a link. A run in a lull that does
something with some links leaves word anew: of the others, nothing has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from tasks.engine.running import Running
from tasks.journal.contract import Base, Lull
from tasks.merge import End, Link, Plan, Policy

#: The words of other tasks of whose objects this one refers to some (`tasks.journal.contract.Linked.pairing`).
Words = Mapping[str, str | None]


def moves(running: Running, policy: Policy) -> bool:
    """Whether objects may move without a change, and without anything that the journal of the task knows of."""
    return policy.window is not None or bool(_others(running))


async def words_of_others(running: Running) -> Words:
    """By what the others can tell later that their pairs are the same; asked for before anything is read of them.

    Raises:
        StateError: what is stored cannot be read.
    """
    return {task: await running.journal.beside(task).pairing() for task in _others(running)}


def lull_now(running: Running, base: Base, policy: Policy, words: Words, now: datetime) -> Lull | None:
    """The lull that a run is in, if nothing changed; `None` where it has to look at every link."""
    lull = base.lull if _may_lull(base, words) else None
    if lull is None or lull.of != _definition(running, policy, words):
        return None
    holds = lull.since <= now and (lull.until is None or now < lull.until)
    return lull if holds else None


def lull_after(
    running: Running, base: Base, policy: Policy, words: Words, plan: Plan, now: datetime
) -> Lull | None:
    """The lull that begins with a run that knew every link and was told of no change; `None` if it had to do."""
    if plan.actions or policy.is_first or not _may_lull(base, words) or _lacks(running, base.links):
        return None
    return Lull(_definition(running, policy, words), now, _first_move(policy, base.links, now))


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


def _others(running: Running) -> list[str]:
    """Other tasks to whose objects references lead: their links change by themselves."""
    return sorted({one.task for one in running.mapping.by_links.values() if one.task})


def _may_lull(base: Base, words: Words) -> bool:
    """Whether nothing waits, and all others would tell that their pairs are others."""
    return None not in words.values() and not (base.intents or base.memory.held)


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


def _definition(running: Running, policy: Policy, words: Words) -> str:
    """A digest of what decides which links move; sorted, as sets have another order in each process."""
    mapping = running.mapping
    others = [(task, running.sync.turns(task), word) for task, word in sorted(words.items())]
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
        *others,
    )
    return hashlib.blake2b(repr(parts).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
