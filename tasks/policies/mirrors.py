"""A task that writes one end only: the mirror of the other one, which is never written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.mapping import Pair
from tasks.policies.words import Words, listed, shown
from tasks.sides import End, Labels

_EDITS = ("overwrite", "keep")


def read_mirror(said: Mapping[str, Any], ends: Words, wrong: list[str]) -> tuple[End | None, bool]:
    """The only end that is written, and whether edits there are kept; what is wrong is added to the list."""
    word, edits = said.get("only_to"), said.get("target_edits")
    if word is not None and word not in ends:
        wrong.append(f"only_to: it is one of {listed(shown(ends))}, the only end that is written")
    if edits is not None and edits not in _EDITS:
        wrong.append(f"target_edits: it is one of {listed(_EDITS)}")
    if edits is not None and word is None:
        wrong.append("target_edits is for a sync that goes one way: add only_to, or leave it out")
    return ends.get(word) if isinstance(word, str) else None, edits == "keep"


def against_mirror(pairs: Iterable[Pair], only_to: End | None, ends: Words) -> list[str]:
    """What of a mapping does not go together with a task that writes one end only."""
    if only_to is None:
        return []
    words = {end: word for word, end in ends.items()}
    wrong = []
    for pair in pairs:
        if pair.only_to is only_to.opposite:
            wrong.append(f"the mapping of {pair.left!r} goes to {words[pair.only_to]}, but the sync does not")
        if pair.mode is not None:
            wrong.append(
                f"the mapping of {pair.left!r} says conflict_mode, but in a sync that goes one way nothing is in "
                "conflict: leave it out"
            )
    return wrong


def tell_mirror(only_to: End | None, labels: Labels, *, keeps: bool) -> list[str]:
    """What a mirror does, in a sentence."""
    if only_to is None:
        return []
    here, source = labels[only_to], labels[only_to.opposite]
    edits = f"stays until it is edited in {source}" if keeps else "is written over, and kept in the ledger"
    return [f"{source} is never written: {here} mirrors it, and what is edited in {here} {edits}"]
