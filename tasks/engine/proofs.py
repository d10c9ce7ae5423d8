"""What becomes of a link by actions that ask nothing of a service, but change what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tasks.journal.contract import Proof
from tasks.mapping import with_doubtful
from tasks.merge import Action, Adopt, Agree, Link, Park, pair_of
from tasks.sides import ID, End
from tasks.values.references import Linked, untitled

T = TypeVar("T")


def proof_of(
    group: Sequence[Action], links: Mapping[tuple[ID, ID], Link], doubtful: frozenset[Linked]
) -> Proof | None:
    """What is kept of such actions of one pair; `None` where nothing is.

    Args:
        group: the actions, in their order.
        links: all pairs, as they are before.
        doubtful: linked objects of which nothing is concluded from references to them.
    """
    proof: Proof | None = None
    for action in group:
        match action:
            case Adopt():
                link = Link(action.left_id, action.right_id, action.left, action.right)
                fresh = Proof(link, action.instead_of, (action.intent,) if action.intent else ())
            case Agree():
                link = _put(proof) or links[pair_of(action)]
                fresh = Proof(advanced(link, action.left, action.right, doubtful), None, action.intents)
            case Park():
                link = _put(proof) or links[pair_of(action)]
                fresh = Proof(replace(link, parked=action.sides, apart=action.apart))
            case _:
                continue
        if proof is not None:
            fresh = Proof(fresh.put, proof.drop or fresh.drop, (*proof.settle, *fresh.settle))
        proof = fresh
    if proof is None or proof.put is None:
        return proof
    put = nameless(proof.put)
    return proof if put is proof.put else Proof(put, proof.drop, proof.settle)


def _put(proof: Proof | None) -> Link | None:
    return None if proof is None else proof.put


def advanced(
    link: Link, left: Mapping[str, Any], right: Mapping[str, Any], doubtful: frozenset[Linked]
) -> Link:
    """A link with values in its base that both sides show."""
    left, right = (
        with_doubtful(link.base_on(end), values, doubtful)
        for end, values in ((End.LEFT, left), (End.RIGHT, right))
    )
    return replace(link, left={**link.left, **left}, right={**link.right, **right})


def nameless(link: Link) -> Link:
    """A link without what people call the objects in its base."""
    left = untitled(link.left)
    right = left if link.right is link.left else untitled(link.right)
    return link if left is link.left and right is link.right else replace(link, left=left, right=right)


def batches(some: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """All of them in their order, so many at a time."""
    return (some[start : start + size] for start in range(0, len(some), size))
