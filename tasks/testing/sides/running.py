"""What a side promises of a run as a whole: it opens, says what it has, remembers, and closes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.sides import Attribute, Kind, Option, Side, State
from tasks.testing.calling import answer
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Trial

#: A name that no service has.
NO_SUCH = "no such attribute, by the kit"
#: Kinds that may have options.
CHOSEN = (Kind.CHOICE, Kind.CHOICES, Kind.STATE)
#: Kinds that a title can have.
TITLES = (Kind.TEXT, Kind.FORMATTED)


@asynccontextmanager
async def opened(side: Side, names: Collection[str] = ()) -> AsyncIterator[Side]:
    """A side that is open as in a run, with nothing remembered."""
    try:
        await answer(side.open())
        await answer(side.recall(None, {}))
        described = await answer(side.describe())
        await answer(side.check(names or list(described)))
        yield side
    finally:
        await answer(side.close())


def judge_description(trial: Trial, described: Any) -> None:
    """Whether a description is one."""
    method = trial.name("describe")
    trial.must(
        Rule.DESCRIBE,
        isinstance(described, Mapping) and bool(described),
        f"{method} must give {{name: Attribute}} with at least one attribute, not {described!r}",
    )
    for name, one in described.items():
        trial.must(
            Rule.DESCRIBE,
            isinstance(name, str) and bool(name) and isinstance(one, Attribute),
            f"{method} gives {name!r}: {one!r}; names are texts, and what they name are Attributes",
        )
        fault = _fault(one)
        trial.must(Rule.DESCRIBE, not fault, f"{method}: {name} {fault}")
    meanings = Counter(one.meaning for one in described.values() if one.meaning)
    twice = sorted(meaning for meaning, times in meanings.items() if times > 1)
    trial.must(
        Rule.DESCRIBE,
        not twice,
        f"{method}: {len(twice) and meanings[twice[0]]} attributes mean {twice and twice[0]!r}; give a meaning to one",
    )
    titles = [name for name, one in described.items() if one.meaning == "title"]
    trial.must(
        Rule.TITLE,
        bool(titles) and described[titles[0]].kind in TITLES,
        f"{method} names no attribute of texts with the meaning 'title', by which people call an object",
    )


def _fault(one: Any) -> str:
    """What is wrong with an attribute, in words; nothing where it is well-formed."""
    if not isinstance(one.kind, Kind):
        return f"has the kind {one.kind!r}; use tasks.sides.Kind"
    if not isinstance(one.meaning, str) or not isinstance(one.form, str):
        return "has a meaning or a form that is no text"
    if not isinstance(one.options, tuple) or not all(isinstance(option, Option) for option in one.options):
        return "has options that are no tuple of Option"
    if one.options and one.kind not in CHOSEN:
        return f"has options, though nothing is chosen of the kind {one.kind}"
    names = [option.name for option in one.options]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        return f"has options without a name, or twice the same: {names}"
    if not all(option.state is None or isinstance(option.state, State) for option in one.options):
        return "has an option whose state is no tasks.sides.State"
    if one.kind is Kind.OPAQUE and one.writable:
        return "is opaque and yet writable; what cannot be read is never written"
    if one.kind is Kind.CHOICE and one.writable and not one.options and not one.new_options:
        return "is to be chosen and has no options; name them, or say new_options=True"
    return ""


async def descriptions(trial: Trial) -> None:
    """A description is well-formed, and the same each time."""
    first = await trial.ask("describe")
    judge_description(trial, first)
    for again in (await trial.ask("describe"), await trial.ask("describe", by=trial.second or trial.side)):
        trial.must(
            Rule.DESCRIBE, again == first, f"{trial.name('describe')} gives {first!r}, and then {again!r}"
        )


async def openings(trial: Trial) -> None:
    """A side can be closed whatever happened before, and opened again."""
    if trial.make_side is None:
        return
    message = f"{trial.name('close')} is called when a run ends, however it ends, also where open failed"
    side = trial.make_side()
    trial.told = ["an instance that was never opened", f"{trial.name('close')}()"]
    trial.must(Rule.OPEN_CLOSE, not await _error(side.close), f"{message}; without an open it fails")
    trial.told += ["open", "close", "open", "list", "close"]
    for _ in range(2):
        error = await _error(side.open)
        trial.must(Rule.OPEN_CLOSE, not error, f"{trial.name('open')} after a close fails: {error}")
        try:
            await trial.ask("recall", None, {}, by=side)
            await trial.ask("describe", by=side)
            await trial.ask("list", by=side)
        finally:
            error = await _error(side.close)
        trial.must(Rule.OPEN_CLOSE, not error, f"{message}; after a listing it fails: {error}")
    error = await _error(side.close)
    trial.must(Rule.OPEN_CLOSE, not error, f"{message}; a second time it fails: {error}")


async def _error(method: Any) -> str:
    """How a method fails, in words; nothing where it does not."""
    try:
        await answer(method())
    except Exception as error:  # whatever it is, it is told
        return f"{type(error).__name__}: {error}"
    return ""


async def names(trial: Trial) -> None:
    """A check takes the names that are described, and refuses others."""
    if not trial.offers("check"):
        return
    described = await trial.ask("describe")
    check = trial.name("check")
    trial.told = [f"{check}({', '.join(described)})"]
    for some in (list(described), trial.samples.synced, set(described), ()):
        try:
            await trial.ask("check", some)
        except TaskDefinitionError as error:
            trial.must(Rule.CHECK, False, f"{check} refuses names that describe gives: {error}")
    trial.told = [f"{check}({NO_SUCH!r})"]
    try:
        await trial.ask("check", [*described, NO_SUCH])
    except TaskDefinitionError:
        trial.must(Rule.CHECK, True, "")
    else:
        trial.must(
            Rule.CHECK,
            False,
            f"{check} takes the name {NO_SUCH!r}; raise TaskDefinitionError, which names it and what there is",
        )
    trial.told.append(f"{trial.name('list')}()")
    await trial.all()


async def scopes(trial: Trial) -> None:
    """The scope is a text that belongs to the place."""
    if not trial.offers("scope"):
        return
    first = trial.side.scope()
    await trial.make(0)
    for again in (trial.side.scope(), (trial.second or trial.side).scope()):
        trial.must(
            Rule.SCOPE,
            isinstance(first, str) and again == first,
            f"{trial.name('scope')} gives {first!r} and then {again!r} at one place; another text than before "
            "keeps deletions from being carried across",
        )


async def memory(trial: Trial) -> None:
    """What is remembered is JSON, is taken over by another instance, and can be lost."""
    if not trial.offers("remembered"):
        return
    seen = [await trial.make(number) for number in range(2)]
    remembered = await trial.ask("remembered")
    method = trial.name("remembered")
    try:
        kept = json.loads(json.dumps(remembered, allow_nan=False))
    except (TypeError, ValueError) as error:
        kept = error
    trial.must(
        Rule.REMEMBER, kept == remembered, f"{method} gives {remembered!r}, which is no JSON value: {kept}"
    )
    if trial.make_side is None:
        return
    here = await trial.all()
    described = await trial.ask("describe")
    for what in (kept, None):
        side = trial.make_side()
        trial.told = [f"{method}()", f"another instance: {trial.name('recall')}({what!r}, …)"]
        try:
            await trial.ask("open", by=side)
            await trial.ask("recall", what, {one.id: dict(one.values) for one in seen}, by=side)
            again = await trial.ask("describe", by=side)
            await trial.ask("check", trial.samples.synced, by=side)
            there = await trial.all(by=side)
        finally:
            await trial.ask("close", by=side)
        word = "what was remembered" if what is not None else "nothing that was remembered"
        trial.must(
            Rule.REMEMBER,
            again == described and there == here,
            f"another instance whose {trial.name('recall')} gets {word} describes or lists something else",
        )


async def events(trial: Trial) -> None:
    """Any event is answered with yes or no."""
    if not trial.offers("concerns"):
        return
    for event in ({}, {"type": "by the kit", "entity": None}):
        try:
            said: Any = trial.side.concerns(event)
        except Exception as error:  # whatever it is, it is told
            said = repr(error)
        trial.must(
            Rule.EVENTS,
            isinstance(said, bool),
            f"{trial.name('concerns')} gives {said!r} for an event that it does not know; give False",
        )


#: The checks of this module, in the order in which they are made.
FIRST = (descriptions, openings, names)
CHECKS = (scopes, memory, events)
