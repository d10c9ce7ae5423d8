"""A journal in files, for tasks that run without a database."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from config.private_files import open_private, private_directory
from tasks.errors import StateError
from tasks.journal.contract import (
    BATCH,
    Base,
    Linked,
    Lull,
    Memory,
    Proof,
    memory_from_data,
    memory_to_data,
    numbers_of,
    parked_words,
)
from tasks.journal.ledger import LedgerEntry, Version, fingerprint_of
from tasks.journal.state import State
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
from tasks.merge import ID, Effect, End, Intent, Link, Name
from tasks.uninterrupted import uninterrupted
from tasks.values.canonical import dump, load
from tasks.values.date_range import DateRange
from tasks.values.file import File
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import References

#: Types of most of what is kept, which is nothing that has fields.
_WHOLE = PLAIN | {dict, frozenset}
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
        self.state = State()
        #: Whether `state` is what the files hold; before that they must not be written.
        self.loaded = False
        #: What `recall` has read, for who asks for all of it next.
        self._recalled: Base | None = None
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
                _replay(self.state, load(line))
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
            await self._append({"begin": _fields_of(intent)})
            change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        await self.confirm_all([Proof(put, drop, settle)])

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs: in one line, of which a crash leaves all or nothing."""
        lines = [_line_of(proof) for proof in proofs]
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
            _append_lines(self.changes, lines)
            self._fresh = True

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """Add a line to the ledger, unless it is there."""

        def append() -> None:
            with self._one_by_one:
                if self._told is None:
                    self._told = _told_in(self.ledger)
                if entry.fingerprint not in self._told:
                    _append_lines(self.ledger, [{"fingerprint": entry.fingerprint, **_fields_of(entry)}])
                    self._told.add(entry.fingerprint)

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


def _told_in(path: Path) -> set[str]:
    """The fingerprints of what a ledger holds."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    return set(filter(None, map(_fingerprint_in, lines)))


def _fingerprint_in(line: str) -> str:
    """That of an entry; none where a crash has cut its line off."""
    try:
        entry = load(line)
        # A line of an older version has none, but its parts.
        return str(entry["fingerprint"]) if "fingerprint" in entry else fingerprint_of(entry)
    except (StateError, TypeError, KeyError):
        return ""


def entries_in(path: Path) -> Iterator[LedgerEntry]:
    """The entries of a ledger; a line that a crash has cut off is none, and one of an older form is left out.

    Raises:
        StateError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    for line in filter(None, lines):
        with suppress(StateError, TypeError, KeyError):
            said = dict(load(line))
            del said["fingerprint"]
            places = {place: Version(**said.pop(place)) for place in ("first", "second")}
            yield LedgerEntry(**{**said, **places, "name": Name(**said.get("name", {}))})


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
            state.parked[put.left_id] = parked_words(put)
    if memory is not None:
        state.memory = memory_to_data(memory)
    for values in (*state.objs.values(), *state.others.values()) if forget else ():
        for name in forget:
            values.pop(name, None)


def prove(state: State, proofs: Iterable[Proof]) -> None:
    """What is known of some pairs, in a state."""
    for proof in proofs:
        change_state(state, put=proof.put, drop=proof.drop, settle=proof.settle)


def _line_of(proof: Proof) -> dict[str, Any]:
    put, drop = proof.put, proof.drop
    return {"put": put and _words_of(put), "drop": drop and _words_of(drop), "settle": list(proof.settle)}


def _words_of(link: Link) -> dict[str, Any]:
    """What `_link` takes; of nearly all links no more than this is to be said."""
    words = {"left_id": link.left_id, "right_id": link.right_id, "left": link.left, "right": link.right}
    return {**words, "parked": link.parked, "apart": link.apart} if link.parked or link.apart else words


def _replay(state: State, line: Mapping[str, Any]) -> None:
    """Apply one line of the journal."""
    if "all" in line:
        for part in line["all"]:
            _replay(state, part)
        return
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


def state_of(base: Base) -> State:
    """What is remembered of a task, as a state."""
    state = State(memory=memory_to_data(base.memory))
    for link in base.links:
        change_state(state, put=link)
    for intent in base.intents:
        change_state(state, begin=intent)
    return state


def _fields_of(kept: Any) -> Any:
    """What it holds by name, and what is in it likewise. Values are not taken apart, as `asdict` would do."""
    if not is_dataclass(kept) or isinstance(kept, DateRange | File | Opaque | References):
        return kept
    values = ((each.name, getattr(kept, each.name)) for each in fields(kept))
    return {name: value if type(value) in _WHOLE else _fields_of(value) for name, value in values}
