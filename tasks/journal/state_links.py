"""What a state holds, in the words of the merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from tasks.journal.contract import Base, Memory, memory_from_data, parked_from
from tasks.journal.state import State
from tasks.merge import ID, End, Intent, Link, is_settled, referred


def base_of(state: State) -> Base:
    """A state in the words of the merge. A state without the other side's values has the same for both."""
    return replace(outline_of(state), links=links_of(state, End.LEFT, None), others={})


def outline_of(state: State) -> Base:
    """The same without the links, which are counted."""
    intents = [
        Intent(
            key,
            End(intent["side"]),
            intent["source_id"],
            intent["values"],
            intent.get("target_id"),
            intent.get("answered", False),
            intent.get("begun_at"),
            intent.get("hash", ""),
        )
        for key, intent in state.intents.items()
    ]
    memory = memory_from_data(state.memory) if state.memory else Memory()
    others = Counter(",".join(words) for words in state.parked.values())
    others[""] = len(state.ids) - others.total()
    return Base((), intents, memory, +others)


def ids_in(state: State, end: End) -> list[ID]:
    """The objects of a side that are linked in a state."""
    return list(state.ids if end is End.LEFT else state.ids.values())


def unsettled_in(state: State, attributes: Collection[str]) -> list[Link]:
    """The links in a state of which a run may say something though neither side changed."""
    linked = set(state.ids.items())
    ids = {one for pair in linked for one in zip(End, pair, strict=True)}
    return [
        link
        for link in links_of(state, End.LEFT, None)
        if not (is_settled(link, attributes) and referred(link).stands(linked, ids))
    ]


def out_of_sight_in(state: State) -> list[Link]:
    """The links in a state of which an object is out of sight."""
    return links_of(state, End.LEFT, list(state.parked))


def referring_in(state: State, ids: Mapping[End, Collection[ID]]) -> list[Link]:
    """The links in a state whose bases refer to any of these objects."""
    wanted = {(end, one) for end, some in ids.items() for one in some}
    return [
        link
        for link in (links_of(state, End.LEFT, None) if wanted else ())
        if not wanted.isdisjoint(referred(link).ids)
    ]


def links_of(state: State, end: End, ids: Collection[ID] | None) -> list[Link]:
    """The links in a state of these objects of a side; with `None`, all."""
    if ids is None:
        return [_link_of(state, left_id) for left_id in state.ids]
    if end is End.LEFT:
        return [_link_of(state, left_id) for left_id in dict.fromkeys(ids) if left_id in state.ids]
    wanted = frozenset(ids)
    return [_link_of(state, left_id) for left_id, right_id in state.ids.items() if right_id in wanted]


def counterparts_of(state: State, end: End, ids: Collection[ID]) -> dict[ID, ID]:
    """With what these objects of a side are linked in a state."""
    wanted = frozenset(ids)
    if end is End.LEFT:
        return {left_id: state.ids[left_id] for left_id in wanted if left_id in state.ids}
    return {right_id: left_id for left_id, right_id in state.ids.items() if right_id in wanted}


def _link_of(state: State, left_id: ID) -> Link:
    left = state.objs.get(left_id, {})
    right = state.others.get(left_id, left)
    return Link(left_id, state.ids[left_id], left, right, **parked_from(state.parked.get(left_id, ())))
