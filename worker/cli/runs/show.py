"""`lockstep runs show`: one run with all that it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from config import get_settings
from worker.cli.called import IDS, Called, ids_of, labels
from worker.cli.context import find_run, labels_of, open_store
from worker.standing.doings import ORDERED, Changed, Written, done, notes_of, written
from worker.store import RunRecord
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import console, duration, moment, print_json, say, say_fields, short
from worker.telling.tables import Rows, table

#: Signs of a value that a table shows; `--json` has all of them.
LONGEST = 300


def show(run_id: str, *, ids: bool = False, as_json: bool) -> ExitCode:
    """Show a run, and every write of it."""
    with open_store(get_settings()) as store:
        run = find_run(store, run_id)
        sides = labels_of(run.task)
        writes = [written(effect, sides) for effect in store.effects.of_run(run.run_id)]
    if as_json:
        print_json(run.to_json() | {"writes": [_data(one) for one in writes]})
        return ExitCode.OK
    screen = console()
    say_fields(_fields(run, done(run, sides)), screen)
    screen.print()
    if writes:
        screen.print(_table(writes, ids=ids))
    else:
        say(_no_writes(run), screen)
    return ExitCode.OK


def _fields(run: RunRecord, did: str) -> list[tuple[str, str]]:
    told = run.told()
    ended = (
        "" if run.finished_at is None else f", ended {moment(run.finished_at)} after {duration(run.seconds)}"
    )
    lines = [
        ("Run", f"{run.run_id} of {run.task}"),
        ("Ordered", ORDERED.get(run.kind or "", run.kind or "")),
        ("Status", run.status),
        ("Started", f"{moment(run.started_at)} on {run.host} ({run.pid}){ended}"),
        ("Done", did),
        ("Reason", told.reason),
        *(("Left", note) for note in notes_of(told)),
    ]
    return [(name, text) for name, text in lines if text]


def _no_writes(run: RunRecord) -> str:
    if run.undo_pruned_at is not None:
        return f"What it wrote is not kept any more: it was pruned {moment(run.undo_pruned_at)}."
    return "It has written nothing yet." if run.status == "running" else "It wrote nothing to either side."


def _table(writes: Iterable[Written], *, ids: bool) -> Rows:
    """A row for each attribute of each write."""
    lines: list[tuple[Written, Called, Changed | None]] = [
        (one, Called(one.pair, one.effect.name), change)
        for one in writes
        for change in (*one.changes, *(() if one.changes else (None,)))
    ]
    rows: list[tuple[str | Text, ...]] = [
        (
            one.verb,
            label,
            one.side,
            "-" if change is None else change.attribute,
            "-" if change is None else _value(change.old),
            "-" if change is None else _value(change.new),
            called.name.address or "-",
            *(ids_of(called) if ids else ()),
        )
        for (one, called, change), label in zip(lines, labels([line[1] for line in lines]), strict=True)
    ]
    folded = ("Object", "Attribute", "Was", "Became", "Address")
    columns = ("Write", "Object", "Side", *folded[1:], *(IDS if ids else ()))
    return table(columns, rows, folded=folded, spare=() if ids else ("Address",), heads=2)


def _value(value: Any) -> str:
    return short(value, LONGEST) or "-"


def _data(one: Written) -> dict[str, Any]:
    effect = one.effect
    left_id, right_id = one.pair
    return {
        "write": effect.kind,
        "side": effect.side.value,
        "label": one.side,
        "title": effect.name.title or None,
        "address": effect.name.address or None,
        "left_id": left_id or None,
        "right_id": right_id or None,
        "before": dict(effect.before),
        "after": dict(effect.after),
    }
