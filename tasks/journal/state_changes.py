"""What a journal's calls do to a state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.journal.contract import Base, Memory, Proof, memory_to_data, parked_words
from tasks.journal.state import State
from tasks.merge import Intent, Link


def change_state(
    state: State,
    *,
    begin: Intent | None = None,
    put: Link | None = None,
    drop: Link | None = None,
    settle: Sequence[str] = (),
    memory: Memory | None = None,
    forget: Sequence[str] = (),
) -> None:
    """What a journal's calls do to a state."""
    if begin is not None:
        state.intents[begin.key] = {
            "side": begin.side.value,
            "source_id": begin.source_id,
            "values": dict(begin.values),
            "target_id": begin.target_id,
            "answered": begin.answered,
            "begun_at": begin.begun_at,
            "hash": begin.hash,
        }
    for key in settle:
        state.intents.pop(key, None)
    if drop is not None:
        for part in (state.ids, state.objs, state.others, state.parked):
            part.pop(drop.left_id, None)
    if put is not None:
        state.ids[put.left_id] = put.right_id
        state.objs[put.left_id] = dict(put.left)
        state.others[put.left_id] = dict(put.right)
        state.parked.pop(put.left_id, None)
        if put.parked:
            state.parked[put.left_id] = parked_words(put)
    if memory is not None:
        state.memory = memory_to_data(memory)
    for values in (*state.objs.values(), *state.others.values()) if forget else ():
        for name in forget:
            values.pop(name, None)


def prove(state: State, proofs: Iterable[Proof]) -> None:
    """What is known of some pairs, in a state."""
    for proof in proofs:
        change_state(state, put=proof.put, drop=proof.drop, settle=proof.settle)


def state_of(base: Base) -> State:
    """What is remembered of a task, as a state."""
    state = State(memory=memory_to_data(base.memory))
    for link in base.links:
        change_state(state, put=link)
    for intent in base.intents:
        change_state(state, begin=intent)
    return state
