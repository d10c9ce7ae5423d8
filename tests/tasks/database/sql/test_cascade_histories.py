"""Seeded histories on real databases in which cities go, with those who live there or after they have moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.test_histories import HISTORIES, World, play
from tests.tasks.database.sql.townspeople import Townspeople

REACHABLE = ["moved_away", "cascaded", "claimed_unseen", "stayed"]


class Towns(World):
    people_class = Townspeople


@pytest.mark.timeout(3600)
def test_nothing_goes_that_nobody_deleted(make_node: Callable[[str], Any]) -> None:
    reach = play(make_node, Towns)
    if HISTORIES >= 5:
        assert not [kind for kind in REACHABLE if not reach[kind]]
