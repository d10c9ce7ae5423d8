"""A journal in files, for tasks that run without a database."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.private_files import open_private, private_directory
from tasks.errors import StateError
from tasks.journal.contract import Base, Memory, memory_from_data, memory_to_data
from tasks.journal.state import State
from tasks.journal.together import Together
from tasks.merge import ID, Conflict, Effect, End, Intent, Link
from tasks.uninterrupted import uninterrupted
from tasks.values.canonical import dump, load

#: In the place of a state, when a database has taken the task over.
MOVED = {"moved": "database"}


class FileJournal:
    """A `State` in `<name>.json`, with every change since appended to `<name>.journal` at once.

    The conflicts' ledger is `<name>.conflicts.jsonl`, one line for each.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes = path.with_suffix(".journal")
        self.ledger = path.with_suffix(".conflicts.jsonl")
        self.state = State()
        #: Whether `state` is what the files hold; before that they must not be written.
        self.loaded = False
        self._told: set[str] | None = None
        #: Whether the journal holds nothing but what this object wrote, so that lines can be added to it.
        self._fresh = False
        self._one_by_one = threading.Lock()
        self._together: Together[Mapping[str, Any]] = Together(self._append_group)

    async def load(self) -> Base:
        """The state with all changes since; the files stay as they are.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        return await asyncio.to_thread(self._load)

    def _load(self) -> Base:
        refuse_moved(self.path)
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
                _replay(self.state, load(line))
            except (StateError, ValueError, TypeError, KeyError) as error:
                if number == len(lines):  # cut off by a crash while it was written, so never confirmed
                    break
                raise StateError(
                    f"journal {self.changes}, line {number} cannot be read ({error}). Nothing was synced. Restore "
                    f"the file, or move it and {self.path.name} away: the next run then links both sides anew"
                ) from error

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return links_of(self.state, end, ids)

    async def count(self) -> int:
        """How many pairs are linked.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        if not self.loaded:
            await self.load()
        return len(self.state.ids)

    def compact(self) -> None:
        """Write the state as a whole and start the journal anew, if there is something in it."""
        if self.loaded and self.changes.exists():
            self.state.write(self.path)
            self.changes.unlink(missing_ok=True)

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep an intent. What a write replaces is kept by a database only."""
        if intent is not None:
            await self._append({"begin": asdict(intent)})
            change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        await self._append(
            {"put": put and asdict(put), "drop": drop and asdict(drop), "settle": list(settle)}
        )
        change_state(self.state, put=put, drop=drop, settle=settle)

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Keep what is remembered of the task, unless it is so already."""
        data = memory_to_data(memory)
        if forget or dump(data) != dump(self.state.memory):
            await self._append({"memory": data, "forget": list(forget)})
            change_state(self.state, memory=memory, forget=forget)

    async def _append(self, line: Mapping[str, Any]) -> None:
        await self._together.add(line)

    def _append_group(self, lines: Sequence[Mapping[str, Any]]) -> None:
        with self._one_by_one:
            if not self._fresh:  # its last line may be half a line
                self.compact()
            self._fresh = False  # also where this fails halfway
            _append_lines(self.changes, lines)
            self._fresh = True

    async def keep_conflict(self, conflict: Conflict) -> None:
        """Add a line to the ledger, unless it is there."""

        def append() -> None:
            with self._one_by_one:
                if self._told is None:
                    self._told = _lines_of(self.ledger)
                line = asdict(conflict)
                if dump(line) not in self._told:
                    _append_lines(self.ledger, [line])
                    self._told.add(dump(line))

        await uninterrupted(asyncio.to_thread(append))


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


def _lines_of(path: Path) -> set[str]:
    try:
        return set(path.read_text(encoding="utf-8", errors="replace").split("\n"))
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error


def _append_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    try:
        private_directory(path.parent)
        with open_private(path, "a") as file:
            file.write("".join(dump(line) + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error


def change_state(
    state: State,
    *,
    begin: Intent | None = None,
    put: Link | None = None,
    drop: Link | None = None,
    settle: Sequence[str] = (),
    memory: Memory | None = None,
    forget: Sequence[str] = (),
) -> None:
    """What a journal's calls do to a state."""
    if begin is not None:
        state.intents[begin.key] = {
            "side": begin.side.value,
            "source_id": begin.source_id,
            "values": dict(begin.values),
            "target_id": begin.target_id,
            "answered": begin.answered,
            "begun_at": begin.begun_at,
            "hash": begin.hash,
        }
    for key in settle:
        state.intents.pop(key, None)
    if drop is not None:
        for part in (state.ids, state.objs, state.others, state.parked):
            part.pop(drop.left_id, None)
    if put is not None:
        state.ids[put.left_id] = put.right_id
        state.objs[put.left_id] = dict(put.left)
        state.others[put.left_id] = dict(put.right)
        state.parked.pop(put.left_id, None)
        if put.parked:
            state.parked[put.left_id] = sorted(put.parked)
    if memory is not None:
        state.memory = memory_to_data(memory)
    for values in (*state.objs.values(), *state.others.values()) if forget else ():
        for name in forget:
            values.pop(name, None)


def _replay(state: State, line: Mapping[str, Any]) -> None:
    """Apply one line of the journal."""
    if "begin" in line:
        begun = line["begin"]
        change_state(state, begin=Intent(**{**begun, "side": End(begun["side"])}))
        return
    if "memory" in line:
        change_state(state, memory=memory_from_data(line["memory"]), forget=line["forget"])
        return
    change_state(
        state,
        put=_link(line["put"]),
        drop=_link(line["drop"]),
        settle=line["settle"],
    )


def _link(fields: Mapping[str, Any] | None) -> Link | None:
    return Link(**{**fields, "parked": _sides(fields.get("parked", ()))}) if fields else None


def _sides(names: Iterable[str]) -> frozenset[End]:
    return frozenset(map(End, names))


def base_of(state: State) -> Base:
    """A state in the words of the merge. A state without the other side's values has the same for both."""
    links = [_link_of(state, left_id) for left_id in state.ids]
    intents = [
        Intent(
            key,
            End(intent["side"]),
            intent["source_id"],
            intent["values"],
            intent.get("target_id"),
            intent.get("answered", False),
            intent.get("begun_at"),
            intent.get("hash", ""),
        )
        for key, intent in state.intents.items()
    ]
    return Base(links, intents, memory_from_data(state.memory) if state.memory else Memory())


def links_of(state: State, end: End, ids: Collection[ID]) -> list[Link]:
    """The links in a state of these objects of a side."""
    if end is End.LEFT:
        return [_link_of(state, left_id) for left_id in dict.fromkeys(ids) if left_id in state.ids]
    wanted = frozenset(ids)
    return [_link_of(state, left_id) for left_id, right_id in state.ids.items() if right_id in wanted]


def _link_of(state: State, left_id: ID) -> Link:
    left = state.objs.get(left_id, {})
    right = state.others.get(left_id, left)
    return Link(left_id, state.ids[left_id], left, right, _sides(state.parked.get(left_id, ())))


def state_of(base: Base) -> State:
    """What is remembered of a task, as a state."""
    state = State(memory=memory_to_data(base.memory))
    for link in base.links:
        change_state(state, put=link)
    for intent in base.intents:
        change_state(state, begin=intent)
    return state
