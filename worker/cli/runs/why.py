"""`lockstep why`: where the values of an object came from, run by run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from config import Settings, get_settings
from tasks.nearest import nearest
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.sides import End, Labels
from worker.cli import entry_view
from worker.cli.context import find_sync_task, known_task, labels_of, open_store
from worker.standing.objects import Known, meant, objects_of
from worker.standing.origins import Step, attributes_of, since_then, steps_of
from worker.store import Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, moment, near_moment, print_json, say, short
from worker.telling.tables import Rows, table

#: Objects that are named where a word may mean several.
NAMED = 5
#: Signs of a value that a table shows; `--json` has all of them.
LONGEST = 200


def why(task: str, word: str, attribute: str | None, *, as_json: bool) -> ExitCode:
    """Show what became of each attribute of an object, or of one, and what of it is pruned."""
    settings = get_settings()
    with open_store(settings) as store:
        known_task(task, settings, store)
        if task in load_tasks(settings):
            find_sync_task(task)
        known = _find(store, task, word)
        sides = labels_of(task)
        effects = store.effects.of_object(task, known.keys)
        runs = store.runs.with_ids([kept.run_id for kept in effects])
        ledger = store.conflicts.of_object(task, known.keys)
        steps = steps_of(effects, ledger, runs, sides)
        pruned, first = store.runs.pruned_before(task), store.runs.first_started(task)
    every = attributes_of(known, steps)
    shown = every if attribute is None else [_attribute(task, attribute, every)]
    whole = [step for step in steps if step.attribute is None]
    if as_json:
        print_json(_data(task, known, shown, steps, pruned))
        return ExitCode.OK
    _say_object(task, known, sides)
    if attribute is None or whole:
        _say_whole(whole)
    for name in shown:
        _say_attribute(name, known, [step for step in steps if step.attribute == name], sides)
    console().print()
    say(_how_far(settings, pruned, first))
    return ExitCode.OK


def _find(store: Store, task: str, word: str) -> Known:
    """The object that is meant.

    Raises:
        CommandError: there is none, or it may be several.
    """
    objects = objects_of(store, task)
    found = meant(objects, word)
    if not found:
        titles = [one.title for one in objects if one.title]
        close = nearest(word, titles) if titles else ""
        hint = f": {close}" if close.startswith("did you mean") else ""
        raise CommandError(
            f"task {task!r} has no object {word!r}{hint or ': give its title, its id on either side, or its address'}"
        )
    if len(found) > 1:
        told = ", ".join(f"{one.title!r} ({_any_id(one)})" for one in found[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise CommandError(f"{word!r} may be {told}{more}: give the id of one")
    return found[0]


def _any_id(known: Known) -> str:
    return next((one for end in End for one in known.ids(end)), "")


def _attribute(task: str, said: str, known: Sequence[str]) -> str:
    """The attribute that is meant, by the name that either side has for it.

    Raises:
        CommandError: there is none.
    """
    defined = load_tasks(get_settings()).get(task)
    names = defined.pairing().names_at(End.RIGHT) if isinstance(defined, ObjectTask) else {}
    words = {right.casefold(): left for left, right in names.items()}
    words |= {name.casefold(): name for name in known}
    found = said if said in known else words.get(said.casefold())
    if found is None or found not in known:
        raise CommandError(f"nothing is known of an attribute {said!r} there: {nearest(said, known)}")
    return found


def _say_object(task: str, known: Known, sides: Labels) -> None:
    ids = "; ".join(f"{', '.join(known.ids(end))} in {sides[end]}" for end in End if known.ids(end))
    state = "" if known.link is not None else ", not linked (any more)"
    say(f"{known.title or 'An object without a title'} of {task}{state}: {ids}")
    for address in known.addresses:
        say(address, indent=2)


def _say_whole(steps: Sequence[Step]) -> None:
    if steps:
        console().print()
        say("The object as a whole", style="bold")
        console().print(_table(steps))


def _say_attribute(name: str, known: Known, steps: Sequence[Step], sides: Labels) -> None:
    console().print()
    say(f"{name}: {_now(name, known, sides)}", style="bold")
    if steps:
        console().print(_table(steps))
    last = next((step for step in reversed(steps) if step.side is not None), None)
    if last is None:
        say(
            "No write of it is kept: both sides had it when they were linked, or it was written before.",
            indent=2,
        )
    elif then := since_then(last, known):
        say(then, indent=2)


def _now(name: str, known: Known, sides: Labels) -> str:
    """What both sides had when they agreed last."""
    if known.link is None:
        return "no value any more"
    left, right = (_value(known.link.base_on(end).get(name)) for end in End)
    return left if left == right else f"{left} in {sides.left}, {right} in {sides.right}"


def _table(steps: Sequence[Step]) -> Rows:
    rows = [
        (
            near_moment(step.at),
            step.run_id[:8],
            step.source,
            step.target or "-",
            _value(step.old),
            _value(step.new) if step.conflict is None else entry_view.stayed(step.conflict),
            step.note or "-",
        )
        for step in steps
    ]
    columns = ("When", "Run", "From", "To", "Was", "Became", "Note")
    return table(columns, rows, folded=columns[2:], heads=2)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return short(", ".join(f"{name}: {short(part)}" for name, part in value.items()), LONGEST)
    return short(value, LONGEST) or "-"


def _how_far(settings: Settings, pruned: datetime | None, first: datetime | None) -> str:
    """What of the history is pruned, in words."""
    if pruned is not None:
        return (
            f"What runs wrote before {moment(pruned)} is pruned (LOCKSTEP_KEEP_UNDO_DAYS is "
            f"{settings.keep_undo_days}): where a value came from before that is not known."
        )
    since = "" if first is None else f", since {moment(first)}"
    return f"Nothing is pruned: this is all that runs wrote{since}."


def _data(
    task: str, known: Known, shown: Sequence[str], steps: Sequence[Step], pruned: datetime | None
) -> dict[str, Any]:
    base = {} if known.link is None else {end: known.link.base_on(end) for end in End}
    return {
        "task": task,
        "title": known.title or None,
        "addresses": list(known.addresses),
        "left_ids": known.ids(End.LEFT),
        "right_ids": known.ids(End.RIGHT),
        "linked": known.link is not None,
        "pruned_before": pruned,
        "object": [_step(step) for step in steps if step.attribute is None],
        "attributes": {
            name: {
                "agreed": {end.value: values.get(name) for end, values in base.items()},
                "steps": [_step(step) for step in steps if step.attribute == name],
            }
            for name in shown
        },
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "at": step.at,
        "run_id": step.run_id,
        "from": step.source,
        "to": step.target or None,
        "side": step.side,
        "old": step.old,
        "new": step.new,
        "note": step.note or None,
        "conflict": step.conflict and entry_view.to_json(step.conflict),
    }
