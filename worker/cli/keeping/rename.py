"""`lockstep rename`: a task that has got another name keeps its links and all else that is remembered of it."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path

from config import Settings, get_settings, shards
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.scheduled import PRUNE
from worker.cli.context import open_store, unknown_task
from worker.cli.keeping.locked import locked
from worker.machine.state_directory import reachable_redis
from worker.schedule.claims import Claims
from worker.session.local_state import move_state, state_files
from worker.store import Store
from worker.store.renaming import RenameRefusedError, kept_of, refuse_state
from worker.store.renaming import rename as rename_in_store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import print_json, say


def rename(old: str, new: str, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Give what is kept of `old` to `new`, or show what that would be."""
    settings = get_settings()
    task = _defined(old, new, settings)
    files = _files(old, task, settings)
    with open_store(settings) as store:
        kept = kept_of(store, old)
        present = state_files(files[0]) if files else []
        if not kept and not present:
            raise _nothing_kept(old, store, settings)
        try:
            if dry_run:
                with store.read() as connection:
                    refuse_state(connection, new)
            else:
                with locked(store, settings, old, new, why="renamed") as fences:
                    rename_in_store(store, old, new, fences, lambda: _move(files))
                _move_schedule(settings, old, new)
        except RenameRefusedError as error:
            raise CommandError(str(error)) from None
    _tell(old, new, kept, present, dry_run=dry_run, as_json=as_json)
    return ExitCode.OK


def _defined(old: str, new: str, settings: Settings) -> ObjectTask:
    """The task under its new name.

    Raises:
        CommandError: it is not defined, or the old name is still.
    """
    tasks = load_tasks(settings)
    if old == new:
        raise CommandError(f"{old!r} is the name already: give the old name and the new one")
    if new not in tasks:
        raise CommandError(
            f"{unknown_task(new, tasks)}; give the task its new name where it is defined, then its links"
        )
    if old in tasks:
        raise CommandError(
            f"task {old!r} is defined still: give it its new name first, restart what runs, and then rename"
        )
    task = tasks[new]
    if not isinstance(task, ObjectTask):
        raise CommandError(
            f"{new!r} is a database node: its name stands in its peers' settings and in the stamps of its edits, "
            "so a node keeps its name"
        )
    return task


def _nothing_kept(old: str, store: Store, settings: Settings) -> CommandError:
    known = sorted(store.names() - set(load_tasks(settings)) - {PRUNE})
    nearest = difflib.get_close_matches(old, known, n=1)
    if nearest:
        return CommandError(f"nothing is kept of a task {old!r}: did you mean {nearest[0]!r}?")
    told = f"there are {', '.join(map(repr, known))}" if known else "there is no other name without a task"
    return CommandError(f"nothing is kept of a task {old!r}: {told}")


def _files(old: str, task: ObjectTask, settings: Settings) -> tuple[Path, Path] | None:
    """Where state without a database is under both names; none where the task keeps it at a place of its own."""
    usual = settings.state_dir / f"{task.name}.json"
    return (settings.state_dir / f"{old}.json", task.state_path) if task.state_path == usual else None


def _move(files: tuple[Path, Path] | None) -> None:
    if files is not None:
        move_state(*files)


def _move_schedule(settings: Settings, old: str, new: str) -> None:
    """Let the next run be due when it was; a beat that knows the new name already has its own word on that."""
    client, other = (reachable_redis(shards.of_task(settings, name)) for name in (old, new))
    if client is not None and other is not None:
        with client, other:
            Claims(client).rename(old, new, Claims(other))


def _tell(old: str, new: str, kept: Counter[str], files: list[Path], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"old": old, "new": new, "dry_run": dry_run, "kept": kept, "files": files})
        return
    parts = [f"{number} {'rows' if number != 1 else 'row'} of {name}" for name, number in kept.items()]
    told = ", ".join([*parts, *(path.name for path in files)])
    done = "would be {} and keep" if dry_run else "is {} now and keeps"
    say(f"{old} {done.format(new)} {told}.")
    if not dry_run:
        say("Restart workers, beat and web process that know the old name still.")
