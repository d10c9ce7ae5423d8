"""Durable writes in groups: in order, each durable before its writer goes on, errors with their own part."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tasks.journal import together as together_module
from tasks.journal.together import Together


async def test_what_comes_meanwhile_is_written_together_and_in_order() -> None:
    groups: list[list[int]] = []
    first = threading.Event()

    def write(parts: Sequence[int]) -> None:
        groups.append(list(parts))
        if len(groups) == 1:
            first.wait(10)

    together = Together(write)
    adding = [asyncio.ensure_future(together.add(number)) for number in range(50)]
    await asyncio.sleep(0.05)
    assert not any(one.done() for one in adding)
    first.set()
    await asyncio.gather(*adding)
    assert [number for group in groups for number in group] == list(range(50))
    assert len(groups) <= 3


async def test_a_part_that_fails_fails_alone() -> None:
    kept: list[int] = []

    def write(parts: Sequence[int]) -> None:
        if 13 in parts:
            raise ValueError("unlucky")
        kept.extend(parts)

    together = Together(write)
    ends = await asyncio.gather(*(together.add(number) for number in range(20)), return_exceptions=True)
    assert [str(end) for end in ends if end is not None] == ["unlucky"]
    assert str(ends[13]) == "unlucky"
    assert sorted(kept) == [number for number in range(20) if number != 13]


async def test_a_cancelled_writer_still_waits_for_its_part() -> None:
    go, kept = threading.Event(), []

    def write(parts: Sequence[int]) -> None:
        go.wait(10)
        kept.extend(parts)

    together = Together(write)
    adding = asyncio.ensure_future(together.add(1))
    await asyncio.sleep(0.05)
    adding.cancel()
    await asyncio.sleep(0.05)
    assert not adding.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await adding
    assert kept == [1]


def test_writers_of_several_loops_share_it() -> None:
    kept: list[int] = []
    together = Together(kept.extend)

    async def add(numbers: range) -> None:
        await asyncio.gather(*(together.add(number) for number in numbers))

    threads = [
        threading.Thread(target=lambda start=start: asyncio.run(add(range(start, start + 50))))
        for start in (0, 50, 100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(kept) == list(range(150))


async def test_a_loop_is_woken_once_for_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    first, woken = threading.Event(), 0
    loop = asyncio.get_running_loop()
    wake = loop.call_soon_threadsafe

    def counted(callback: Any, *args: Any, **said: Any) -> Any:
        nonlocal woken
        woken += callback is together_module._tell
        return wake(callback, *args, **said)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    groups: list[int] = []

    def write(parts: Sequence[int]) -> None:
        groups.append(len(parts))
        first.wait(10)

    together = Together(write)
    adding = [asyncio.ensure_future(together.add(number)) for number in range(50)]
    await asyncio.sleep(0.05)
    first.set()
    await asyncio.gather(*adding)
    assert sum(groups) == 50
    assert woken == len(groups)


def test_who_comes_after_a_loop_was_closed_is_still_served() -> None:
    """A loop that ends while its part is written takes nothing from those of other loops."""
    begun, go, kept = threading.Event(), threading.Event(), []

    def write(parts: Sequence[int]) -> None:
        begun.set()
        go.wait(60)
        kept.extend(parts)

    together = Together(write)
    loop = asyncio.new_event_loop()
    adding = loop.create_task(together.add(1))
    loop.run_until_complete(asyncio.sleep(0))
    assert begun.wait(60)
    done = threading.Thread(target=lambda: asyncio.run(together.add(2)), daemon=True)
    done.start()
    loop.close()
    go.set()
    done.join(20)
    assert not done.is_alive()
    assert kept == [1, 2]
    del adding
