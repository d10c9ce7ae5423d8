"""What a side promises of creates and updates."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tasks.errors import ItemError, UnfitError
from tasks.testing.equality import alike, is_blank
from tasks.testing.sides.forms import fits
from tasks.testing.sides.reading import judge_forms
from tasks.testing.sides.rules import BrokenRuleError, Rule
from tasks.testing.sides.trial import Seen, Trial
from tasks.testing.wording import listed, shown


async def creates(trial: Trial) -> None:
    """A new object shows every value that it was given."""
    widest = max((len(one.usual) for one in trial.samples.tried.values()), default=1)
    for number in range(min(widest, 6)):
        given = {name: one.usual[number % len(one.usual)] for name, one in trial.samples.tried.items()}
        trial.told.clear()
        seen = await trial.make(number, given)
        for name, value in {**given, trial.samples.key: trial.samples.names[number]}.items():
            trial.must(
                Rule.CREATE_ALL,
                is_blank(value) or not is_blank(seen.values[name]),
                f"{trial.name('create')} was given {name}={shown(value)}, and the object shows "
                f"{shown(seen.values[name])}",
            )
            trial.must(
                Rule.CREATE_AS_GIVEN,
                trial.equal(name, value, seen.values[name]),
                f"{trial.name('create')} was given {name}={shown(value)}, and the object shows "
                f"{shown(seen.values[name])}; let the values and the writes of this side speak one form",
            )


async def creates_of_few(trial: Trial) -> None:
    """A new object may be given some of the attributes only, as a mapping names no more."""
    given = {**trial.samples.constants, trial.samples.key: trial.samples.names[0]}
    try:
        await trial.make_of(given)
        fault = ""
    except BrokenRuleError:
        raise
    except Exception as error:  # whatever it is, it is told
        fault = f"{trial.asked} raises {type(error).__name__}: {error}"
    trial.must(
        Rule.CREATE_FEW,
        not fault,
        f"{trial.name('create')} was given {listed(given)} only, and then {fault}; a mapping may name no other "
        "attributes. What a service cannot do without is said by constants=",
    )


async def creates_once(trial: Trial) -> None:
    """A create that is made again with its key makes no other object."""
    before = await trial.all()
    given = trial.samples.filled(0)
    key = trial.new_key()
    made = []
    for _ in range(2):
        trial.tell("create", f"{key!r}, …")
        try:
            made.append(await trial.look(await trial.ask("create", key, dict(given))))
        except ItemError:
            if not made:
                raise  # a first create of usual values has to be taken
    trial.made |= (await trial.all()).keys() - before.keys()
    now = (await trial.all()).keys() - before.keys()
    trial.must(
        Rule.CREATE_ONCE,
        len(now) == 1 and {one.id for one in made} == now,
        f"{trial.name('create')} was called twice with one key, and {len(now)} objects are listed; make the id of the "
        "key, or look for what was made with it. A service that has no place for a key is told of by "
        f"without={{{Rule.CREATE_ONCE.title!r}: why}}",
    )


async def tells_what_was_made(trial: Trial) -> None:
    """An object is found again by the key of its create, and none by any other."""
    if not trial.offers("made"):
        return
    key, other = trial.new_key(), trial.new_key()
    trial.tell("create", f"{key!r}, …")
    seen = await trial.look(await trial.ask("create", key, trial.samples.filled(0)))
    trial.made.add(seen.id)
    told = await trial.ask("made", key)
    if told is NotImplemented or told is None:
        trial.not_offered[Rule.MADE] = "its objects do not show the key of their create"
        return
    named = f"{trial.name('made')} of {key!r}"
    trial.must(Rule.MADE, told == seen.id, f"{named} gives {shown(told)}, and {seen.id} was made with it")
    there = (await trial.all()).keys()
    told = await trial.ask("made", other)
    trial.must(
        Rule.MADE,
        told not in there,
        f"{trial.name('made')} of {other!r} gives {shown(told)}, which was not made with it",
    )


async def updates(trial: Trial) -> None:
    """An update sets the attribute that it names, and no other one."""
    seen = await trial.make(0)
    wanted = {name: one.usual for name, one in trial.samples.tried.items()}
    for name, values in {**wanted, trial.samples.key: trial.samples.names[1:4]}.items():
        for value in (*values, values[0]):
            del trial.told[1:]
            before = seen
            seen = await trial.change(before, {name: value})
            _judge_set(trial, name, before, value, seen)
            _judge_rest(trial, {name: value}, before, seen)


def _judge_set(trial: Trial, name: str, before: Seen, value: Any, seen: Seen) -> None:
    here = f"{trial.name('update')} of {name} from {shown(before.values[name])} to {shown(value)}"
    trial.must(
        Rule.UPDATE,
        name in trial.samples.coarse
        or trial.equal(name, before.values[name], value)
        or not alike(before.values[name], seen.values[name])
        or trial.equal(name, value, seen.values[name]),
        f"{here} leaves the old value: it must write every attribute that it is given",
    )
    trial.must(
        Rule.FIXPOINT,
        not trial.samples.exact or trial.equal(name, value, seen.values[name]),
        f"{here} leads to {shown(seen.values[name])}; let the values and the writes of this side speak one form",
    )


def _judge_rest(trial: Trial, changes: Mapping[str, Any], before: Seen, seen: Seen) -> None:
    for rest in trial.samples.watched:
        trial.must(
            Rule.UPDATE_ONLY,
            rest in changes or alike(before.values[rest], seen.values[rest]),
            f"{trial.name('update')} of {', '.join(changes)} changes {rest} as well, from "
            f"{shown(before.values[rest])} to {shown(seen.values[rest])}; it must leave what it does not name",
        )


async def updates_several(trial: Trial) -> None:
    """An update sets all the attributes that it names."""
    if not trial.samples.tried:
        trial.need_not("only one attribute is written", Rule.UPDATE_SEVERAL)
        return
    seen = await trial.make(0)
    for _ in range(3):
        changes = dict(trial.some_changes(seen))
        before, seen = seen, await trial.change(seen, changes)
        for name, value in changes.items():
            trial.must(
                Rule.UPDATE_SEVERAL,
                trial.equal(name, value, seen.values[name]),
                f"{trial.name('update')} of {', '.join(changes)} leaves {name} at "
                f"{shown(seen.values[name])} instead of {shown(value)}",
            )
        _judge_rest(trial, changes, before, seen)


async def nasty_values(trial: Trial) -> None:
    """A value that is nasty is kept, refused, or rewritten into what stays the same from then on."""
    if not trial.samples.attributes:
        return
    seen = await trial.make(0)
    key = trial.samples.key
    nasty = {name: one.nasty for name, one in trial.samples.tried.items()}
    for name, values in {**nasty, key: _nasty_names(trial)}.items():
        for value in values:
            del trial.told[1:]
            seen = await write_nasty(trial, seen, name, value)


def _nasty_names(trial: Trial) -> list[Any]:
    if not isinstance(trial.samples.names[0], str):
        return []
    return [
        "two words, and: more; = <b>&amp;</b>",
        "ö 👩‍👩‍👧 e\u0301",
        '"quoted" \\ back',
        "long " * 60,
        "-",
        "0012",
    ]


async def write_nasty(trial: Trial, seen: Seen, name: str, value: Any) -> Seen:
    """Write a value that a service may refuse or rewrite; the object as it is then."""
    try:
        now = await trial.change(seen, {name: value})
    except ItemError as error:
        await _judge_refused(trial, seen, error, {name: value}, name)
        return seen
    _judge_rest(trial, {name: value}, seen, now)
    shows = now.values[name]
    if trial.samples.attributes:
        judge_forms(trial, {name: shows})
    if not trial.equal(name, value, shows):
        trial.notes.append(f"{name}: {_short(value)} is kept as {_short(shows)}")
    again = await trial.change(now, {name: shows})
    trial.must(
        Rule.FIXPOINT,
        alike(again.values[name], shows),
        f"{name} was set to {shown(value)} and shows {shown(shows)}; the same written again shows "
        f"{shown(again.values[name])}. Let {trial.name('values')} give what {trial.name('update')} keeps",
    )
    return again


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) < 60 else f"{text[:50]}… ({len(text)})"


async def unfit_values(trial: Trial) -> None:
    """What does not fit is refused before anything is written."""
    if not trial.samples.attributes:
        return
    unfit = [(name, value) for name, one in trial.samples.tried.items() for value in one.unfit]
    if not unfit:
        trial.need_not("no attribute that is tried has unfit values", Rule.UNFIT, Rule.UNFIT_WHOLE)
        return
    made = await trial.make(0)
    seen = await trial.change(made, dict([trial.some_change(made)]))  # shows whether several are one write
    refusals = 0
    for name, value in unfit:
        good = trial.some_changes(seen, leaving=[name])[0]
        mixed = [] if trial.one_by_one else [dict([good, (name, value)]), dict([(name, value), good])]
        for changes in ({name: value}, *mixed):
            del trial.told[1:]
            trial.tell("update", ", ".join(f"{one}={shown(it)}" for one, it in changes.items()))
            error = await trial.refused("update", seen.obj, changes)
            if error is not None:
                refusals += 1
                await _judge_refused(trial, seen, error, changes, name)
                continue
            message = f"{seen.id} is not listed any more after {trial.name('update')}"
            seen = await trial.must_find(Rule.UPDATE_KEEPS, seen.id, message)
            _judge_taken(trial, seen, name, value)
        refusals += await _create_unfit(trial, name, value)
    if not refusals:
        trial.need_not("no value was refused", Rule.UNFIT_WHOLE)


def _judge_taken(trial: Trial, seen: Seen, name: str, value: Any) -> None:
    trial.must(
        Rule.UNFIT,
        fits(trial.samples.attributes[name], seen.values[name]),
        f"{name} is of the kind {trial.samples.attributes[name].kind}, takes {shown(value)}, and shows "
        f"{seen.values[name]!r} then; {trial.name('update')} and {trial.name('create')} must raise UnfitError",
    )


async def _judge_refused(
    trial: Trial, seen: Seen, error: ItemError, changes: Mapping[str, Any], unfit: str
) -> None:
    method = trial.name("update")
    trial.must(
        Rule.UNFIT,
        not isinstance(error, UnfitError)
        or (unfit in error.attributes and error.attributes <= changes.keys()),
        f"{method} raises UnfitError of {', '.join(sorted(getattr(error, 'attributes', ())))}, and what does not fit "
        f"is {unfit}; the engine sends the others again without those that are named",
    )
    now = await trial.find(seen.id)
    trial.must(
        Rule.UNFIT_WHOLE,
        now == seen,
        f"{method} refuses an update of {', '.join(changes)} ({error}), and then {seen.unlike(now)}; find out what "
        "does not fit before anything is written",
    )


async def _create_unfit(trial: Trial, name: str, value: Any) -> int:
    before = await trial.all()
    del trial.told[1:]
    trial.tell("create", f"{name}={shown(value)}, …")
    error = await trial.refused("create", trial.new_key(), trial.samples.filled(1, {name: value}))
    after = await trial.all()
    fresh = after.keys() - before.keys()
    trial.made |= fresh
    trial.must(
        Rule.UNFIT_WHOLE,
        error is None or not fresh,
        f"{trial.name('create')} refuses {name}={shown(value)} ({error}), and an object is there all the same",
    )
    for one in fresh:
        _judge_taken(trial, after[one], name, value)
    return error is not None


async def pairs_of_values(trial: Trial) -> None:
    """Every value is reached from every neighbour of it."""
    seen = await trial.make(0)
    for name, one in trial.samples.tried.items():
        for before, value in pairwise((*one.usual, *reversed(one.usual))):
            if is_blank(before) or is_blank(value):
                del trial.told[1:]
                seen = await trial.change(await trial.change(seen, {name: before}), {name: value})
                trial.must(
                    Rule.UPDATE,
                    trial.equal(name, value, seen.values[name]),
                    f"{name} is {shown(seen.values[name])} after it was set from {shown(before)} to {shown(value)}",
                )


#: The checks of this module, in the order in which they are made.
CREATES = (creates, creates_of_few, creates_once, tells_what_was_made)
UPDATES = (updates, updates_several, pairs_of_values, nasty_values, unfit_values)
