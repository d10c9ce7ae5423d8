"""What a side promises of what it shows: listings, ids, keys, times, values, titles."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.sides import gathered, whole_of
from tasks.testing.equality import alike
from tasks.testing.sides.forms import fits, form_of
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Seen, Trial
from tasks.testing.wording import shown

#: How far a clock is set forward, where it can be.
STEP = timedelta(minutes=3)


async def ids(trial: Trial) -> None:
    """The id of an object stays the same, and is its own."""
    made = [await trial.make(number) for number in (0, 1)]
    trial.must(Rule.IDS, made[0].id != made[1].id, f"{trial.name('id')} is {made[0].id!r} for two objects")
    trial.told.append(f"{trial.name('list')}() twice")
    first, again = sorted(await trial.all()), sorted(await trial.all(by=trial.second))
    trial.must(
        Rule.LIST,
        len(first) == len(again),
        f"{trial.name('list')}, which says it is complete, shows {len(first)} objects and then {len(again)}, with no "
        "edit between",
    )
    trial.must(
        Rule.IDS, first == again, f"{trial.name('id')} is not the same in two listings: {first}, {again}"
    )


async def keys(trial: Trial) -> None:
    """The key of an object stays, and tells it from others."""
    one, two = [await trial.make(number) for number in (0, -1)]
    for by in (trial.side, trial.second or trial.side):
        again = await trial.find(one.id, by=by)
        trial.must(
            Rule.KEYS,
            again is not None and again.key == one.key,
            f"{trial.name('key')} of an unchanged object is {one.key!r} and then {again and again.key!r}: without "
            "memory every object would be doubled",
        )
    trial.must(
        Rule.APART,
        one.key != two.key,
        f"{trial.name('key')} is {one.key!r} for {trial.samples.key}={shown(one.values[trial.samples.key])} and for "
        f"{shown(two.values[trial.samples.key])}: at first contact any two objects would be paired",
    )


async def listings(trial: Trial) -> None:
    """A listing shows all objects."""
    made = []
    for number in range(len(trial.samples.names)):
        obj = await trial.ask("create", trial.new_key(), trial.samples.filled(number))
        made.append((await trial.look(obj)).id)
        trial.made.add(made[-1])
    trial.told = [f"{len(made)} objects made, and {trial.name('list')}()"]
    missing = sorted(set(made) - (await trial.all()).keys())
    trial.must(
        Rule.LIST,
        not missing,
        f"{len(made)} objects were made, and {trial.name('list')}, which says it is complete, lacks {len(missing)}",
    )


async def in_pages(trial: Trial) -> None:
    """Pages show what a listing shows."""
    if not trial.offers("pages"):
        return
    if not trial.side.lists_in_pages:
        trial.need_not(f"{trial.name('list')} was written anew", Rule.PAGES)
        return
    await trial.make(0), await trial.make(1)
    listed = await trial.ask("list")
    trial.told.append(f"{trial.name('pages')}() to its end")
    pages = await trial.ask("pages")
    whole = await gathered(pages) if isinstance(pages, AsyncIterable) else whole_of(pages)
    there = [await trial.look(obj) for obj in listed]
    seen = [await trial.look(obj) for obj in whole]
    ids = sorted(one.id for one in seen)
    trial.must(
        Rule.PAGES,
        ids == sorted(one.id for one in there),
        f"{trial.name('pages')} gives the ids {ids}, {trial.name('list')} {sorted(one.id for one in there)}",
    )
    cursor = getattr(listed, "cursor", None)
    trial.must(
        Rule.PAGES,
        whole.partial is None and (whole.cursor is None) == (cursor is None),
        f"{trial.name('pages')} says partial={whole.partial!r}, cursor={whole.cursor!r}; {trial.name('list')} says "
        f"cursor={cursor!r}",
    )


async def values(trial: Trial) -> None:
    """Every value has the form of its kind."""
    if not trial.samples.attributes:
        return
    for number in range(3):
        rest = {name: one.usual[number % len(one.usual)] for name, one in trial.samples.tried.items()}
        await trial.make(number, rest)
    trial.told.append(f"{trial.name('values')} of each object listed")
    for obj in await trial.ask("list"):
        judge_forms(trial, await trial.ask("values", obj))


def judge_forms(trial: Trial, given: Mapping[str, Any]) -> None:
    """Whether the values of an object have the forms of their kinds."""
    for name, attribute in trial.samples.attributes.items():
        if name not in given:
            continue
        trial.must(
            Rule.FORMS,
            fits(attribute, given[name]),
            f"{trial.name('values')} gives {name}={given[name]!r}; an attribute of the kind {attribute.kind} has "
            f"{form_of(attribute)}, or None",
        )


async def missing_values(trial: Trial) -> None:
    """Values are given of all that is synced."""
    await trial.make(0)
    for obj in await trial.ask("list"):
        given = await trial.ask("values", obj)
        lacking = [name for name in trial.samples.attributes if name not in given]
        trial.must(
            Rule.VALUES,
            not lacking,
            f"{trial.name('values')} does not give {', '.join(map(repr, lacking))}, which "
            f"{trial.name('describe')} names and which is synced",
        )


async def for_people(trial: Trial) -> None:
    """What people call an object, and where they find it, are texts in one line."""
    for seen in (await trial.make(0), await trial.make(1)):
        for method in ("title", "address"):
            said = await trial.ask(method, seen.obj)
            trial.must(
                Rule.FOR_PEOPLE,
                said is NotImplemented
                or said is None
                or (isinstance(said, str) and len(said.splitlines()) < 2),
                f"{trial.name(method)} gives {said!r}; give a text in one line, or NotImplemented",
            )


async def alone(trial: Trial) -> None:
    """An object that is read alone is as the listing shows it."""
    if not trial.offers("get"):
        return
    here, gone = [await trial.make(number) for number in (0, 1)]
    get = trial.name("get")
    trial.tell("get", here.id)
    found = await trial.ask("get", here.id)
    trial.must(Rule.GET, found is not None, f"{get}({here.id!r}) gives None for an object that is listed")
    now = await trial.must_find(Rule.LIST, here.id, f"{here.id} was made, and is not listed any more")
    seen = await trial.look(found)
    trial.must(
        Rule.GET,
        seen == now and seen.key == now.key,
        f"as {get} gives it, {now.unlike(seen)}, as the listing has it; keys: {seen.key!r}, {now.key!r}",
    )
    await trial.remove(gone)
    trial.tell("get", gone.id)
    trial.must(
        Rule.GET_MISSING,
        await trial.ask("get", gone.id) is None,
        f"{get} gives an object that was deleted; it must give None",
    )


async def times(trial: Trial) -> None:
    """Times have zones and go forward with each edit."""
    seen = await trial.make(0)
    before = await edited(trial, seen)
    after = await edited(trial, await trial.change(seen, dict([trial.some_change(seen)])))
    trial.must(
        Rule.TIMES,
        before is None or after is None or after >= before,
        f"{trial.name('edited')} goes back with an edit: {before} -> {after}",
    )
    if trial.advance is None:
        trial.need_not("no clock can be set; advance= sets it", Rule.CLOCK)
        return
    seen = await trial.make(1)
    before = await edited(trial, seen)
    gap = max(trial.side.granularity, STEP)
    trial.told.append("time passes")
    trial.advance(3 * gap)
    after = await edited(trial, await trial.change(seen, dict([trial.some_change(seen)])))
    trial.must(
        Rule.CLOCK,
        before is None or after is None or after - before >= gap,
        f"{3 * gap} passed before an edit, and {trial.name('edited')} says {before} and then {after}: in a conflict "
        "the older edit would win",
    )


async def edited(trial: Trial, seen: Seen) -> datetime | None:
    """When an object was edited last."""
    moment = await trial.ask("edited", seen.obj)
    method = trial.name("edited")
    trial.must(
        Rule.TIMES,
        moment is None or isinstance(moment, datetime),
        f"{method} must give a datetime or None, not {type(moment).__name__}: {moment!r}",
    )
    trial.must(
        Rule.TIMES,
        moment is None or moment.utcoffset() is not None,
        f"{method} gives {moment} without a zone: it would be taken for UTC, which a local time is not. Add tzinfo",
    )
    return None if moment is None else moment.astimezone(UTC)


async def unchanged(trial: Trial) -> None:
    """An object that did not change can be made of what is known of it."""
    if not trial.offers("known"):
        return
    seen = await trial.make(0)
    method = trial.name("known")
    known = await trial.ask("known", seen.id, dict(seen.values))
    if known is NotImplemented:
        trial.need_not(f"{method} gives NotImplemented", Rule.KNOWN)
        return
    trial.must(Rule.KNOWN, await trial.ask("id", known) == seen.id, f"{method} gives an object of another id")
    name, value = trial.some_change(seen)
    now = await trial.change(Seen(seen.id, seen.values, seen.key, known), {name: value})
    trial.must(
        Rule.KNOWN,
        not alike(now.values[name], seen.values[name]),
        f"an update of what {method} gave leaves the old value of {name}",
    )
    if trial.second is None:
        return
    stale = await trial.ask("known", now.id, dict(now.values))
    name, value = trial.some_change(now)
    after = await trial.change(await trial.theirs(now), {name: value}, by=trial.second)
    trial.tell("update", f"what {method} gave: {name}={shown(seen.values[name])}")
    error = await trial.refused("update", stale, {name: now.values[name]})
    still = await trial.find(now.id)
    trial.must(
        Rule.KNOWN,
        error is not None and still == after,
        f"an update of what {method} gave wrote over what somebody else wrote since; only a side whose writes look "
        "for themselves may offer it",
    )


#: The checks of this module, in the order in which they are made.
CHECKS = (ids, keys, listings, in_pages, missing_values, for_people, alone, times, unchanged)
