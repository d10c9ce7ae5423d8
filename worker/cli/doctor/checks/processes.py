"""Whether somebody runs what is scheduled, and has read the same as this command."""

from __future__ import annotations

from collections.abc import Iterator

from worker.alarms import Kind, Limits, judge
from worker.cli.doctor.facts.processes import ProcessFacts
from worker.cli.doctor.finding import About, Finding
from worker.standing import Status
from worker.standing.judgement import refused
from worker.telling.exit_codes import ExitCode
from worker.telling.numbers import some

_PROCESSES = About("Scheduler and workers")
_UP = "Start them: lockstep up, or celery -A worker beat and celery -A worker worker"


def process_findings(found: ProcessFacts) -> Iterator[Finding]:
    """What is to be said of scheduler, workers, their tasks and the queue."""
    if found.facts is None:
        if found.is_wrong:
            yield _PROCESSES.failed("processes", found.refusal, "", ExitCode.USAGE)
        else:
            yield _PROCESSES.unknown("processes", f"Who is there is not known: {found.refusal}")
        return
    status, facts = found.facts.status, found.facts
    if facts.refusal or status is None:
        yield About("Database").failed(
            "database-writes",
            f"It takes no writes, so no run is made: {facts.refusal}",
            "See that it has room, and lets its user write",
            ExitCode.UNAVAILABLE,
        )
    else:
        yield About("Database").ok("database-writes", "It takes writes.")
    if status is None or status.present.signs is None:
        yield _PROCESSES.unknown("processes", "Who is there is not known, since Redis does not answer.")
        return
    alarms = judge(facts, Limits()).alarms
    for kind in (Kind.SCHEDULER, Kind.WORKERS):
        found_alarms = [alarm for alarm in alarms.values() if alarm.kind is kind]
        for alarm in found_alarms:
            yield _PROCESSES.failed(kind, alarm.text, alarm.mend, ExitCode.UNATTENDED)
        if not found_alarms:
            yield _present(kind, status)
    if Kind.QUEUE in alarms:
        yield _PROCESSES.warning("queue", alarms[Kind.QUEUE].text, alarms[Kind.QUEUE].mend)
    elif facts.queued is not None:
        yield _PROCESSES.ok(
            "queue", f"{some(facts.queued, 'message') if facts.queued else 'No messages'} in the queue."
        )
    yield from _entries(status)


def no_processes(text: str) -> Finding:
    """That nobody runs what is scheduled."""
    return _PROCESSES.warning("processes", text, _UP)


def _present(kind: Kind, status: Status) -> Finding:
    signs = status.present.signs
    living = (
        [] if signs is None else signs.living_schedulers if kind is Kind.SCHEDULER else signs.living_workers
    )
    what = "scheduler" if kind is Kind.SCHEDULER else "worker"
    if living:
        return _PROCESSES.ok(kind, f"{some(len(living), what)} alive.")
    if not status.rows:
        return _PROCESSES.ok(kind, f"No {what} lives, and none is needed: no task is defined.")
    return _PROCESSES.warning(kind, f"No {what} lives, so nothing runs by itself.", _UP)


def _entries(status: Status) -> Iterator[Finding]:
    signs = status.present.signs
    if signs is None or not (signs.living_schedulers or signs.living_workers):
        return
    for trouble in refused(signs):
        yield _PROCESSES.failed("entries", f"{trouble.text[0].upper()}{trouble.text[1:]}", "", trouble.code)
    for name, text in status.differences:
        yield _PROCESSES.warning("entries", f"{name}: {text}", "")
    if not status.differences:
        many = len(status.rows)
        yield _PROCESSES.ok("entries", f"They have read the same {some(many, 'task')} as defined here.")
