"""What a side promises that can say what changed since a cursor."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Collection
from typing import Any

from tasks.errors import CursorExpiredError
from tasks.sides import Changes, Listing
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Trial

#: Every rule about changes.
ALL = tuple(rule for rule in Rule if rule.needs == ("changes",))
#: No cursor of any service.
NO_CURSOR = {"by the kit": "no cursor"}
#: How often somebody edits while a listing goes on.
RACES = 6


async def cursor_of(trial: Trial) -> Any:
    """The cursor of a listing; `None` where changes cannot be tried."""
    if not trial.offers("changes"):
        return None
    found = await trial.ask("list")
    cursor = found.cursor if isinstance(found, Listing) else None
    if cursor is None:
        trial.skip(f"{trial.name('list')} gave no cursor for so few objects", *ALL)
    return cursor


async def read(trial: Trial, cursor: Any) -> Changes | None:
    """What changed since a cursor; `None` where the side does not say."""
    trial.tell("changes", repr(cursor))
    changes: Any = await trial.ask("changes", cursor)
    if changes is NotImplemented:
        trial.need_not(f"{trial.name('changes')} gives NotImplemented", *ALL)
        return None
    method = trial.name("changes")
    trial.must(
        Rule.CHANGES,
        isinstance(changes, Changes),
        f"{method} must return Changes, not {type(changes).__name__}",
    )
    trial.must(
        Rule.CHANGES,
        all(isinstance(one, str) for one in changes.deleted),
        f"{method} names as deleted {list(changes.deleted)!r}; ids are texts",
    )
    trial.must(
        Rule.CHANGES,
        changes.cursor is not None and _is_json(changes.cursor),
        f"{method} gives the cursor {changes.cursor!r}, which is no JSON value; the next changes start there",
    )
    given: Changes = changes
    return given


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


async def judge(
    trial: Trial,
    cursor: Any,
    *,
    touched: Collection[str],
    gone: Collection[str] = (),
    rule: Rule = Rule.CHANGES_ALL,
) -> Any:
    """Whether the changes since a cursor name what was touched, as the listing shows it; the next cursor.

    Args:
        trial: of which side.
        cursor: where they start.
        touched: ids of objects that were made or edited since.
        gone: ids of objects that were deleted since.
        rule: what is broken where something is missed.
    """
    changes = await read(trial, cursor)
    if changes is None:
        return None
    method = trial.name("changes")
    full = await trial.all()
    named = {one.id: one for one in [await trial.look(obj) for obj in changes.changed]}
    missed = sorted(set(touched) - named.keys() - changes.unreadable.keys())
    trial.must(
        rule,
        not missed or changes.partial is not None,
        f"{method} does not name {missed and missed[0]}, which was made or edited since the cursor",
    )
    for one, seen in named.items():
        trial.must(
            Rule.CHANGES_TRUE, one in full, f"{method} names {one} as changed, which is not there any more"
        )
        trial.must(
            Rule.CHANGES_TRUE,
            seen == full[one],
            f"as {method} gives it, {full[one].unlike(seen)}, as the full listing has it",
        )
    wrong = sorted(set(changes.deleted) & full.keys())
    trial.must(
        Rule.CHANGES_TRUE, not wrong, f"{method} says that {wrong and wrong[0]} is deleted, which is listed"
    )
    told = set(changes.deleted) & set(gone)
    silent = sorted(set(gone) - told)
    trial.must(
        rule,
        not told or not silent,
        f"{method} names {sorted(told)} as deleted, and not {silent and silent[0]}, which was deleted as well",
    )
    if gone and not told:
        note = f"{method} names no deletions; they are found by the next full listing"
        trial.notes += [] if note in trial.notes else [note]
    return changes.cursor


async def deltas(trial: Trial) -> None:
    """Changes since a cursor name what was made, edited and deleted, and lead on from there."""
    if not trial.offers("changes"):
        return
    edited, gone, both, stays = [await trial.make(number) for number in range(4)]
    cursor = await cursor_of(trial)
    if cursor is None:
        return
    found = await trial.ask("list")
    trial.must(
        Rule.CHANGES,
        _is_json(found.cursor),
        f"{trial.name('list')} gives a cursor that is no JSON value: {cursor!r}",
    )
    edited = await trial.change(edited, dict([trial.some_change(edited)]))
    both = await trial.change(both, dict([trial.some_change(both)]))
    made = await trial.make(4)
    await trial.remove(gone)
    await trial.remove(both)
    after = await judge(trial, cursor, touched=[edited.id, made.id], gone=[gone.id, both.id])
    if after is None:
        return
    await judge(trial, after, touched=[], rule=Rule.CHANGES_NEXT)
    edited = await trial.change(edited, dict([trial.some_change(edited)]))
    again = await trial.change(stays, dict([trial.some_change(stays)]))
    await trial.remove(made)
    after = await judge(trial, after, touched=[edited.id, again.id], gone=[made.id], rule=Rule.CHANGES_NEXT)
    late = await trial.make(5)
    await judge(trial, after, touched=[late.id], rule=Rule.CHANGES_NEXT)


async def edits_while_listing(trial: Trial) -> None:
    """What somebody else edits while a listing goes on is in it, or in the changes since its cursor."""
    if not trial.offers("changes"):
        return
    if trial.second is None or not inspect.iscoroutinefunction(trial.side.list):
        trial.need_not(
            f"{trial.name('list')} is a plain function, which nothing interrupts", Rule.CHANGES_WHILE
        )
        return
    made = [await trial.make(number) for number in range(3)]
    if await cursor_of(trial) is None:
        return
    for turn in range(RACES):
        theirs = await trial.theirs(made[turn % 3])
        name, value = trial.some_change(theirs)
        del trial.told[3:]
        trial.told += [
            f"{trial.name('list')}() begins",
            f"somebody else sets {name} of {theirs.id} meanwhile",
        ]
        found, _ = await asyncio.gather(
            trial.ask("list"), _after(turn, trial.update(theirs.obj, {name: value}, by=trial.second))
        )
        now = await trial.find(theirs.id)
        listed = {one.id: one for one in [await trial.look(obj) for obj in found]}
        if listed.get(theirs.id) == now:
            trial.must(Rule.CHANGES_WHILE, True, "")
            continue
        cursor = getattr(found, "cursor", None)
        if cursor is None:
            continue
        changes = await read(trial, cursor)
        if changes is None:
            return
        named: set[str] = {(await trial.look(obj)).id for obj in changes.changed}
        trial.must(
            Rule.CHANGES_WHILE,
            theirs.id in named or changes.partial is not None,
            f"{theirs.id} was edited while {trial.name('list')} went on; it is not in the listing, and not in the "
            "changes since its cursor. Take the cursor before the listing begins",
        )


async def _after(turns: int, work: Any) -> Any:
    for _ in range(turns):
        await asyncio.sleep(0)
    return await work


async def expired_cursors(trial: Trial) -> None:
    """A cursor that is of no use says so."""
    if not trial.offers("changes") or await cursor_of(trial) is None:
        return
    trial.tell("changes", repr(NO_CURSOR))
    try:
        changes = await trial.ask("changes", NO_CURSOR)
    except CursorExpiredError:
        trial.must(Rule.CHANGES_EXPIRED, True, "")
        return
    except Exception as error:  # whatever it is, the side would never be read again
        how = f"raises {type(error).__name__}: {error}"
    else:
        if changes is NotImplemented:
            return
        how = "is answered"
    trial.must(
        Rule.CHANGES_EXPIRED,
        False,
        f"{trial.name('changes')} with a cursor that it never gave {how}; raise CursorExpiredError, so that "
        "everything is listed once",
    )


#: The checks of this module, in the order in which they are made.
CHECKS = (deltas, edits_while_listing, expired_cursors)
