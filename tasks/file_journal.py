"""A journal in files, for tasks that run without a database."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.calls import uninterrupted
from tasks.errors import StateError
from tasks.journal import Base
from tasks.merge import Conflict, Intent, Link, Side
from tasks.state import State
from tasks.values import from_json, to_json

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

    async def load(self) -> Base:
        """The state with all changes since; afterwards the state file holds them all.

        Raises:
            StateError: a file cannot be read, or a database has taken the task over.
        """
        return await asyncio.to_thread(self._load)

    def _load(self) -> Base:
        refuse_moved(self.path)
        self.state = State.read(self.path) or State()
        if self.changes.exists():
            for line in self._lines():
                _replay(self.state, line)
            self.compact()
        return base_of(self.state)

    def _lines(self) -> list[Mapping[str, Any]]:
        lines = self.changes.read_bytes().split(b"\n")
        parsed = []
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                parsed.append(from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                if number == len(lines):  # cut off by a crash while it was written, so never confirmed
                    break
                raise StateError(
                    f"journal {self.changes}, line {number} cannot be read ({error}). Nothing was synced. Restore "
                    f"the file, or move it and {self.path.name} away: the next run then links both sides anew"
                ) from error
        return parsed

    def compact(self) -> None:
        """Write the state as a whole and start the journal anew."""
        self.state.write(self.path)
        self.changes.unlink(missing_ok=True)

    async def begin(self, intent: Intent) -> None:
        """Keep an intent."""
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

    async def _append(self, line: Mapping[str, Any]) -> None:
        await uninterrupted(asyncio.to_thread(_append_line, self.changes, line))

    async def keep_conflict(self, conflict: Conflict) -> None:
        """Add a line to the ledger."""
        await uninterrupted(asyncio.to_thread(_append_line, self.ledger, asdict(conflict)))


def refuse_moved(path: Path) -> None:
    """See to it that no run works from a state that a database has taken over.

    Raises:
        StateError: a database holds this task's state.
    """
    if path.exists() and path.read_bytes().strip() == json.dumps(MOVED).encode():
        name = path.stem
        raise StateError(
            f"task {name!r} is kept by the database now: run it with `lockstep run {name}` or through the workers"
        )


def _append_line(path: Path, line: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_json(line), ensure_ascii=False) + "\n")
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
) -> None:
    """What a journal's calls do to a state."""
    if begin is not None:
        state.intents[begin.key] = {
            "side": begin.side.value,
            "source_id": begin.source_id,
            "values": dict(begin.values),
            "target_id": begin.target_id,
        }
    for key in settle:
        state.intents.pop(key, None)
    if drop is not None:
        for part in (state.ids, state.objs, state.others):
            part.pop(drop.notion_id, None)
    if put is not None:
        state.ids[put.notion_id] = put.other_id
        state.objs[put.notion_id] = dict(put.notion)
        state.others[put.notion_id] = dict(put.other)


def _replay(state: State, line: Mapping[str, Any]) -> None:
    """Apply one line of the journal."""
    if "begin" in line:
        begun = line["begin"]
        change_state(state, begin=Intent(**{**begun, "side": Side(begun["side"])}))
        return
    change_state(
        state,
        put=Link(**line["put"]) if line["put"] else None,
        drop=Link(**line["drop"]) if line["drop"] else None,
        settle=line["settle"],
    )


def base_of(state: State) -> Base:
    """A state in the words of the merge. A state without the other side's values has the same for both."""
    links = [
        Link(
            notion_id,
            other_id,
            state.objs.get(notion_id, {}),
            state.others.get(notion_id, state.objs.get(notion_id, {})),
        )
        for notion_id, other_id in state.ids.items()
    ]
    intents = [
        Intent(key, Side(intent["side"]), intent["source_id"], intent["values"], intent.get("target_id"))
        for key, intent in state.intents.items()
    ]
    return Base(links, intents)
