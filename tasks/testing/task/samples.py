"""Values to try, found by trying them where the caller names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from tasks.errors import ItemError, TaskDefinitionError
from tasks.object_task import ObjectTask
from tasks.testing.equality import SIDES, alike, form, is_blank
from tasks.testing.histories.history import NAMES, TOKENS, Alphabet
from tasks.testing.histories.people import PersonFor, TaskPerson
from tasks.testing.histories.reading import ENDS, Reader
from tasks.testing.sides.tried import tried_of

#: Kinds of values in the order in which they are tried, with values that every service of the kind can keep.
KINDS: Mapping[str, tuple[Any, ...]] = {
    "text": ("a", "Ab", "two words", "ö", ""),
    "number": (1, 2, 7, 0),
    "tick": (True, False),
    "time": (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 4, 5, 17, 0, tzinfo=UTC), None),
    "date": (date(2026, 3, 2), date(2026, 4, 5), None),
    "tags": (("a",), ("a", "b"), ()),
}


def kind_of(value: Any) -> str | None:
    """The kind to which a value belongs."""
    for kind, examples in KINDS.items():
        if type(value) is type(examples[0]) or (kind == "tags" and isinstance(value, list | set | frozenset)):
            return kind
    return "number" if isinstance(value, float) else None


async def infer(
    task: ObjectTask, given: Mapping[str, Sequence[Any]], key: str | None, people: Mapping[str, PersonFor]
) -> Alphabet:
    """The values of histories: those that are given, else of the kind that the objects show or take.

    Args:
        task: a fresh one; it is thrown away afterwards.
        given: values by Notion attribute.
        key: the Notion attribute that tells objects apart; by default one on which the hash depends.
        people: who edits the sides.

    Raises:
        TaskDefinitionError: an attribute is unknown, or none can tell objects apart.
    """
    empty = sorted(attribute for attribute, values in given.items() if len(values) < 2)
    if empty:
        raise TaskDefinitionError(
            f"task {task.name!r}: give at least two values of {', '.join(empty)} to try"
        )
    values = {attribute: tuple(tried) for attribute, tried in given.items()}
    reader = Reader(task)
    async with reader.opened():
        unknown = sorted(({*given} | ({key} if key else set())) - set(reader.names))
        if unknown:
            raise TaskDefinitionError(
                f"task {task.name!r}: {reader.mapping.spelled} has no attribute {', '.join(unknown)}; it has "
                f"{', '.join(reader.names)}"
            )
        trial = _Trial(reader, people)
        await trial.look_around()
        values |= {name: tried for name, tried in _of_kinds(reader).items() if name not in values}
        missing = [attribute for attribute in reader.names if attribute not in values]
        kinds = await trial.kinds_of(missing, values) if missing else {}
        values |= {attribute: KINDS[kind] for attribute, kind in kinds.items()}
        key = key or await trial.find_key(values)
    names = _names(task, key, given.get(key), values[key])
    return Alphabet(key, {one: tried for one, tried in values.items() if one != key}, names)


def _of_kinds(reader: Reader) -> dict[str, tuple[Any, ...]]:
    """The usual values, in common form, of attributes whose kind the left side says, as far as both sides have them."""
    found = {}
    for name in reader.names:
        attribute = reader.described["notion"].get(reader.native("notion", name))
        converter = reader.mapping.by_name[name].converter
        if attribute is None:
            continue
        values: dict[Any, Any] = {}
        for value in tried_of(attribute).usual:
            common = converter.common(ENDS["notion"], value)
            with suppress(ItemError):  # the other side has no such value
                reader.native_values("other", {name: common})
                values.setdefault(form(common), common)
        if len(values) > 1:
            found[name] = tuple(values.values())
    return found


def _names(
    task: ObjectTask, key: str, given: Sequence[Any] | None, tried: Sequence[Any]
) -> dict[str, tuple[Any, ...]]:
    """The values of the key, so that no two objects share one."""
    if given is not None and not all(isinstance(value, str) for value in given):
        pools = {token: tuple(given[place :: len(TOKENS)]) for place, token in enumerate(TOKENS)}
        if not all(pools.values()):
            raise TaskDefinitionError(
                f"task {task.name!r}: {key!r} tells objects apart, so give at least {len(TOKENS)} values of it"
            )
        return {token: tuple(pool[n % len(pool)] for n in range(NAMES)) for token, pool in pools.items()}
    if given is not None:
        return {
            token: tuple(_marked(str(given[n % len(given)]), f"{token}{n or ''}") for n in range(NAMES))
            for token in TOKENS
        }
    if kind_of(tried[0]) == "number":
        return {token: tuple(10 * place + n for n in range(NAMES)) for place, token in enumerate(TOKENS, 1)}
    # In capitals, so that a side that folds case is found out.
    return {token: tuple(f"{token.upper()} {'abcd'[n]}" for n in range(NAMES)) for token in TOKENS}


def _marked(text: str, mark: str) -> str:
    """A text of an object's own; a mail address stays one."""
    return f"{mark}.{text}" if "@" in text else f"{text} {mark}"


