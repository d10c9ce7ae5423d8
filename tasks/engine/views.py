"""What was read of a side: a snapshot for the merge, the objects behind it, and what the side says when it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.engine.adapter import Adapter, text_id
from tasks.errors import ItemError, PreconditionError
from tasks.merge import ID, End, Intent, Link, Policy, Snapshot, in_question, left_sight
from tasks.values.canonical import same


@dataclass(frozen=True, slots=True)
class SideView:
    """A side at one moment: the snapshot, and the side's own objects behind it."""

    adapter: Adapter
    snapshot: Snapshot
    #: The objects that were read and are kept; not all of the snapshot's, where most did not change.
    objects: dict[ID, Any]
    #: Where the changes start that this view may lack, by the side's own word.
    cursor: Any = None
    #: Whether everything was listed, not changes only.
    full: bool = True

    async def object(self, obj_id: ID, *, whole: bool = False) -> Any:
        """One object; if it is not kept, made of what is known of it, or read now.

        Args:
            obj_id: its id.
            whole: whether more is asked of it than what is synced, so that it has to be read.

        Raises:
            PreconditionError: it is not as the snapshot says any more.
        """
        if obj_id in self.objects:
            return self.objects[obj_id]
        values = self.snapshot.records[obj_id].values
        known = NotImplemented if whole else await self.adapter.known(obj_id, values)
        if known is not NotImplemented:
            self.objects[obj_id] = known
            return known
        obj = await self.adapter.call(self.adapter.side.get, obj_id)
        where = self.adapter.label
        if obj is None:
            raise PreconditionError(f"{obj_id} is not in {where} any more; the next run takes it up")
        now, planned = await self.adapter.values(obj), values
        changed = sorted(name for name in now if not same(now[name], planned[name]))
        if changed:
            raise PreconditionError(
                f"{obj_id} was edited in {where} meanwhile ({', '.join(changed)}); the next run takes it up"
            )
        self.objects[obj_id] = obj
        return obj


async def ask_for_missing(
    views: Mapping[End, SideView], links: Sequence[Link], policy: Policy, linked: int | None = None
) -> dict[End, SideView]:
    """The views with the word of each side on missing objects: those in whose place another one may be, and those
    that may only have left what the task takes.

    Args:
        views: both sides.
        links: the pairs of which an object may be missing.
        policy: what is synced.
        linked: how many pairs there are, where these are not all.

    Raises:
        SideError: a side cannot be asked.
    """
    elsewhere: dict[End, set[ID]] = {side: set() for side in views}
    moved: dict[End, set[ID]] = {side: set() for side in views}
    snapshots = {side: view.snapshot for side, view in views.items()}
    enough = max(policy.handful, policy.delete_share * (len(links) if linked is None else linked))
    wanted = dict.fromkeys(in_question(links, snapshots))
    may_have_moved = left_sight(links, snapshots, policy)
    gone_by_now = 0
    for side, missing_id in (*wanted, *(one for one in may_have_moved if one not in wanted)):
        if gone_by_now > enough and (side, missing_id) not in wanted:
            break  # a guard halts the run for so many deletions, and the services are spared
        try:
            adapter = views[side].adapter
            gone = await adapter.call(adapter.side.is_gone, missing_id)
        except ItemError:  # it does not say, and is asked again when its counterpart is to be deleted
            elsewhere[side].add(missing_id)
            continue
        if gone:
            gone_by_now += 1
        else:
            elsewhere[side].add(missing_id)
            moved[side].add(missing_id)
    keeps = {side for side in views if policy.leave_unlisted(side) == "keep"}
    return {
        side: replace(
            view,
            snapshot=replace(
                view.snapshot,
                elsewhere=frozenset(elsewhere[side]),
                moved=frozenset(() if side in keeps else moved[side]),
            ),
        )
        for side, view in views.items()
    }


async def ask_for_made(views: Mapping[End, SideView], intents: Sequence[Intent]) -> list[Intent]:
    """The intents with the word of each side on what a create made whose answer was lost.

    Raises:
        SideError: a side cannot be asked.
    """
    asked = []
    for intent in intents:
        made = None if intent.target_id else await _made_by(views[intent.side].adapter, intent.key)
        asked.append(intent if made is None else replace(intent, made_id=made))
    return asked


async def _made_by(adapter: Adapter, key: str) -> ID | None:
    try:
        made = await adapter.call(adapter.side.made, key)
    except ItemError:  # it does not say; what was made may still be known by its values
        return None
    return None if made is None or made is NotImplemented else text_id(made)
