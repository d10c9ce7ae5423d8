"""Durable writes in groups: in order, each durable before its writer goes on, errors with their own part."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

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
