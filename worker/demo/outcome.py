"""What runs did and what came of it, in words and tables."""

from __future__ import annotations

from statistics import median

from rich.table import Table

from tasks.journal.ledger import Version
from tasks.merge import End
from tasks.values.canonical import same
from worker.demo.survey import Survey
from worker.store import RunRecord
from worker.telling.numbers import some
from worker.telling.screen import printable, short


def fared(version: Version) -> str:
    """How a value of a conflict fared."""
    return "  <- stays" if version.stayed else "  (kept here)"


def writes(run: RunRecord) -> int:
    """How much a run wrote to both services."""
    kinds = [f"{side}_{verb}" for side in End for verb in ("created", "updated", "deleted")]
    return sum(run.counts.get(kind, 0) for kind in kinds)


_WORDS = {
    "linked": "linked {}",
    "left_created": "created {} in Notion",
    "right_created": "created {} on the phone",
    "left_updated": "updated {} in Notion",
    "right_updated": "updated {} on the phone",
    "left_deleted": "deleted {} in Notion",
    "right_deleted": "deleted {} on the phone",
}


def words(run: RunRecord) -> str:
    """What a run did, in a line."""
    done = [said.format(run.counts[kind]) for kind, said in _WORDS.items() if run.counts.get(kind)]
    if kept := run.counts.get("conflicts"):
        done.append(f"kept {some(kept, 'conflict')}")
    return ", ".join(done) or f"nothing to write, {some(run.counts.get('in_step', 0), 'pair')} in step"


def sides(found: Survey) -> Table:
    """Some pairs, as each side shows them."""
    table = Table(title="Both sides, as they stand now (every fifth pair)", title_justify="left")
    for header in ("In Notion", "On the phone", "Due", "Status", "Tags", "Equal"):
        table.add_column(header)
    for notion, other in found.pairs[::5]:
        same_all = all(same(notion[name], other[name]) for name in notion)
        table.add_row(
            short(notion["Name"], 32),
            short(other["Name"], 32),
            printable(other["Due"]),
            printable(other["Status"]),
            printable(other["Tags"]),
            "yes" if same_all else "NO",
        )
    return table


def figures(found: Survey, runs: list[RunRecord]) -> Table:
    """The tour in numbers."""
    ran = [run for run in runs if run.status == "succeeded"]
    idle = [run.seconds or 0 for run in ran if not writes(run)]
    rows = [
        ("Rows in Notion", found.listed[End.LEFT]),
        ("To-dos on the phone", found.listed[End.RIGHT]),
        ("Linked pairs", found.links),
        ("Pairs equal in every attribute", found.equal),
        ("Without a counterpart", found.unlinked),
        ("Values kept in the conflict ledger", found.conflicts),
        ("Runs that succeeded", len(ran)),
        ("Runs skipped while the node was busy", sum(run.status == "skipped" for run in runs)),
        ("Runs that failed", sum(run.status not in {"succeeded", "skipped", "running"} for run in runs)),
        ("Writes to both services", sum(writes(run) for run in ran)),
        ("A run with nothing to do takes", f"{median(idle):.2f} s" if idle else "-"),
    ]
    table = Table(title="What came of it", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, figure in rows:
        table.add_row(label, str(figure))
    return table
