"""One check of one side at its place: what is done to it, and what it shows then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from tasks.errors import ItemError
from tasks.sides import Listing, Side
from tasks.testing.calling import answer
from tasks.testing.equality import alike
from tasks.testing.sides.forms import equal
from tasks.testing.sides.rules import BrokenRuleError, Rule
from tasks.testing.sides.tried import Samples
from tasks.testing.wording import listed, shown


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as its side shows it."""

    id: str
    #: Of the attributes that are tried.
    values: Mapping[str, Any]
    key: str = field(default="", compare=False)
    obj: Any = field(default=None, compare=False, repr=False)

    def unlike(self, now: Seen | None) -> str:
        """In what the same object differs later, in words."""
        if now is None:
            return f"{self.id} is not there any more"
        if self.id != now.id:
            return f"the id is {now.id} instead of {self.id}"
        unlike = [name for name, value in self.values.items() if not alike(value, now.values[name])]
        differing = (
            f"{name}={shown(now.values[name])} instead of {shown(self.values[name])}" for name in unlike
        )
        return f"{self.id} shows {', '.join(differing) or 'the same'}"


class Trial:
    """One check of one side.

    Attributes:
        told: what was done, one line each.
        reached: how often each rule was put to the test.
        not_offered: rules that a side need not keep, as it does not offer what they are about, and why.
        skipped: rules that could not be put to the test though the side offers what they are about, and why.
        notes: what a person should know of the side, though it breaks no rule.
    """

    def __init__(
        self,
        side: Side,
        samples: Samples,
        *,
        second: Side | None = None,
        make_side: Callable[[], Side] | None = None,
        advance: Callable[[timedelta], None] | None = None,
        seed: str = "",
        without: Collection[Rule] = (),
        has: Callable[[str], bool] | None = None,
    ) -> None:
        self.side = side
        #: Makes further instances at the same place, where that can be.
        self.make_side = make_side
        #: Lets time pass at the service, where that can be.
        self.advance = advance
        self.without = without
        self._has = has or partial(offers, side)
        #: Another instance at the same place, through which somebody else edits; `None` where there is none.
        self.second = second
        self.samples = samples
        self.seed = seed
        self.told: list[str] = []
        #: The method that was asked last, as its author knows it.
        self.asked = "open"
        self.reached: Counter[Rule] = Counter()
        self.not_offered: dict[Rule, str] = {}
        self.skipped: dict[Rule, str] = {}
        self.notes: list[str] = []
        self.made: set[str] = set()
        #: Whether the side sets attributes one at a time, so that an update of several is no single write.
        self.one_by_one = False
        self._keys = 0

    # -- judging --------------------------------------------------------------------------------------------

    def must(self, rule: Rule, holds: bool, message: str) -> None:
        """Put a rule to the test, unless it is left out.

        Raises:
            BrokenRuleError: it does not hold.
        """
        if rule in self.without:
            return
        self.reached[rule] += 1
        if not holds:
            raise BrokenRuleError(rule, message)

    def need_not(self, why: str, *rules: Rule) -> None:
        """A side like this need not keep these rules."""
        for rule in rules:
            self.not_offered.setdefault(rule, why)

    def skip(self, why: str, *rules: Rule) -> None:
        """These rules cannot be put to the test here."""
        for rule in rules:
            self.skipped.setdefault(rule, why)

    def offers(self, method: str) -> bool:
        """Whether the side has a method of its own, where a plain one would do."""
        return self._has(method)

    def name(self, method: str) -> str:
        """How the author of the side knows a method."""
        return self.side.spelled("update_one" if method == "update" and self.one_by_one else method)

    def equal(self, attribute: str, given: Any, now: Any) -> bool:
        """Whether what is shown is what was written."""
        return equal(self.samples.attributes.get(attribute), given, now)

    # -- reading --------------------------------------------------------------------------------------------

    async def ask(self, method: str, *args: Any, by: Side | None = None) -> Any:
        """What a method of the side gives."""
        self.asked = self.name(method)
        return await answer(getattr(by or self.side, method)(*args))

    async def look(self, obj: Any, *, by: Side | None = None) -> Seen:
        """One object, as the side shows it."""
        obj_id = await self.ask("id", obj, by=by)
        if not self.samples.exact:  # an older style, in which any id is taken as a text
            obj_id = "" if obj_id is None else str(obj_id)
        self.must(
            Rule.IDS,
            isinstance(obj_id, str) and bool(obj_id),
            f"{self.name('id')} gives {obj_id!r}; give every object an id that is a text",
        )
        values = await self.ask("values", obj, by=by)
        missing = (
            [one for one in self.samples.watched if one not in values]
            if isinstance(values, Mapping)
            else self.samples.watched
        )
        self.must(
            Rule.VALUES,
            not missing,
            f"{self.name('values')} does not give {', '.join(map(repr, missing))}; it gives {values!r}",
        )
        key = await self.ask("key", obj, by=by)
        return Seen(obj_id, {name: values[name] for name in self.samples.watched}, str(key), obj)

    async def all(self, *, by: Side | None = None) -> dict[str, Seen]:
        """All objects by id, read through a listing that has to be complete."""
        found = await self.ask("list", by=by)
        self.must(
            Rule.LIST,
            isinstance(found, list | tuple),
            f"{self.name('list')} must return a list or a Listing, not {type(found).__name__}",
        )
        if isinstance(found, Listing):
            self.must(
                Rule.LIST,
                found.partial is None,
                f"{self.name('list')} says that it is partial ({found.partial}) at a place that holds a few objects "
                "only, so no deletion would ever be carried across",
            )
        seen = [await self.look(obj, by=by) for obj in found]
        twice = [one for one, times in Counter(one.id for one in seen).items() if times > 1]
        self.must(Rule.IDS, not twice, f"{self.name('list')} names {twice and twice[0]} more than once")
        return {one.id: one for one in seen}

    async def find(self, obj_id: str, *, by: Side | None = None) -> Seen | None:
        """One object of the listing."""
        return (await self.all(by=by)).get(obj_id)

    async def must_find(self, rule: Rule, obj_id: str, message: str, *, by: Side | None = None) -> Seen:
        """One object of the listing, which has to be there.

        Raises:
            BrokenRuleError: it is not.
        """
        found = await self.find(obj_id, by=by)
        self.reached[rule] += 1
        if found is None:
            raise BrokenRuleError(rule, message)
        return found

    async def theirs(self, seen: Seen) -> Seen:
        """An object as the second instance lists it."""
        message = f"{seen.id} is listed through one instance, and not through another one at the same place"
        return await self.must_find(Rule.LIST, seen.id, message, by=self.second)

    # -- writing --------------------------------------------------------------------------------------------

    def new_key(self) -> str:
        """A key of a create, unlike those of every other check."""
        self._keys += 1
        return f"{self.seed}-{self._keys}"

    async def make(
        self, number: int, values: Mapping[str, Any] | None = None, *, by: Side | None = None
    ) -> Seen:
        """Make an object, and see to it that what is returned is what is listed."""
        return await self.make_of(self.samples.filled(number, values), by=by)

    async def make_of(self, values: Mapping[str, Any], *, by: Side | None = None) -> Seen:
        """Make an object of just these values.

        Raises:
            ItemError: the side does not take them.
        """
        self.tell("create", listed(values), by=by)
        made = await self.ask("create", self.new_key(), dict(values), by=by)
        self.must(Rule.CREATE, made is not None, f"{self.name('create')} must return the object that it made")
        seen = await self.look(made, by=by)
        self.made.add(seen.id)
        now = await self.must_find(
            Rule.CREATE_LISTED,
            seen.id,
            f"{self.name('create')} returned {seen.id}, and a listing that says it is complete does not show it",
            by=by,
        )
        for name, value in seen.values.items():
            self.must(
                Rule.CREATE,
                alike(value, now.values[name]),
                f"{self.name('create')} returns an object with {name}={shown(value)}, and the listing shows "
                f"{shown(now.values[name])}; return the object as the service keeps it",
            )
        return now

    async def change(self, seen: Seen, changes: Mapping[str, Any], *, by: Side | None = None) -> Seen:
        """Update an object; it as it is listed then.

        Raises:
            ItemError: the side does not take the values.
        """
        self.tell("update", listed(changes), by=by)
        returned = await self.update(seen.obj, changes, by=by)
        update = self.name("update")
        now = await self.must_find(
            Rule.UPDATE_KEEPS,
            seen.id,
            f"{update} of {', '.join(changes)}: the object {seen.id} is not listed under its id any more",
            by=by,
        )
        if returned is None:
            return now
        after = await self.look(returned, by=by)
        self.must(
            Rule.UPDATE_RETURNS,
            after.id == seen.id,
            f"{update} of {seen.id} returns {after.id}, another object",
        )
        for name, value in after.values.items():
            self.must(
                Rule.UPDATE_RETURNS,
                alike(value, now.values[name]),
                f"{update} must return the object as it is now: it shows {name}={shown(value)}, and the listing "
                f"{shown(now.values[name])}",
            )
        return now

    async def update(self, obj: Any, changes: Mapping[str, Any], *, by: Side | None = None) -> Any:
        """Send an update as the engine does; the object that is returned, `None` where a side cannot tell."""
        returned = await self.ask("update", obj, dict(changes), by=by)
        if returned is NotImplemented:
            self.one_by_one = True
            self.need_not(f"{self.name('update')} gives NotImplemented", Rule.UPDATE_RETURNS)
            for name, value in changes.items():
                await self.ask("update_one", obj, name, value, by=by)
            return None
        self.must(
            Rule.UPDATE_RETURNS,
            returned is not None,
            f"{self.name('update')} returns nothing; return the object as it is now",
        )
        return returned

    async def remove(self, seen: Seen, *, by: Side | None = None) -> None:
        """Delete an object."""
        self.tell("delete", seen.id, by=by)
        await self.ask("delete", seen.obj, by=by)

    async def refused(self, method: str, *args: Any) -> ItemError | None:
        """Why a write is refused; `None` where it is not.

        Raises:
            Exception: it fails with something else than an `ItemError`.
        """
        try:
            await (self.update(*args) if method == "update" else self.ask(method, *args))
        except ItemError as error:
            return error
        return None

    async def clean(self) -> None:
        """Take away what the check made."""
        for obj in await self.ask("list"):
            if await self.ask("id", obj) in self.made:
                with suppress(ItemError):  # one that stays keeps no other one
                    await self.ask("delete", obj)

    # -- telling --------------------------------------------------------------------------------------------

    def tell(self, method: str, about: str = "", *, by: Side | None = None) -> None:
        """Add a line to what was done."""
        who = "somebody else: " if by is not None and by is self.second else ""
        self.told.append(f"{who}{self.name(method)}({about})")

    def some_change(self, seen: Seen, leaving: Collection[str] = ()) -> tuple[str, Any]:
        """An attribute and a value that an object does not have."""
        return self.some_changes(seen, leaving)[0]

    def some_changes(self, seen: Seen, leaving: Collection[str] = ()) -> list[tuple[str, Any]]:
        """Attributes, each with a value that an object does not have; the key comes last."""
        found = []
        for name, tried in self.samples.tried.items():
            fresh = [value for value in tried.usual if not self.equal(name, value, seen.values[name])]
            found += [(name, value) for value in fresh[:1] if name not in leaving]
        key = self.samples.key
        name = next(one for one in reversed(self.samples.names) if not alike(one, seen.values[key]))
        return [*found, (key, name)] if key not in leaving or not found else found


def offers(side: Side, method: str) -> bool:
    """Whether a side has a method of its own, where a plain one would do."""
    return getattr(type(side), method) is not getattr(Side, method)
