"""`lockstep conflicts`: the ledger of values that lost, and how one is brought back."""

from __future__ import annotations

from config import get_settings
from tasks.object_task import ObjectTask
from tasks.sides import End
from worker.cli import entry_view
from worker.cli.called import IDS, ids_of, labels
from worker.cli.context import end_words_of, find_sync_task, known_task, open_store
from worker.cli.keeping.end_words import best_word, end_called, told_words
from worker.cli.runs.run import carry_out, foresee, prepare
from worker.cli.schedule.pausing import whoever
from worker.session.taking import refuse_records, taking
from worker.store import Store
from worker.store.tables.conflicts import ConflictRecord
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, near_moment, print_json, say, say_fields, tell_rest
from worker.telling.tables import table


def conflicts(name: str | None, *, limit: int, ids: bool = False, as_json: bool) -> ExitCode:
    """List the ledger, the newest first."""
    settings = get_settings()
    with open_store(settings) as store:
        if name is not None:
            known_task(name, settings, store)
        found, total = store.conflicts.list(name, limit), store.conflicts.count(name)
    if as_json:
        print_json([entry_view.to_json(record) for record in found])
    elif not found:
        console().print("The ledger is empty: no value has lost a conflict.")
    else:
        objects = [entry_view.called(record) for record in found]
        rows = [
            (
                str(record.id),
                label,
                record.task,
                near_moment(record.at),
                *entry_view.columns(record),
                entry_view.seen(record) or "-",
                *(ids_of(called) if ids else ()),
            )
            for record, called, label in zip(found, objects, labels(objects), strict=True)
        ]
        folded = ("Object", "What", "Base", "Stayed", "Lost", "Why", "Address", "Seen")
        columns = ("No.", "Object", "Task", "When", *folded[1:], *(IDS if ids else ()))
        spare = ("Seen",) if ids else ("Address", "Seen")
        console().print(table(columns, rows, folded=folded, spare=spare, heads=2))
        tell_rest(len(found), total)
    return ExitCode.OK


def show(number: int, *, ids: bool = False, as_json: bool) -> ExitCode:
    """Show one conflict whole."""
    with open_store(get_settings()) as store:
        record = _find(store, number)
    if as_json:
        print_json(entry_view.to_json(record))
        return ExitCode.OK
    screen = console()
    say_fields(entry_view.fields(record, ids=ids), screen)
    if record.entry.model:
        say("Bring the lost value back by editing the record on any node: the newest edit wins.", screen)
    elif record.taken is None:
        words = end_words_of(record.task)
        left, right = (best_word(words, end) for end in End)
        say(f"Bring a value back: lockstep conflicts --id {record.id} --take {left} (or {right})", screen)
    return ExitCode.OK


def done(number: int, *, as_json: bool) -> ExitCode:
    """Mark one conflict as seen; nothing is written to any side."""
    with open_store(get_settings()) as store:
        record = _find(store, number)
        if not store.conflicts.mark_done(number, whoever()):
            raise CommandError(
                f"conflict {number} is marked already, {entry_view.seen(record)}", ExitCode.SKIPPED
            )
        record = _find(store, number)
    if as_json:
        print_json(entry_view.to_json(record))
        return ExitCode.OK
    still = record.entry.open and record.taken is None
    more = (
        " Both sides stay as they are, and runs end with it until one value is taken or edited."
        if still
        else ""
    )
    say(f"Conflict {number} of {record.task} is marked as seen, {entry_view.seen(record)}.{more}")
    return ExitCode.OK


def take(number: int, word: str, *, dry_run: bool, ids: bool = False, as_json: bool) -> ExitCode:
    """Make both sides show the value that one side had."""
    with open_store(get_settings()) as store:
        record = _find(store, number)
        refuse_records(record)
        side = _end(record, word, find_sync_task(record.task))
        order = taking(record, side)
        settings, task = prepare(record.task)
        if dry_run:
            return foresee(task, store, order=order, ids=ids, as_json=as_json)
        code = carry_out(task, settings, store, order=order, kind="restore", as_json=as_json)
        if code is ExitCode.OK:
            store.conflicts.take(number, side)
        return code


def _end(record: ConflictRecord, word: str, task: ObjectTask) -> End:
    """The end that a person means.

    Raises:
        CommandError: it is neither; the message says which words there are.
    """
    places = {end: record.entry.at(end).where for end in End}
    end = end_called(word, task.end_words, places)
    if end is None:
        words = told_words(task.end_words, places)
        raise CommandError(f"conflict {record.id}: --take {word} is neither of its sides; {words}")
    return end


def _find(store: Store, number: int) -> ConflictRecord:
    record = store.conflicts.find(number)
    if record is None:
        raise CommandError(
            f"there is no conflict {number}: `lockstep conflicts` lists them with their numbers"
        )
    return record
