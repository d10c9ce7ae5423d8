"""Both sides compared, object by object, by reading them anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.engine.calls import calls
from tasks.engine.reading import read_side
from tasks.engine.running import opened
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End
from tasks.services.caldav import Todos
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tasks.values.canonical import same
from worker.demo.content import ATTRIBUTES
from worker.demo.stage import TASK, Stage
from worker.store import Store


@dataclass(frozen=True)
class Survey:
    """What both sides hold."""

    #: Linked pairs, the values of Notion and of the other side by Notion attribute.
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]]
    #: How many objects each side lists.
    listed: Mapping[End, int]
    #: Links in the database.
    links: int
    conflicts: int

    @property
    def equal(self) -> int:
        """How many pairs are equal in every attribute."""
        return sum(all(same(one[name], two[name]) for name in one) for one, two in self.pairs)

    @property
    def unlinked(self) -> int:
        """How many objects have no counterpart."""
        return sum(self.listed.values()) - 2 * len(self.pairs)


async def survey(stage: Stage, store: Store) -> Survey:
    """Read both sides and compare what is linked."""
    rows = DataSource(
        stage.data_source,
        token=stage.notion_token,
        base_url=stage.notion_url,
        throttle=LocalThrottle(rate=100, burst=100),
    )
    todos = Todos(stage.calendar_url, username=stage.calendar_user, password=stage.calendar_password)
    task = TwoWay(TASK, rows, todos, ATTRIBUTES)
    async with (
        calls(TASK) as caller,
        opened(task.pairing(), StateJournal(State()), caller, lambda: None) as (running, _),
    ):
        views = {end: await read_side(adapter) for end, adapter in running.adapters.items()}
    notion, other = (views[side].snapshot.records for side in End)
    links = store.links.load(TASK).links
    pairs = [
        (notion[link.left_id].values, other[link.right_id].values)
        for link in links
        if link.left_id in notion and link.right_id in other
    ]
    return Survey(
        sorted(pairs, key=lambda pair: str(pair[0]["Name"])),
        {side: len(views[side].snapshot.records) for side in End},
        len(links),
        store.conflicts.count(TASK),
    )
