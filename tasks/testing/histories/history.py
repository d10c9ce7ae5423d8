"""Histories: what people do on both sides, the runs between, and what goes wrong in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeAlias

from tasks.testing.equality import SIDES, across
from tasks.testing.histories.instrument import CRASHES, Fault, FaultKind
from tasks.testing.wording import listed, shown

#: What objects are called; the first is never deleted, so that no side is ever empty.
TOKENS = ("k0", "k1", "k2", "k3")
#: How many names an object can have in a history.
NAMES = 4


@dataclass(frozen=True, slots=True)
class Make:
    """Somebody makes an object."""

    side: str
    token: str
    values: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        values = listed(dict(self.values))
        return f"somebody makes {self.token} in {self.side}" + (f" with {values}" if values else "")


@dataclass(frozen=True, slots=True)
class Set:
    """Somebody sets an attribute."""

    side: str
    token: str
    attribute: str
    value: Any

    def __str__(self) -> str:
        return f"somebody sets {self.attribute} of {self.token} in {self.side} to {shown(self.value)}"


@dataclass(frozen=True, slots=True)
class Rename:
    """Somebody gives an object another of its names."""

    side: str
    token: str
    name: int

    def __str__(self) -> str:
        return f"somebody renames {self.token} in {self.side}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Somebody deletes an object."""

    side: str
    token: str

    def __str__(self) -> str:
        return f"somebody deletes {self.token} in {self.side}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes on both sides, where their clocks can be set."""

    minutes: int

    def __str__(self) -> str:
        return f"{self.minutes} minutes pass"


