"""Whether a run of a task could begin: its sides, its mapping, its logins, and the clocks of its services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tasks.engine.examining import Examined
from tasks.errors import TaskDefinitionError
from tasks.sides import End
from worker.cli.doctor.facts.tasks import TaskFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import explain
from worker.telling.numbers import some

#: By how much the clock of a service may be off: the newer edit wins a conflict, to the minute at Notion.
SKEW = timedelta(seconds=30)


def task_findings(facts: TaskFacts, now: datetime, soon: timedelta) -> Iterator[Finding]:
    """What is to be said of one task.

    Args:
        facts: what was found.
        now: the time.
        soon: before the end of a login it is told.
    """
    about, examined = About(f"Task {facts.name}"), facts.examined
    if facts.error is not None:
        yield _refused(about, "task", facts.error)
    for end in End:
        yield from _side(about, end, examined, is_done=facts.is_done)
        if end in examined.expires:
            yield _login(about, examined.labels[end], examined.expires[end], now, soon)
    if examined.refusal is not None:
        yield _refused(about, "mapping", examined.refusal)
    elif examined.pairs is not None:
        many = examined.pairs
        yield about.ok("mapping", f"{some(many, 'attribute')} kept in step.")
    for warning in examined.warnings:
        yield about.warning("mapping", warning, "")


def _side(about: About, end: End, examined: Examined, *, is_done: bool) -> Iterator[Finding]:
    label = examined.labels.get(end)
    if label is None:
        return
    if end in examined.refusals:
        yield _refused(about, f"side-{end.value}", examined.refusals[end])
    elif end in examined.fit:
        many = len(examined.described[end] or ())  # a `SyncTask` describes nothing
        counted = f", with {some(many, 'attribute')}" if many else ""
        yield about.ok(f"side-{end.value}", f"{_upper(label)} answers{counted}.")
    elif end in examined.described and examined.pairs is None:  # it was not asked for more
        yield about.ok(f"side-{end.value}", f"{_upper(label)} answers.")
    elif not is_done:
        yield about.unknown(
            f"side-{end.value}",
            f"{_upper(label)} has not answered yet.",
            "Try again; if it stays so, see whether this machine reaches it",
        )


def _refused(about: About, check: str, error: Exception) -> Finding:
    """What a run would end with; the message of a foreseen error has its mend."""
    told = explain(error)
    if told is None:
        text = f"A run would break off: {type(error).__name__}: {error}"
        return about.failed(
            check, text, "This is a fault in the task's code or in Lockstep: lockstep -v plan shows where"
        )
    code = ExitCode.USAGE if isinstance(error, TaskDefinitionError) else ExitCode.FAILED
    return about.failed(check, _upper(told[0]), "", code)


def _login(about: About, label: str, expires: datetime, now: datetime, soon: timedelta) -> Finding:
    when = f"{expires:%Y-%m-%d %H:%M} UTC"
    mend = "Make a new one there and set it, then restart the workers"
    if expires <= now:
        return about.failed("login", f"The token for {label} has expired {when}.", mend)
    if expires - now <= soon:
        return about.warning("login", f"The token for {label} expires {when}.", mend)
    return about.ok("login", f"The token for {label} is good until {when}.")


def clock_findings(ahead: Iterable[Mapping[str, timedelta]]) -> Iterator[Finding]:
    """What is to be said of the clocks of services, by host."""
    about = About("Clocks")
    hosts = {host: skew for each in ahead for host, skew in each.items()}
    for host, skew in sorted(hosts.items()):
        seconds = abs(skew.total_seconds())
        if abs(skew) < SKEW:
            yield about.ok("clock", f"That of {host} is this machine's (within {max(1, round(seconds))} s).")
            continue
        way = "ahead of" if skew > timedelta(0) else "behind"
        yield about.warning(
            "clock",
            f"That of {host} is {seconds:.0f} s {way} this machine's; by such clocks the newer of two edits stays.",
            "Let this machine set its clock by NTP, or tell who runs the other one",
        )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
