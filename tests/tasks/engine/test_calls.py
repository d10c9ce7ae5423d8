from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tasks.engine.calls import calls
from tasks.errors import ExitError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End
from tests.tasks.boards import Boards, Row


async def test_coroutines_run_in_the_loop_and_plain_functions_in_one_thread_per_side() -> None:
    async def coroutine() -> int:
        return threading.get_ident()

    async with calls("x") as caller:
        assert await caller.call(End.LEFT, coroutine) == threading.get_ident()
        plain = {side: {await caller.call(side, threading.get_ident) for _ in range(5)} for side in End}
    assert all(len(threads) == 1 for threads in plain.values())
    assert len({threading.get_ident()} | plain[End.LEFT] | plain[End.RIGHT]) == 3


async def test_a_plain_function_that_returns_a_coroutine_is_awaited_and_sees_the_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("seen")

    async def answer(text: str) -> str:
        return text

    async with calls("x") as caller:
        assert await caller.call(End.RIGHT, lambda: answer(variable.get())) == "seen"


async def _left_behind() -> str:
    """The state, after the run's end, of a coroutine that a plain function made for a caller who had gone."""
    begun, go_on = threading.Event(), threading.Event()
    made: list[Coroutine[Any, Any, None]] = []

    async def nothing() -> None:
        raise AssertionError("nobody waits for this")

    def late() -> Coroutine[Any, Any, None]:
        begun.set()
        go_on.wait(10)
        made.append(nothing())
        return made[0]

    async with calls("x") as caller:
        task = asyncio.ensure_future(caller.call(End.LEFT, late))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
    return inspect.getcoroutinestate(made[0])


@pytest.mark.filterwarnings("error")
async def test_a_coroutine_that_comes_too_late_is_closed() -> None:
    # Often: a future counts as done a moment before its callbacks have run, and one time would seldom meet that.
    assert {await _left_behind() for _ in range(200)} == {inspect.CORO_CLOSED}


async def test_an_error_of_a_plain_function_comes_back() -> None:
    async with calls("x") as caller:
        with pytest.raises(ZeroDivisionError):
            await caller.call(End.LEFT, lambda: 1 / 0)


async def test_a_cancelled_run_waits_for_the_plain_call_that_is_under_way() -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(0.3)
        ended.set()

    async def run() -> None:
        async with calls("x") as caller:
            await caller.call(End.LEFT, slow)

    task = asyncio.ensure_future(run())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()  # a second one does not hurry it either
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_task_that_exits_does_not_end_the_process() -> None:
    async def leave() -> None:
        sys.exit("no login")

    def leave_later() -> Coroutine[None, None, None]:
        return leave()

    async with calls("x") as caller:
        functions: tuple[Callable[[], Any], ...] = (leave, lambda: sys.exit("no login"), leave_later)
        for function in functions:
            with pytest.raises(ExitError, match="SystemExit: no login"):
                await caller.call(End.LEFT, function)


class _Page(Boards):
    """A task whose methods are as a parameter says, and that notes in which threads they ran."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.threads: set[int] = set()


class _Coroutines(_Page):
    async def other_create_obj(self, **values: Any) -> Row:  # type: ignore[override]
        self.threads.add(threading.get_ident())
        return self._create(self.other, values)

    async def other_id(self, obj: Row) -> str:  # type: ignore[override]
        return obj.id

    async def other_to_dict(self, obj: Row) -> dict[str, Any]:  # type: ignore[override]
        return dict(obj.values)


class _HandedOut(_Page):
    """Plain methods that give coroutines."""

    def other_id(self, obj: Row) -> Any:
        return self._later(obj.id)

    def other_to_dict(self, obj: Row) -> Any:
        return self._later(dict(obj.values))

    async def _later(self, answer: Any) -> Any:
        await asyncio.sleep(0)
        return answer


class _OwnKeys(_Coroutines):
    async def other_create_keyed(self, key: str, values: dict[str, Any]) -> Row:  # type: ignore[override]
        self.keys.append(key)
        return await self.other_create_obj(**values)


@pytest.mark.parametrize("kind", [Boards, _Coroutines, _HandedOut, _OwnKeys])
async def test_what_was_made_is_known_whatever_kind_the_methods_are_of(kind: type[Boards]) -> None:
    task, journal = kind(), StateJournal(State())
    made = [task.notion.add(A=f"row {number}", B=str(number)) for number in range(5)]
    assert (await task.run(journal)).status == "succeeded"
    assert sorted(journal.state.ids) == made
    assert task.other.shown() == task.notion.shown()
    assert {one: task.other.rows[journal.state.ids[one]].values["a"] for one in made} == {
        one: task.notion.rows[one].values["A"] for one in made
    }
    if isinstance(task, _Page) and not isinstance(task, _HandedOut):
        assert task.threads == {threading.get_ident()}
        assert len(task.keys) == (5 if isinstance(task, _OwnKeys) else 0)