class _Trial:
    """Finds out what a task's attributes can hold."""

    def __init__(self, reader: Reader, people: Mapping[str, PersonFor]) -> None:
        task = reader.task
        self.task = task
        self.reader = reader
        self.people = {
            side: people[side](task) if side in people else TaskPerson(task, side) for side in SIDES
        }
        self.seen: dict[str, str] = {}

    async def look_around(self) -> None:
        """The kinds of values that objects show already."""
        for side in SIDES:
            for seen in await self.reader.listing(side):
                for attribute, value in seen.values.items():
                    kind = None if is_blank(value) else kind_of(value)
                    if kind is not None:
                        self.seen.setdefault(attribute, kind)

    async def kinds_of(self, attributes: Sequence[str], given: Mapping[str, Sequence[Any]]) -> dict[str, str]:
        """The first kind that both sides show as it was written; else one that a side does; else text."""
        found = {attribute: self.seen[attribute] for attribute in attributes if attribute in self.seen}
        fits: dict[str, dict[str, int]] = {
            attribute: {} for attribute in attributes if attribute not in found
        }
        fixed = {attribute: tried[0] for attribute, tried in given.items()}
        for kind in KINDS:
            if not any(max(scores.values(), default=0) < len(SIDES) for scores in fits.values()):
                break
            for side in SIDES:
                for attribute in await self._that_fit(side, kind, list(fits), fixed | self._known(found)):
                    fits[attribute][kind] = fits[attribute].get(kind, 0) + 1
        for attribute, scores in fits.items():
            best = max(scores.values(), default=0)
            found[attribute] = (
                next((kind for kind in KINDS if scores.get(kind) == best), "text") if best else "text"
            )
        return found

    def _known(self, found: Mapping[str, str]) -> dict[str, Any]:
        return {attribute: KINDS[kind][0] for attribute, kind in found.items()}

    async def _that_fit(
        self, side: str, kind: str, attributes: Sequence[str], fixed: Mapping[str, Any]
    ) -> list[str]:
        """The attributes that show what is written, tried all at once, and one by one where that fails."""
        values = dict.fromkeys(attributes, KINDS[kind][0])
        shown = await self._shown(side, {**fixed, **values})
        if shown is not None:
            return [one for one in attributes if alike(shown[one], values[one])]
        fitting = []
        for attribute in attributes:
            for rest in KINDS:
                others = dict.fromkeys(attributes, KINDS[rest][0])
                shown = await self._shown(side, {**fixed, **others, attribute: values[attribute]})
                if shown is not None:
                    fitting += [attribute] if alike(shown[attribute], values[attribute]) else []
                    break
        return fitting

    async def _shown(self, side: str, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What a new object shows; `None` where the side does not take the values."""
        ordered = {attribute: values[attribute] for attribute in self.reader.names}
        try:
            made = self.people[side].create(self.reader.new_values(side, ordered))
            made = await made if hasattr(made, "__await__") else made
            return (await self.reader.look(side, made)).values if made is not None else None
        except Exception:  # whatever a side says of a value that does not fit, it does not fit
            return None

    async def find_key(self, values: Mapping[str, Sequence[Any]]) -> str:
        """An attribute of texts on which the hash depends; else any of texts or numbers.

        Raises:
            TaskDefinitionError: there is none.
        """
        able = [
            one
            for kind in ("text", "number")
            for one, tried in values.items()
            if kind_of(tried[0]) == kind and one not in self.reader.lossy
        ]
        first = {attribute: tried[0] for attribute, tried in values.items()}
        for attribute in able:
            unlike = ["x1", "x2"] if isinstance(first[attribute], str) else [901, 902]
            if attribute in values and kind_of(first[attribute]) == "text" and "@" in str(first[attribute]):
                unlike = [f"{mark}.{first[attribute]}" for mark in unlike]
            hashes = [await self._hash({**first, attribute: value}) for value in unlike]
            again = await self._hash({**first, attribute: unlike[0]})
            if None not in hashes and hashes[0] != hashes[1] and hashes[0] == again:
                return attribute
        if not able:
            raise TaskDefinitionError(
                f"task {self.task.name!r}: no attribute can tell objects apart: name one with key=, and values of it"
            )
        return able[0]

    async def _hash(self, values: Mapping[str, Any]) -> str | None:
        ordered = {attribute: values[attribute] for attribute in self.reader.names}
        try:
            made = self.people["notion"].create(self.reader.new_values("notion", ordered))
            made = await made if hasattr(made, "__await__") else made
            return str((await self.reader.look("notion", made)).hash)
        except Exception:  # no hash, then no key
            return None
