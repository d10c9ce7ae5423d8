"""Histories drawn from a seed: any, and those that bring one fault to one action."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any

from tasks import ConflictMode
from tests.world.rounds import History, Round
from tests.world.services import Traits, opposite
from tests.world.world import JOURNAL_FAULTS, LISTING_FAULTS, WRITE_FAULTS

# Often the same object and field: what follows on itself is what is hard.
TOKENS = ("k1", "k1", "k2", "k3")
NAMES = ("Title", "Title", "Note")
SIDES = ("notion", "other")
TEXTS = ("", "a", "b", "c", "A", " b")
MODES = (ConflictMode.NEWER, ConflictMode.NEWER, ConflictMode.NOTION, ConflictMode.OTHER, ConflictMode.ERROR)
#: Crashes and lost answers end most; the others come on top.
FAULTS = ("before", "after", "crash-before", "crash-after") * 2 + WRITE_FAULTS

#: The object that a directed history is about.
AIM = "aim"


def history(rng: Random, *, faults: bool = True) -> History:
    """Any history."""
    return History(start(rng), rounds(rng, faults=faults), rng.choice(MODES), traits(rng))


def traits(rng: Random) -> Traits:
    """Services and a task of any kind; mostly of the simplest."""
    skew = (rng.choice((0, 0, 0, 3, -3)), rng.choice((0, 0, 0, 1, -1)))
    return Traits(
        *(rng.random() < 0.3 for _ in range(5)),
        deltas=rng.random() < 0.25,
        delete_wins=rng.random() < 0.15,
        resolver=rng.random() < 0.15,
        owned=rng.choice(("", "", "", "", "Note", "Title")),
        skew=skew,
    )


def start(rng: Random) -> dict[str, tuple[str, str, str]]:
    """A correlated start: most objects on both sides."""
    where = ("both", "both", "notion", "other", "differs")
    tokens = rng.sample(("k1", "k2", "k3"), rng.randint(1, 3))
    return {token: (rng.choice(TEXTS), rng.choice(TEXTS), rng.choice(where)) for token in tokens}


def rounds(rng: Random, *, faults: bool = True, most: int = 5) -> tuple[Round, ...]:
    """Some rounds, with or without faults."""
    return tuple(any_round(rng) if faults else Round(moves(rng)) for _ in range(rng.randint(1, most)))


def any_round(rng: Random) -> Round:
    """Moves, and at most two faults of writes and one of a listing."""
    found = {rng.randint(0, 12): rng.choice(FAULTS) for _ in range(rng.choice((0, 1, 1, 2)))}
    side, tokens = rng.choice(SIDES), set(rng.sample(("k1", "k2", "k3"), rng.randint(1, 3)))
    kind = rng.choice((*LISTING_FAULTS, *[""] * 8))
    return Round(
        moves(rng),
        found,
        hidden={side: tokens} if kind == "hidden" else {},
        odd={side: (kind, tokens)} if kind not in ("", "hidden") else {},
        dry=rng.random() < 0.15,
        narrow=rng.random() < 0.1,
        soon=rng.random() < 0.3,
        scope=frozenset(rng.sample(("k1", "k2", "k3"), rng.choice((0, 1, 2))))
        if rng.random() < 0.1
        else None,
    )


def moves(rng: Random) -> tuple[tuple[Any, ...], ...]:
    """Up to five moves of the users."""
    return tuple(move(rng) for _ in range(rng.randint(0, 5)))


def move(rng: Random) -> tuple[Any, ...]:
    """One move."""
    side, token, name, text = rng.choice(SIDES), rng.choice(TOKENS), rng.choice(NAMES), rng.choice(TEXTS)
    return rng.choice(
        (
            ("edit", side, token, name, text),
            ("edit", side, token, name, text),
            ("both", token, name),
            ("same", token, name, text),
            ("clash", side, token, name, text),
            ("create", side, token, text, rng.choice(TEXTS)),
            ("delete", side, token),
            ("gone", token),
            ("wait", rng.randint(1, 5)),
        )
    )


# -- histories with an aim ----------------------------------------------------------------------------------

RULES = ("-", "newer", "tie", "notion", "other", "retried", "resolver")
#: Every fault of every write under every rule that can lead to it.
WRITE_CELLS = [
    *[("update", rule, fault) for rule in RULES for fault in WRITE_FAULTS],
    # What is only made now nobody can have edited or deleted.
    *[
        ("create", rule, fault)
        for rule in ("-", "edit beats delete")
        for fault in WRITE_FAULTS
        if fault not in ("changed", "vanished")
    ],
    *[("delete", rule, fault) for rule in ("-", "delete beats edit") for fault in WRITE_FAULTS],
]
CALLS = ("begin", "before-image", "put", "batch", "drop", "settle", "keep", "remember")
JOURNAL_CELLS = [(call, "*", fault) for call in CALLS for fault in JOURNAL_FAULTS]
#: What is planned although a listing is odd.
PLANNED = (
    "Adopt", "Agree", "Create", "Delete", "Unlink", "Update", "Conflict:newer", "Conflict:tie", "Conflict:notion",
    "Conflict:other", "Conflict:error", "Conflict:edit beats delete", "Conflict:delete beats edit",
    "Conflict:resolver", "Conflict:retried", "Park",
)  # fmt: skip
PLAN_CELLS = [
    ("plan", action, fault)
    for action in PLANNED
    for fault in LISTING_FAULTS
    # Without two listings that are complete, nothing is known to be gone on both sides.
    if fault not in ("drift", "down") and (action, fault) != ("Unlink", "hidden")
]
CELLS = [*WRITE_CELLS, *JOURNAL_CELLS, *PLAN_CELLS, *[("listing", "-", fault) for fault in LISTING_FAULTS]]


def aimed(rng: Random, cell: tuple[str, str, str]) -> History:
    """A history in which a fault meets an action, between random rounds."""
    action, rule, fault = cell
    side = rng.choice(SIDES)
    rule = rule.removeprefix("Conflict:")
    mode = ConflictMode(rule) if rule in ("notion", "other", "error") else ConflictMode.NEWER
    skew = (0, 0) if rule == "tie" else rng.choice(((0, 0), (3, 0), (0, -1)))
    strict, titled = (
        fault in ("stale", "absent") or rng.random() < 0.3,
        rng.random() < (0.6 if action == "create" else 0.3) and rule != "Adopt" and action != "batch",
    )
    kind = Traits(
        strict,
        rng.random() < (0.6 if rule == "resolver" else 0.3),
        titled,
        rng.random() < (0.7 if fault == "lost" else 0.3),
        rng.random() < 0.3,
        deltas=rng.random() < (0.5 if rule == "Park" else 0.2)
        or fault in ("late", "expired")
        or (action, fault) == ("create", "after"),
        delete_wins=rule == "delete beats edit",
        resolver=rule == "resolver",
        skew=skew,
    )
    linked = {**start(rng), AIM: ("a", "a", "both")}
    torn, last = setup(rng, action, rule, side)
    if action in ("plan", "listing"):
        middle = (odd_round(rng, last, fault, side if rule == "Create" else opposite(side)),)
    else:
        middle = (Round(last, aimed=(cell,)),)
    if action == "settle":  # a refused write closes its intent, and so does a listing that shows it was none
        middle = (Round(last, aimed=(("update", "*", "refused"), cell)), *middle)
    if rule == "Park":  # out of sight, and then only half the truth is told
        out = dataclasses.replace(middle[0], scope=frozenset({AIM}))
        middle = (out, Round(hidden={rng.choice(SIDES): {AIM}}), Round())
    if (action, fault) == ("create", "after"):  # and then the listing does not tell of it yet
        middle = (*middle, Round(odd={one: ("late", {AIM, "new"}) for one in SIDES}))
    if (action, fault) == ("create", "crash-after"):  # and then both are edited before anybody looks
        edits = ("edit", side, "new", "Title", "c"), ("edit", opposite(side), "new", "Note", "a")
        middle = (*middle, Round(edits))
    if (action, rule, fault) == ("update", "-", "lost"):  # in the midst of an object too
        edits = ("edit", side, AIM, "Title", "c"), ("edit", side, AIM, "Note", "c")
        middle = (Round(edits, faults={2: "lost"}), Round(), *middle)
    if cell == ("create", "edit beats delete", "down-after"):  # and then it is deleted over there too
        middle = (*middle, Round((("delete", opposite(side), AIM),)))
    before = (Round(), *([torn] if torn else []))
    after = Round((("edit", rng.choice(SIDES), AIM, rng.choice(NAMES), rng.choice(("", "a", "b", "c"))),))
    return History(linked, (*before, *middle, after, *rounds(rng, most=2)), mode, kind)


def odd_round(rng: Random, last: tuple[tuple[Any, ...], ...], fault: str, side: str) -> Round:
    """A round in which a listing is odd for other objects than the one that it is about, and perhaps for it."""
    # An object that is listed twice is left alone, so it must not be the one that the action is about.
    too = rng.random() < 0.25 and (fault != "repeated" or not last)
    tokens = {"k1", "k2", "k3", *((AIM,) if too else ())}
    edits = (*last, ("edit", side, "k1", "Note", "b"))
    if fault == "absent" and last == (("gone", AIM),):  # gone on one side only, out of sight on the other
        return Round((("delete", opposite(side), AIM),), odd={side: (fault, {AIM})})
    if fault == "hidden":
        return Round(edits, hidden={side: tokens - {AIM}})
    return Round(edits, odd={side: (fault, tokens)})


def setup(rng: Random, action: str, rule: str, side: str) -> tuple[Round | None, tuple[tuple[Any, ...], ...]]:
    """What leads to an action: a round before it, if one is needed, and the moves right before it."""
    name = rng.choice(NAMES)
    edit, delete = ("edit", side, AIM, name, "b"), ("delete", side, AIM)
    clash = ("edit", "notion", AIM, name, rng.choice("bB")), ("wait", 2), ("edit", "other", AIM, name, "c")
    if rng.random() < 0.5:
        clash = clash[::-1]
    create = ("create", side, "new", "a", "b")
    moves: dict[str, tuple[tuple[Any, ...], ...]] = {
        "keep": clash,
        "batch": tuple(("create", end, f"new{number}", "a", "b") for number in range(5) for end in SIDES),
        "drop": (delete,),
        "before-image": (delete,),
        "delete -": (delete,),
        "Delete": (delete,),
        "create -": (create,),
        "Create": (create,),
        "edit beats delete": (("clash", side, AIM, name, "b"),),
        "tie": (("both", AIM, name),),
        "retried": (),
        "Unlink": (("gone", AIM),),
        "Park": (),
        "Agree": (("same", AIM, name, "b"),),
        "Adopt": (create, ("create", opposite(side), "new", "a", "b")),
        "delete beats edit": (("clash", side, AIM, name, "b"),),
        **dict.fromkeys(("newer", "notion", "other", "error", "resolver"), clash),
    }
    torn = Round((edit,), aimed=(("update", "-", "before"),)) if rule == "retried" else None
    for key in (f"{action} {rule}", rule, action):
        if key in moves:
            return torn, moves[key]
    return torn, (edit,)
