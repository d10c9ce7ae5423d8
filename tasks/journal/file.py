"""A journal in files, for tasks that run without a database."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.errors import StateError
from tasks.journal.contract import (
    BATCH,
    Base,
    Linked,
    Lull,
    Memory,
    Proof,
    memory_to_data,
    numbers_of,
)
from tasks.journal.ledger import LedgerEntry
from tasks.journal.ledger_file import LedgerFile
from tasks.journal.lines import append_lines, fields_of, line_of, replay
from tasks.journal.state import State
from tasks.journal.state_changes import change_state, prove
from tasks.journal.state_links import (
    base_of,
    counterparts_of,
    ids_in,
    links_of,
    out_of_sight_in,
    referring_in,
    unsettled_in,
)
from tasks.journal.together import Together
from tasks.merge import ID, Effect, End, Intent, Link
from tasks.uninterrupted import uninterrupted
from tasks.values.canonical import dump, load

#: In the place of a state, when a database has taken the task over.
MOVED = {"moved": "database"}


class FileJournal:
    """A `State` in `<name>.json`, with every change since appended to `<name>.journal` at once.

    The ledger is `<name>.conflicts.jsonl`, one line for each entry.
    """

    batch = BATCH

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes = path.with_suffix(".journal")
        self.ledger = path.with_suffix(".conflicts.jsonl")
        self._ledger = LedgerFile(self.ledger)
        self.state = State()
        #: Whether `state` is what the files hold; before that they must not be written.
        self.loaded = False
        #: What `recall` has read, for who asks for all of it next.
        self._recalled: Base | None = None
        #: Whether the journal holds nothing but what this object wrote, so that lines can be added to it.
        self._fresh = False
        self._one_by_one = threading.Lock()
        self._together: Together[Mapping[str, Any]] = Together(self._append_group)

    async def load(self) -> Base:
        """The state with all changes since; the files stay as they are.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        recalled = self._recalled
        self._recalled = None
        return recalled if recalled is not None else await asyncio.to_thread(self._load)

    def _load(self) -> Base:
        refuse_moved(self.path)
        before = None
        while before != (now := _written_at(self.path)):  # its own run may be putting both files together
            before = now
            self.state = State.read(self.path) or State()
            self._replay_changes()
        try:
            base = base_of(self.state)
        except (ValueError, TypeError, KeyError) as error:
            raise StateError(
                f"state file {self.path} cannot be read ({error}): another version wrote it. Nothing was synced. Move "
                "it away: the next run links both sides anew by their content and deletes nothing"
            ) from error
        self.loaded = True
        return base

    def _replay_changes(self) -> None:
        try:
            lines = self.changes.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StateError(f"journal {self.changes}: {error.strerror}") from error
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                replay(self.state, load(line))
            except (StateError, ValueError, TypeError, KeyError) as error:
                if number == len(lines):  # cut off by a crash while it was written, so never confirmed
                    break
                raise StateError(
                    f"journal {self.changes}, line {number} cannot be read ({error}). Nothing was synced. Restore "
                    f"the file, or move it and {self.path.name} away: the next run then links both sides anew"
                ) from error

    async def recall(self) -> Base:
        """The same without the links. The files are read as a whole all the same: such a journal is for short lists.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        self._recalled = await asyncio.to_thread(self._load)
        return replace(self._recalled, links=(), others=numbers_of(self._recalled.links))

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        """The links of which a run may say something though neither side changed.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return unsettled_in(self.state, attributes)

    async def out_of_sight(self) -> Sequence[Link]:
        """The links of which an object is out of sight.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return out_of_sight_in(self.state)

    async def referring(self, ids: Mapping[End, Collection[ID]]) -> Sequence[Link]:
        """The links whose bases refer to any of these objects.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return referring_in(self.state, ids)

    def look_up(self, end: End, ids: Collection[ID] | None) -> Sequence[Link]:
        """The links of these objects of a side, or all, in the caller's thread.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            self._load()
        return links_of(self.state, end, ids)

    def ids_at(self, end: End) -> Collection[ID]:
        """The objects of a side that are linked, in the caller's thread.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            self._load()
        return ids_in(self.state, end)

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return links_of(self.state, end, ids)

    async def counterparts(self, end: End, ids: Collection[ID]) -> Mapping[ID, ID]:
        """With what these objects of a side are linked.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return counterparts_of(self.state, end, ids)

    async def pairing(self) -> str | None:
        """Not known: such a journal is read as a whole all the same."""
        return None

    def beside(self, task: str) -> Linked:
        """The links of another task whose files are in the same directory, as they are now."""
        return FileJournal(self.path.with_name(f"{task}{self.path.suffix}"))

    async def keep_lull(self, lull: Lull) -> None:
        """It would spare nothing: such a journal is read as a whole all the same."""

    def compact(self) -> None:
        """Write the state as a whole and start the journal anew, if there is something in it."""
        if self.loaded and self.changes.exists():
            self.state.write(self.path)
            self.changes.unlink(missing_ok=True)

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep an intent. What a write replaces is kept by a database only."""
        if intent is not None:
            await self._append({"begin": fields_of(intent)})
            change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        await self.confirm_all([Proof(put, drop, settle)])

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs: in one line, of which a crash leaves all or nothing."""
        lines = [line_of(proof) for proof in proofs]
        await self._append(lines[0] if len(lines) == 1 else {"all": lines})
        prove(self.state, proofs)

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Keep what is remembered of the task, unless it is so already."""
        data = memory_to_data(memory)
        if forget or dump(data) != dump(self.state.memory):
            await self._append({"memory": data, "forget": list(forget)})
            change_state(self.state, memory=memory, forget=forget)

    async def _append(self, line: Mapping[str, Any]) -> None:
        self._recalled = None
        await self._together.add(line)

    def _append_group(self, lines: Sequence[Mapping[str, Any]]) -> None:
        with self._one_by_one:
            if not self._fresh:  # its last line may be half a line
                self.compact()
            self._fresh = False  # also where this fails halfway
            append_lines(self.changes, lines)
            self._fresh = True

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """Add a line to the ledger, unless it is there."""

        def append() -> None:
            with self._one_by_one:
                self._ledger.keep(entry)

        await uninterrupted(asyncio.to_thread(append))


def _written_at(path: Path) -> tuple[int, int]:
    """Another one after the file was replaced."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    except OSError as error:
        raise StateError(f"state file {path}: {error.strerror}") from error
    return found.st_ino, found.st_mtime_ns


def is_moved(path: Path) -> bool:
    """Whether a database has taken this state over."""
    return path.exists() and path.read_bytes().strip() == json.dumps(MOVED).encode()


def refuse_moved(path: Path) -> None:
    """See to it that no run works from a state that a database has taken over.

    Raises:
        StateError: a database holds this task's state.
    """
    if is_moved(path):
        name = path.stem
        raise StateError(
            f"task {name!r} is kept by the database now: run it with `lockstep run {name}` or through the workers"
        )
