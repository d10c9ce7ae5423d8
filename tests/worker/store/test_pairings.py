"""The word by which others see that the pairs of a task are not the same ones any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tasks.merge import Link
from worker.store import SqlJournal, Store
from worker.store.forgetting import forget
from worker.store.renaming import rename
from worker.store.tables.fences import take_fence
from worker.store.tables.numbers import count_anew


def _forgotten(store: Store) -> None:
    forget(store, "projects", 2)


def _renamed(store: Store) -> None:
    rename(store, "projects", "new", {"projects": 2, "new": 1}, lambda: None)


def _counted_anew(store: Store) -> None:
    with store.write() as connection:  # as after an import
        count_anew(connection, "projects")


@pytest.mark.parametrize("change", [_forgotten, _renamed, _counted_anew])
def test_whatever_changes_all_pairs_changes_it(store: Store, change: Callable[[Store], None]) -> None:
    with store.write() as connection:
        take_fence(connection, "projects", 1)
    asyncio.run(SqlJournal(store, "projects", "run", 1).confirm(put=Link("p1", "t1", {}, {})))
    words = [store.links.pairing("projects"), store.links.pairing("new")]
    assert words[0] != words[1] == ""
    change(store)
    after = store.links.pairing("projects")
    assert after not in words
    assert (store.links.pairing("new") in words) is (change is not _renamed)
    assert store.links.pairing("new") != after