@dataclass(frozen=True, slots=True)
class Run:
    """The task runs."""

    faults: tuple[Fault, ...] = ()
    #: Objects that a side's listing leaves out, saying so.
    hidden: tuple[tuple[str, str], ...] = ()
    #: A side whose listing fails.
    down: str = ""
    dry: bool = False
    #: Whether the run before was only a moment ago, so that changes are read where the task offers them.
    soon: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing is to go wrong."""
        return not (self.faults or self.hidden or self.down or self.dry)

    def __str__(self) -> str:
        said = ["dry run" if self.dry else "run"]
        said += [
            f"{fault.kind}, at its {'effect' if fault.kind in CRASHES else 'write'} {fault.at}"
            for fault in self.faults
        ]
        said += [f"{side} lists without {token}, and says that it is partial" for side, token in self.hidden]
        said += [f"the listing of {self.down} fails"] if self.down else []
        return "; ".join(said)


Step: TypeAlias = Make | Set | Rename | Remove | Wait | Run


@dataclass(frozen=True, slots=True)
class History:
    """Steps, after which the task runs until nothing is left to do."""

    steps: tuple[Step, ...]
    #: An object that a side refuses to write at first, when all else is settled: side and object.
    refused: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Alphabet:
    """What histories are made of."""

    #: The Notion attribute that tells objects apart.
    key: str
    #: Values to try, by every other Notion attribute.
    values: Mapping[str, Sequence[Any]]
    #: The values of the key, by object; no two objects share one.
    names: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def filled(self, token: str, values: Mapping[str, Any], name: int = 0) -> dict[str, Any]:
        """All values of a new object."""
        first = {attribute: tried[0] for attribute, tried in self.values.items()}
        return {self.key: self.names[token][name], **first, **values}


def generate(alphabet: Alphabet, rng: Random) -> History:
    """A history with a correlated start and often the same objects: what follows on itself is what is hard."""
    steps: list[Step] = []
    for token in TOKENS:
        values = _some(alphabet, rng)
        where = (
            "both" if token == TOKENS[0] else rng.choice(["both", "both", "notion", "other", "differs", ""])
        )
        steps += [Make(side, token, values) for side in SIDES if where in ("both", "differs", side)][:2]
        if where == "differs":
            steps[-1] = Make("other", token, _some(alphabet, rng))
    if rng.random() < 0.5:
        steps.append(Run())
    for _ in range(rng.randint(1, 4)):
        for _ in range(rng.randint(0, 4)):
            steps += _edit(alphabet, rng)
            steps += [Wait(rng.randint(1, 5))] if rng.random() < 0.2 else []
        steps.append(_run(rng))
    refused = None
    if rng.random() < 0.3:
        refused = rng.choice(SIDES), rng.choice(TOKENS[1:])
        for token in TOKENS if alphabet.values else ():
            steps.append(Set(across(refused[0]), token, *rng.choice(_some(alphabet, rng))))
    return History(tuple(steps), refused)


def generate_calm(alphabet: Alphabet, rng: Random) -> History:
    """A history of one run in which people do not contradict each other: its end does not depend on a policy."""
    steps: list[Step] = []
    for token in TOKENS:
        values = _some(alphabet, rng)
        steps += [Make(side, token, values) for side in SIDES]
    steps.append(Run())
    changes = ["edit", "edit", "delete", "make"]
    for number, token in enumerate(TOKENS[1:]):
        side = rng.choice(SIDES)
        match rng.choice(changes):
            case "edit" if alphabet.values:
                for attribute, value in _some(alphabet, rng):
                    steps.append(Set(side, token, attribute, value))
            case "delete":
                steps.append(Remove(side, token))
            case "make":
                steps = [step for step in steps if getattr(step, "token", "") != token]
                steps.append(Make(side, token, _some(alphabet, rng)))
            case _:
                steps.append(Rename(side, token, number + 1))
    steps.append(Run())
    return History(tuple(steps))


def _some(alphabet: Alphabet, rng: Random) -> tuple[tuple[str, Any], ...]:
    return tuple((attribute, rng.choice(tried)) for attribute, tried in alphabet.values.items())


def _edit(alphabet: Alphabet, rng: Random) -> list[Step]:
    side, token = rng.choice(SIDES), rng.choice(("k1", "k1", "k2", "k3", "k0"))
    names = list(alphabet.values)

    def change(where: str) -> Set | Rename:
        if not names or rng.random() < 0.25:
            return Rename(where, token, rng.randrange(NAMES))
        attribute = rng.choice(names)
        return Set(where, token, attribute, rng.choice(alphabet.values[attribute]))

    kind = rng.choice(
        ["edit", "edit", "edit", "conflict", "conflict", "same", "delete", "clash", "gone", "make"]
    )
    if token == TOKENS[0] and kind in ("delete", "clash", "gone", "make"):
        kind = "edit"
    one = change(side)
    match kind:
        case "conflict":
            return [one, _other_value(alphabet, rng, one)]
        case "same":
            return [one, replace(one, side=across(side))]
        case "delete":
            return [Remove(side, token)]
        case "clash":
            return [replace(one, side=across(side)), Remove(side, token)]
        case "gone":
            return [Remove(where, token) for where in SIDES]
        case "make":
            return [Make(side, token, _some(alphabet, rng))]
    return [one]


def _other_value(alphabet: Alphabet, rng: Random, one: Set | Rename) -> Step:
    """An edit of the same attribute across, most often to another value."""
    if isinstance(one, Rename):
        return Rename(across(one.side), one.token, (one.name + 1) % NAMES)
    return replace(one, side=across(one.side), value=rng.choice(alphabet.values[one.attribute]))


def _moment(rng: Random, kind: FaultKind) -> int:
    return rng.randint(1, rng.choice([2, 4, 12])) if kind in CRASHES else rng.choice([1, 1, 1, 2, 2, 3])


def _run(rng: Random) -> Run:
    soon = rng.random() < 0.5
    match rng.randrange(10):
        case 0 | 1 | 2 | 3 | 4:
            kinds = [rng.choice(list(FaultKind)) for _ in range(rng.choice([1, 1, 2]))]
            return Run(tuple(Fault(_moment(rng, kind), kind) for kind in kinds), soon=soon)
        case 5 | 6:
            hidden = {(rng.choice(SIDES), rng.choice(TOKENS)) for _ in range(rng.choice([1, 2]))}
            return Run(hidden=tuple(sorted(hidden)), soon=soon)
        case 7:
            return Run(down=rng.choice(SIDES), soon=soon)
        case 8:
            return Run(dry=True)
    return Run(soon=soon)
