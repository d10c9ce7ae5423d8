"""`lockstep nodes compare`: whether two nodes hold the same, and how they are put into order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from tasks.database.records.held import shown_key
from tasks.database.sql.capture.triggers import installed
from tasks.database.sql.comparing.compare import Difference, Found, Kind, TableComparison
from tasks.database.sql.comparing.compare import compare as compare_tables
from tasks.database.sql.comparing.repair import Repair, Step
from tasks.database.sql.comparing.repair import repair as repair_tables
from tasks.database.sql.declared import Node
from worker.cli.bars import waiting
from worker.cli.nodes.nodes import named
from worker.standing.node_lags import opened
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, print_json, printable

#: Rows of one kind that are named on a screen.
SHOWN = 20

_SAID = {
    Kind.DIFFERENT: "different values",
    Kind.MISSING_IN_FIRST: "not in {first}",
    Kind.MISSING_IN_SECOND: "not in {second}",
    Kind.UNKNOWN_IN_FIRST: "made unseen in {first}, which does not know of them",
    Kind.UNKNOWN_IN_SECOND: "made unseen in {second}, which does not know of them",
    Kind.GONE_IN_FIRST: "gone unseen from {first}, which takes them to be there",
    Kind.GONE_IN_SECOND: "gone unseen from {second}, which takes them to be there",
    Kind.UNNAMED_IN_FIRST: "in {first} with a key that no node can name",
    Kind.UNNAMED_IN_SECOND: "in {second} with a key that no node can name",
}

_STEPS = {
    Step.SEND_AGAIN: "send again",
    Step.MAKE_KNOWN: "make an edit of now",
    Step.BURY: "delete, also elsewhere",
    Step.FETCH_BACK: "fetch back from the other node",
    Step.LEAVE: "leave, for it is held or has no good key: mend it by hand",
}


def compare(first: str, second: str, *, as_json: bool) -> ExitCode:
    """Compare the tables of two nodes."""
    with (
        opened(named(first)) as one,
        opened(named(second)) as other,
        waiting(f"Comparing {first} and {second}"),
    ):
        found = compare_tables(one.storage, other.storage)
    if as_json:
        print_json([_data(table) for table in found])
    else:
        screen = console()
        for table in found:
            for line in _lines(table, first, second):
                screen.print(line)
        if not all(table.alike for table in found):
            screen.print(
                "Edits that no sync has carried yet differ as well: sync, and compare again. "
                f"`lockstep nodes compare {first} {second} --repair` says what can be done about the rest."
            )
    return ExitCode.OK if all(table.alike for table in found) else ExitCode.FAILED


def repair(first: str, second: str, *, bury: bool, yes: bool, as_json: bool) -> ExitCode:
    """Say how two nodes are put into order, and do it where that was asked for."""
    if first == second:
        raise CommandError("a node is put into order by comparing it with another one")
    with opened(named(first)) as one, opened(named(second)) as other:
        for node in (one, other):
            _check_captured(node)
        with waiting(f"Comparing {first} and {second}"):
            found = repair_tables(one.storage, other.storage, bury=bury, dry_run=not yes)
    if as_json:
        print_json([{**asdict(table), "dry_run": not yes} for table in found])
        return ExitCode.OK
    lines = [line for table in found for line in _repairs(table, first, second)]
    screen = console()
    for line in lines:
        screen.print(line)
    if all(step is Step.LEAVE for table in found for side in (table.first, table.second) for step in side):
        screen.print(
            "There is nothing else to put into order." if lines else "There is nothing to put into order."
        )
    elif not yes:
        gone = any(Step.FETCH_BACK in side for table in found for side in (table.first, table.second))
        also = " Add --bury where the rows that are gone were deleted on purpose." if gone else ""
        screen.print(f"Nothing was changed: --yes does it.{also}")
    else:
        screen.print("Now let both sync, and compare again. Values that lose are in the ledger.")
    return ExitCode.OK


def _check_captured(node: Node) -> None:
    if node.table.capture != "triggers":
        return
    for table in node.storage.tables.values():
        if not installed(node.storage.database, table):
            raise CommandError(
                f"node {node.name!r} does not capture edits of {table.label!r}: "
                f"run `lockstep nodes capture {node.name}` first"
            )


def _lines(table: TableComparison, first: str, second: str) -> Iterator[Text]:
    alike = f"all {table.equal:,} rows alike" if table.alike else f"alike: {table.equal:,}"
    yield Text(f"{printable(table.label)}: ", style="bold") + Text(
        alike, style="green" if table.alike else ""
    )
    for kind, found in table.found.items():
        if found.count:
            said = _SAID[kind].format(first=first, second=second)
            yield Text(f"  {said}: {found.count:,}", style="yellow")
            yield from _names(found)


def _names(found: Found) -> Iterator[Text]:
    for one in found.rows[:SHOWN]:
        yield Text(f"    {_name(one)}")
    if found.count > SHOWN:
        yield Text(f"    and {found.count - SHOWN:,} more")


def _name(one: Difference) -> str:
    name = printable(shown_key(one.key))
    fields = f": {printable(', '.join(one.fields))}" if one.fields else ""
    return f"{name}{fields}" + (f" (held: {printable(one.held)})" if one.held else "")


def _repairs(table: Repair, first: str, second: str) -> Iterator[str]:
    for name, steps in ((first, table.first), (second, table.second)):
        for step, count in steps.items():
            yield f"{printable(table.label)} in {name}: {_STEPS[step]}: {count:,}"


def _data(table: TableComparison) -> dict[str, Any]:
    found = {
        str(kind): {
            "count": found.count,
            "rows": [{"key": r.key, "fields": list(r.fields), "held": r.held or None} for r in found.rows],
        }
        for kind, found in table.found.items()
    }
    return {"label": table.label, "alike": table.alike, "equal": table.equal, **found}
