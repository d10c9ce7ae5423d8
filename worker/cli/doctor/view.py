"""How findings look: by subject, a mark and a sentence each, the mend below it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from config.redaction import redacted
from worker.cli.bars import waiting
from worker.cli.doctor.doctor import examine_all
from worker.cli.doctor.finding import Finding, State, worst
from worker.telling.exit_codes import ExitCode
from worker.telling.numbers import some
from worker.telling.screen import console, print_json, printable, say

_MARKS = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.FAILED: ("✗", "red"),
    State.UNKNOWN: ("?", "cyan"),
}


def doctor(*, as_json: bool, timeout: float) -> ExitCode:
    """Look at everything, and tell it."""
    with waiting("Looking"):
        found = examine_all(timeout)
    code = worst(found.findings)
    if as_json:
        told = [{**finding.to_json(), "text": redacted(finding.text)} for finding in found.findings]
        print_json({"findings": told, "exit_code": int(code)})
    else:
        screen = console()
        show(found.findings, screen)
        screen.print()
        say(summary(found.findings), screen)
    if found.hanging is not None:
        # A thread that hangs in somebody's code would be waited for; all that there is to say is said.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def show(findings: Sequence[Finding], screen: Console) -> None:
    """Print them, those of one subject together."""
    subjects = dict.fromkeys(finding.subject for finding in findings)
    for place, subject in enumerate(subjects):
        if place:
            screen.print()
        say(subject, screen, style="bold")
        for finding in findings:
            if finding.subject == subject:
                tell(finding, screen)


def tell(finding: Finding, screen: Console) -> None:
    """Print one."""
    mark, style = _MARKS[finding.state]
    said = printable(redacted(finding.text))
    say(Text(mark, style=style).append(f" {said}", style="not bold default"), screen, indent=2, hang=2)
    if finding.mend:
        say(printable(finding.mend), screen, indent=4, style="dim")


def summary(findings: Sequence[Finding]) -> str:
    """All of it in a sentence."""
    states = [finding.state for finding in findings]
    counts = [
        f"{states.count(state)} {words}"
        for state, words in (
            (State.FAILED, "failed"),
            (State.WARNING, "to look at"),
            (State.UNKNOWN, "not known"),
        )
        if state in states
    ]
    return f"{some(len(states), 'check')}: {', '.join(counts) or 'all is well'}."
