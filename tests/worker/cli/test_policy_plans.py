"""A plan shows what the policies of a task make of deletions."""

from __future__ import annotations

import io

from rich.console import Console

from tests.tasks.policies.places import Sync
from worker.cli.runs.plan_view import plan_json, plan_summary, plan_table


async def test_a_plan_shows_what_is_marked_and_what_goes_apart() -> None:
    sync = Sync(delete={"to_notion": "unlink", "to_other": {"mark": "hidden"}})
    for name in ("tea", "salt", "bread"):
        sync.pair(name)
    await sync.runs()
    sync.rows.remove(sync.row("tea"))
    sync.todos.remove(sync.todo("salt"))
    plan = (await sync.run(dry_run=True)).plan
    console = Console(file=io.StringIO(), width=300)
    console.print(plan_table(plan))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    mark, park = sorted(line for line in shown.splitlines() if "tea" in line or "salt" in line)
    assert all(word in mark for word in ("mark", "tea", "hidden: 'True'", "only marked in the list todos"))
    assert all(word in park for word in ("park", "salt", "it stays in the board rows"))
    assert plan_summary(plan) == "1 mark, 1 park; 1 pair is in step. Nothing was written."
    assert [one["attribute"] for one in plan_json(plan)["actions"] if one["action"] == "mark"] == ["hidden"]
