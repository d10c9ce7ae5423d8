"""`lockstep export` and `lockstep import`: the state of a task in a file, for another place or for later."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import typer

from config import Settings, get_settings
from config.private_files import FILE_MODE
from tasks.nearest import nearest
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from worker.cli.bars import bar, counted
from worker.cli.context import find_sync_task, known_task, open_store
from worker.cli.keeping.locked import locked
from worker.session.body import starts_from_files
from worker.session.local_state import copy_of_files, setting_aside
from worker.store import Store
from worker.store.moving import Taken, export_of, state_of, take_in, under_way
from worker.store.state_lines import Head, StateFileError, opened, sealed
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, print_json, say

#: Stands for standard input and output.
STANDARD = "-"
_GZIP = b"\x1f\x8b"


def export(name: str, to: str, *, as_json: bool) -> ExitCode:
    """Write all that is kept of a task into a file, as it is at one moment.

    Raises:
        CommandError: nothing is kept of it, or the file cannot be written.
    """
    settings = get_settings()
    if as_json and to == STANDARD:
        raise CommandError(
            "--json tells of the export on standard output, where its lines go: give --to FILE"
        )
    with (
        open_store(settings) as store,
        _source(name, settings, store) as source,
        source.snapshot() as rows_from,
    ):
        head, rows = export_of(rows_from, name, version("lockstep-sync"))
        if not head.rows:
            raise CommandError(
                f"nothing is remembered of {name!r}: there is nothing to export", ExitCode.SKIPPED
            )
        with bar(name) as progress:
            _write(to, sealed(head, counted(rows, progress, "exporting", sum(head.rows.values()))))
        runs = under_way(rows_from, name)
    if runs:
        say(
            f"{name} runs now: what it does from now on is not in the file. To move house, stop all before the export.",
            console(stderr=True),
        )
    if as_json:
        print_json({"task": name, "file": to, "at": head.at, "rows": head.rows})
    else:
        say(f"{name}: exported {in_words(head.rows)}.", console(stderr=to == STANDARD))
    return ExitCode.OK


@contextmanager
def _source(name: str, settings: Settings, store: Store) -> Iterator[Store]:
    """The database that has the state; for one that is in files a passing one, which is made of them."""
    task = load_tasks(settings).get(name)
    if task is not None and not isinstance(task, ObjectTask):
        find_sync_task(name)
    if task is None or task.state_path is None or not starts_from_files(name, task.state_path, store):
        known_task(name, settings, store)
        yield store
        return
    with tempfile.TemporaryDirectory(dir=settings.state_dir) as folder:
        passing = Store(f"sqlite:///{Path(folder) / 'passing.db'}")
        try:
            passing.migrate()
            copy_of_files(task.state_path, name, passing)
            yield passing
        finally:
            passing.close()


def import_(file: str, *, as_: str | None, replace: bool, yes: bool, as_json: bool) -> ExitCode:
    """Make what a file has the state of a task.

    Raises:
        CommandError: it is refused; nothing was changed.
    """
    settings = get_settings()
    with _lines(file) as lines, _told(file):
        head, rows = opened(lines)
        name = as_ or head.task
        task = _defined(name, head, settings)
        with open_store(settings) as store:
            there = state_of(store, name)
            would_go = in_words(there)
            if not there and starts_from_files(name, task.state_path, store):
                would_go = f"that in {task.state_path}, of runs without a database"
            if would_go and not _may_replace(name, would_go, replace=replace, yes=yes):
                return ExitCode.SKIPPED
            with (
                locked(store, settings, name, why="imported") as fences,
                setting_aside(task.state_path, name),
                bar(name) as progress,
            ):
                seen = counted(rows, progress, "importing", sum(head.rows.values()))
                taken = take_in(store, name, fences[name], head, seen, replace=replace)
    _tell(name, head, taken, as_json=as_json)
    return ExitCode.OK


def _defined(name: str, head: Head, settings: Settings) -> ObjectTask:
    tasks = load_tasks(settings)
    if name not in tasks:
        hint = nearest(name, sorted(tasks)) if tasks else "there is no other"
        end = "" if hint.endswith("?") else "."
        raise CommandError(
            f"it is the state of {head.task!r}, and there is no task {name!r} here: {hint}{end} Define it first, or "
            "give the name that it has here with --as NAME; nothing was changed"
        )
    return find_sync_task(name)


def _may_replace(name: str, there: str, *, replace: bool, yes: bool) -> bool:
    """Whether a state that is there may go: asked for, and meant."""
    if not replace:
        raise CommandError(
            f"{name!r} has a state already ({there}): --replace puts that of the file in its place, while "
            "history and ledger stay; nothing was changed",
            ExitCode.SKIPPED,
        )
    if yes:
        return True
    if not sys.stdin.isatty():
        say(f"{name} would lose {there} for what the file has. Nothing was changed: --replace --yes does it.")
        return False
    if not typer.confirm(f"Put the state of the file in the place of {there} of {name}?"):
        say("Nothing was changed.")
        return False
    return True


def _tell(name: str, head: Head, taken: Taken, *, as_json: bool) -> None:
    if as_json:
        print_json({"task": name, "exported_at": head.at, "new": taken.new, "known": taken.known})
        return
    say(
        f"{name}: imported {in_words(taken.new) or 'nothing new'}, as it was on {head.at:%Y-%m-%d at %H:%M} UTC."
    )
    if taken.known:
        say(f"{in_words(taken.known)} were here already and stay.", indent=2)
    say(
        "Its next run lists both sides in full, and halts with a plan if there is anything to write. "
        f"lockstep plan {name}"
    )


def in_words(numbers: Mapping[str, int]) -> str:
    """Rows by table, for people."""
    return ", ".join(
        f"{number} {'rows' if number != 1 else 'row'} of {name}" for name, number in numbers.items()
    )


# -- files ----------------------------------------------------------------------------------------------------


def _write(to: str, lines: Iterable[bytes]) -> None:
    """Write the lines to standard output, or into a file that is replaced when all of it is on the disk."""
    if to == STANDARD:
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return
    path = Path(to)
    fresh = path.with_name(f"{path.name}.new")
    try:
        with ExitStack() as files:
            raw: IO[bytes] = files.enter_context(os.fdopen(os.open(fresh, _FLAGS, FILE_MODE), "wb"))
            zipped = path.suffix == ".gz"
            file = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if zipped else raw
            for line in lines:
                file.write(line)
            if zipped:
                file.close()
            raw.flush()
            os.fsync(raw.fileno())
        fresh.replace(path)
    except OSError as error:
        raise CommandError(
            f"{to} cannot be written: {error.strerror or error}", ExitCode.UNAVAILABLE
        ) from None
    finally:
        fresh.unlink(missing_ok=True)


_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


@contextmanager
def _lines(file: str) -> Iterator[Iterable[bytes]]:
    """The lines of a file, or of standard input, unpacked if need be."""
    try:
        with ExitStack() as files:
            source: Any = sys.stdin.buffer if file == STANDARD else files.enter_context(Path(file).open("rb"))
            raw = io.BufferedReader(source)
            zipped = raw.peek(2)[:2] == _GZIP
            yield files.enter_context(gzip.GzipFile(fileobj=raw)) if zipped else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CommandError(f"{file} is cut off or damaged ({error}); nothing was changed") from None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror or error}; nothing was changed") from None


@contextmanager
def _told(file: str) -> Iterator[None]:
    """Tell of what a file has with its name."""
    try:
        yield
    except StateFileError as error:
        raise CommandError(f"{file}: {error}; nothing was changed") from None
