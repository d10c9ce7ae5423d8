"""Random histories of a program that calls `sync`, and keeps the state it had when a call fails."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tasks import OutcomeUnknownError, SideError
from tasks.errors import TaskError
from tasks.journal.state import State
from tests.tasks.boards import Board, Boards, Row

#: Random histories of a caller of `sync`; as many as of every other kind where that is set.
HISTORIES = int(os.environ.get("LOCKSTEP_EXAMPLES", "300"))

REACHED: Counter[str] = Counter()


class Failing(Boards):
    """Both sides refuse values, lose answers and go down, whenever it is due."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[int, str] = {}
        self.sent = 0

    def _write(self, board: Board, what: Any) -> Any:
        self.sent += 1
        fault = self.faults.get(self.sent, "")
        if fault == "before":
            raise SideError(f"{board.name} is down")
        answer = what()
        if fault == "after":
            raise SideError(f"{board.name} went down with it")
        if fault == "unknown":
            raise OutcomeUnknownError("no answer")
        return answer

    def _create(self, board: Board, values: dict[str, Any]) -> Row:
        made: Row = self._write(board, lambda: super(Failing, self)._create(board, values))
        return made

    def _update(self, board: Board, row: Row, changes: dict[str, Any]) -> Row:
        updated: Row = self._write(board, lambda: super(Failing, self)._update(board, row, changes))
        return updated

    def _delete(self, board: Board, row: Row) -> None:
        self._write(board, lambda: super(Failing, self)._delete(board, row))


@dataclass
class Caller:
    """A program as the page of the API has it: it calls `sync`, and keeps the state it had when that fails."""

    rng: Random
    task: Failing = field(default_factory=Failing)
    state: State | None = None
    tokens: int = 0
    values: int = 0
    #: By token, the values that people wrote.
    written: dict[str, set[str]] = field(default_factory=dict)
    #: The value that surely stays: written where both sides had shown the same.
    sure: dict[str, str] = field(default_factory=dict)
    #: What was deleted here and edited there last: what follows on that is what is hard.
    focus: str = ""
    told: list[str] = field(default_factory=list)

    def board(self, side: str) -> Board:
        return self.task.notion if side == "notion" else self.task.other

    def names(self, side: str) -> tuple[str, str]:
        return ("A", "B") if side == "notion" else ("a", "b")

    def rows(self, side: str) -> dict[str, Row]:
        name = self.names(side)[0]
        return {row.values[name]: row for row in self.board(side).rows.values()}

    def people(self) -> None:
        side = self.rng.choice(("notion", "other"))
        self.task.later(minutes=3)
        rows = self.rows(side)
        kind = self.rng.choice(("make", "edit", "edit", "delete", "clash"))
        if kind == "make" or not rows:
            self.tokens += 1
            token = f"row {self.tokens}"
            self.board(side).add(**dict(zip(self.names(side), (token, self.value()), strict=True)))
            self.written[token] = {f"v{self.values}"}
            self.sure[token] = f"v{self.values}"
            self.told.append(f"make {token} in {side}")
            return
        token = (
            self.focus if self.focus in rows and self.rng.random() < 0.6 else self.rng.choice(sorted(rows))
        )
        across = "other" if side == "notion" else "notion"
        if kind == "delete" and self.tokens > 1:
            self.delete(side, token)
        elif kind == "clash" and token in self.rows(across):
            self.edit(across, token)
            self.delete(side, token)
            self.focus = token
        else:
            self.edit(side, token)

    def value(self) -> str:
        self.values += 1
        return f"v{self.values}"

    def edit(self, side: str, token: str) -> None:
        across = "other" if side == "notion" else "notion"
        row, there = self.rows(side)[token], self.rows(across).get(token)
        name, value = self.names(side)[1], self.value()
        in_step = there is not None and there.values[self.names(across)[1]] == row.values[name]
        self.board(side).edit(row.id, **{name: value})
        self.written[token].add(value)
        if in_step or there is None:
            self.sure[token] = value
        else:
            self.sure.pop(token, None)
        self.told.append(f"edit {token} in {side}: {value}")

    def delete(self, side: str, token: str) -> None:
        if token == "row 1":  # a side that lists nothing halts a run
            return
        self.board(side).remove(self.rows(side)[token].id)
        self.sure.pop(token, None)
        self.told.append(f"delete {token} in {side}")

    def call(self, *, faults: bool) -> bool:
        self.task.faults = {}
        self.task.later(minutes=3)
        if faults:
            at = self.task.sent + self.rng.randint(1, 3)
            self.task.faults = {at: self.rng.choice(("before", "after", "unknown"))}
        try:
            self.state = self.task.sync(self.state)
        except TaskError as error:
            self.told.append(f"call fails: {error}")
            REACHED["failed calls"] += 1
            return False
        self.told.append("call")
        return True

    def judge(self) -> None:
        shown = {
            side: [tuple(row.values.values()) for row in self.board(side).rows.values()]
            for side in ("notion", "other")
        }
        assert sorted(shown["notion"]) == sorted(shown["other"])
        tokens = [token for token, _ in shown["notion"]]
        assert len(tokens) == len(set(tokens)), "made twice"
        for token, value in shown["notion"]:
            assert value in self.written[token], f"{token} shows {value}"
            assert value == self.sure.get(token, value), f"an edit of {token} is lost: {self.sure[token]}"
        missing = self.written.keys() - set(tokens) - self.ever_deleted
        assert not missing, f"deleted by nobody: {missing}"

    @property
    def ever_deleted(self) -> set[str]:
        return {line.split(" in ")[0].removeprefix("delete ") for line in self.told if line[:6] == "delete"}


def test_a_caller_who_keeps_the_old_state_after_a_failed_call_gets_no_duplicates() -> None:
    for seed in range(HISTORIES):
        caller = Caller(Random(seed))
        for token in range(3):
            caller.tokens += 1
            value = caller.value()
            caller.task.pair(A=f"row {token + 1}", B=value)
            caller.written[f"row {token + 1}"] = {value}
            caller.sure[f"row {token + 1}"] = value
        caller.call(faults=False)
        for _ in range(caller.rng.randint(2, 6)):
            for _ in range(caller.rng.randint(0, 3)):
                caller.people()
            caller.call(faults=caller.rng.random() < 0.6)
        try:
            for _ in range(3):
                assert caller.call(faults=False)
            caller.judge()
            writes = caller.task.sent
            assert caller.call(faults=False)
            assert caller.task.sent == writes, "a call without edits writes"
        except AssertionError as error:
            raise AssertionError("\n".join([f"seed {seed}: {error}", *caller.told])) from error
    assert REACHED["failed calls"] > HISTORIES / 2
