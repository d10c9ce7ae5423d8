"""`lockstep verify`: a task's mapping and policies, tried on copies in memory; the real sides are not touched."""

from __future__ import annotations

import time

from rich.padding import Padding
from rich.text import Text

from config import get_settings
from config.logging import configure_logging
from tasks.testing import Finding, Invariant, Report, check_task
from tasks.testing.copies.copy_of import SEALED, MemoryCopy, advance, mapping_of
from worker.cli.bars import bar
from worker.cli.context import find_sync_task
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import console, duration, print_json, printable, say

#: By whether an invariant held; not known where another one broke before it was tried to the end.
MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}
PLAIN_MARKS = {True: ("ok", "green"), False: ("--", "red"), None: ("  ", "dim")}


def verify(name: str, *, histories: int, seed: int, as_json: bool) -> ExitCode:
    """Check a task on copies in memory and tell which invariants held."""
    settings = get_settings()
    task = find_sync_task(name)
    configure_logging(settings, level="ERROR" if settings.log_level == "INFO" else None)
    copy = mapping_of(task)
    started = time.monotonic()
    with bar(task.name) as progress:
        report = check_task(
            copy.make,
            histories=histories,
            seed=seed,
            values=copy.values,
            key=copy.key,
            advance=advance,
            watch=lambda done, total: progress("histories", done, total),
        ).for_original(copy.untried, copy.uncalled)
    if as_json:
        print_json({**report.to_json(), "tried": list(copy.tried), "copy": list(copy.notes)})
    else:
        _show(report, copy, time.monotonic() - started)
    return ExitCode.OK if report.ok else ExitCode.FAILED


def _show(report: Report, copy: MemoryCopy, seconds: float) -> None:
    screen = console()
    head = Text(printable(report.task), style="bold")
    head.append(
        f": a copy in memory of its mapping, seed {report.seed}, {duration(seconds)}", style="not bold"
    )
    say(head, screen)
    counts = ", ".join(f"{number:,} {what}" for what, number in report.counts.items() if number)
    say(counts, screen, indent=2)
    say(f"tried of the task: {', '.join(copy.tried)}", screen, indent=2)
    screen.print()
    signs = MARKS if (screen.encoding or "").lower().startswith("utf") else PLAIN_MARKS
    for one in report.tried:
        held = report.held(one)
        sign, style = signs[held]
        line = Text(f"{sign} ", style=style)
        line.append(_name(one), style="bold" if held is False else "")
        say(line.append(one.meaning, style="dim"), screen, indent=2, hang=6)
    for finding in report.findings:
        screen.print()
        _show_finding(finding)
    _show_untried(report)
    screen.print()
    for note in (*report.notes, *copy.notes):
        say(note, screen, indent=2, style="dim")
    verdict = f"All {len(report.tried)} that were tried held, {len(report.untried)} were not tried"
    if not report.tried:
        verdict = "Nothing of the task could be tried here"
    style = "green" if report.ok and report.tried else "yellow" if report.ok else "red"
    verdict = verdict if report.ok else "Broken"
    say(f"{verdict}; the real sides were not touched.", screen, style=style)


def _name(invariant: Invariant) -> str:
    number = "" if invariant is Invariant.CONTRACT else invariant.number
    return f"{number:<4}{invariant.title if number else 'contract':<24}"


def _show_untried(report: Report) -> None:
    screen = console()
    screen.print()
    screen.print("Not tried:")
    for one, why in report.untried.items():
        say(Text(_name(one)).append(why, style="dim"), screen, indent=4, hang=4)
    names = Text(", ".join(report.uncalled), style="dim")
    say(f"No method of the task was called, as {SEALED}:", screen)
    screen.print(Padding(names, (0, 0, 0, 4)))
    say("check_task tries them on sides that are made for it; docs/testing.md shows how.", screen)


def _show_finding(finding: Finding) -> None:
    screen = console()
    first, *steps = finding.text.splitlines()
    say(first, screen, style="red")
    for step in steps:
        say(step, screen, hang=4)
