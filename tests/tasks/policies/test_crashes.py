"""A run that ends before or after any entry in the journal is followed by one that ends where none had crashed."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import StateError
from tasks.journal.state_journal import StateJournal
from tasks.sides import State
from tests.tasks.policies.places import Sync, day

ENTRIES = ("begin", "confirm", "keep_conflict", "remember")
STORIES: dict[str, dict[str, Any]] = {
    "unlink": {"delete": {"to_other": "unlink", "to_notion": "unlink"}},
    "mark": {
        "delete": {"to_other": {"mark": "hidden"}, "to_notion": {"mark": "Status", "value": "Archived"}},
    },
    "mirror": {"only_to": "other"},
    "mirror whose edits are kept": {"only_to": "other", "target_edits": "keep"},
    "filter": {"only": {"notion": {"Status": ["Open"]}}},
    "filter that deletes": {"only": {"notion": {"Status": ["Open"]}}, "leave": "delete"},
    "window": {"window": {"attribute": "due", "future": "30d"}},
}


async def happen(sync: Sync) -> None:
    """Whatever people do between two runs."""
    for name in ("deleted here", "deleted there", "finished", "moved", "far", "typed", "plain"):
        sync.pair(name, When=day(1))
    await sync.runs()
    sync.rows.remove(sync.row("deleted here"))
    sync.todos.remove(sync.todo("deleted there"))
    sync.rows.edit(sync.row("finished"), Status="Done")
    sync.rows.move_out(sync.row("moved"))
    sync.todos.edit(sync.todo("far"), due=day(400))
    sync.todos.edit(sync.todo("typed"), status=State.DONE)
    sync.rows.add(Name="new", Status="Open", When=day(2))


async def end(sync: Sync) -> Any:
    for _ in range(3):
        sync.clock.later(hours=2)
        report = await sync.run()
    assert (report.status, report.plan.actions) == ("succeeded", ())
    return (
        sync.rows.shown("Name", "Status", "When"),
        sync.todos.shown("summary", "status", "due", "hidden"),
        sorted(len(words) for words in sync.journal.state.parked.values()),
    )


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("story", STORIES)
async def test_a_crash_costs_nothing_but_time(
    story: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Sync(**STORIES[story])
    await happen(undisturbed)
    wanted = await end(undisturbed)
    number, crashed = 0, True
    while crashed:
        sync = Sync(**STORIES[story])
        await happen(sync)
        left, crashed = number, False

        def entry(name: str) -> Any:
            plain = getattr(StateJournal, name)

            async def disturbed(journal: StateJournal, *arguments: Any, **named: Any) -> None:
                nonlocal left, crashed
                left -= 1
                if left < 0 and not after:
                    crashed = True
                    raise StateError("it ends here")
                await plain(journal, *arguments, **named)
                if left < 0:
                    crashed = True
                    raise StateError("it ends here")

            return disturbed

        with monkeypatch.context() as patch:
            for name in ENTRIES:
                patch.setattr(StateJournal, name, entry(name))
            try:
                await sync.run()
            except StateError:
                assert crashed
        assert await end(sync) == wanted, f"after entry {number}"
        number += 1
    assert number > 4
