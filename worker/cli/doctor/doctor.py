"""Looks at all at once, each for a limited time, and judges it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from config import Settings, SettingsError, get_settings, shards
from tasks.errors import TaskDefinitionError
from tasks.object_task import ObjectTask
from tasks.registry import load_tasks
from tasks.scheduled import Scheduled
from worker.cli.context import HOW_TO_DEFINE
from worker.cli.doctor.checks.broker import broker_findings
from worker.cli.doctor.checks.database import database_finding
from worker.cli.doctor.checks.doors import door_findings
from worker.cli.doctor.checks.files import disk_finding, file_findings
from worker.cli.doctor.checks.processes import no_processes, process_findings
from worker.cli.doctor.checks.redis import redis_findings
from worker.cli.doctor.checks.tasks import clock_findings, task_findings
from worker.cli.doctor.facts.broker import broker_facts
from worker.cli.doctor.facts.database import database_facts
from worker.cli.doctor.facts.files import disk_facts, file_facts
from worker.cli.doctor.facts.processes import process_facts
from worker.cli.doctor.facts.redis import redis_facts
from worker.cli.doctor.facts.tasks import TaskFacts, look_at
from worker.cli.doctor.finding import About, Finding
from worker.cli.runs.run import quiet_logging
from worker.store import Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import explain
from worker.telling.numbers import some

Findings = list[Finding]

_PROCESSES = "Scheduler and workers"


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found."""

    findings: list[Finding]
    #: What still goes on, in threads that would be waited for at the end of the process; nothing, as a rule.
    hanging: asyncio.Runner | None = None


def examine_all(patience: float) -> Examination:
    """Look at everything that an installation needs; what has not answered after these seconds is not known."""
    try:
        settings = get_settings()
    except SettingsError as error:
        return Examination([About("Settings").failed("settings", str(error), "", ExitCode.USAGE)])
    quiet_logging(settings)
    tasks, findings = _tasks(settings)
    runner = asyncio.Runner()
    more, hangs = runner.run(_look(settings, tasks, patience))
    if not hangs:
        runner.close()
    return Examination([*findings, *more], runner if hangs else None)


def examine_machine(settings: Settings) -> list[Finding]:
    """Look at what there must be before a first run: Redis, database, files; no side is asked."""
    return [
        *_of_redis(settings),
        *_of_broker(settings),
        database_finding(database_facts(settings)),
        *_of_files(settings),
        *_of_doors(settings),
    ]


def _tasks(settings: Settings) -> tuple[Mapping[str, Scheduled], Findings]:
    about = About("Settings")
    try:
        tasks = load_tasks(settings)
    except TaskDefinitionError as error:
        return {}, [about.failed("tasks", str(error), "", ExitCode.USAGE)]
    if not tasks:
        return {}, [
            about.warning("tasks", "No task is defined.", f"{HOW_TO_DEFINE[0].upper()}{HOW_TO_DEFINE[1:]}")
        ]
    many = some(len(tasks), "task")
    return tasks, [about.ok("tasks", f"The settings and {many} can be read.")]


async def _look(settings: Settings, tasks: Mapping[str, Scheduled], patience: float) -> tuple[Findings, bool]:
    """All checks side by side; gives the findings in the order in which they are shown, and whether one hangs."""
    database = asyncio.create_task(asyncio.to_thread(database_facts, settings))

    async def of_database() -> Findings:
        return [database_finding(await database)]

    async def of_processes() -> Findings:
        if (await database).has_no_tables:
            return [no_processes("Nothing has been started here yet, so nothing runs by itself.")]
        if not (await database).is_current:
            text = "Who is there is not known before the database has the tables of this version."
            return [About(_PROCESSES).unknown("processes", text)]
        return list(process_findings(await asyncio.to_thread(process_facts, settings, tasks)))

    async def of_task(task: ObjectTask, found: TaskFacts) -> None:
        if not (await database).is_current:
            await look_at(task, None, found)
            return
        with closing(Store(settings.sql_url())) as store:
            await look_at(task, store, found)

    works: dict[tuple[str, str], asyncio.Task[Findings]] = {
        (subject, check): asyncio.create_task(work)
        for subject, check, work in (
            ("This machine", "files", asyncio.to_thread(_of_files, settings)),
            ("Redis", "redis", asyncio.to_thread(_of_redis, settings)),
            *(
                [("RabbitMQ", "rabbitmq", asyncio.to_thread(_of_broker, settings))]
                if settings.broker_url is not None
                else []
            ),
            ("Database", "database", of_database()),
            (_PROCESSES, "processes", of_processes()),
            ("Pages", "doors", asyncio.to_thread(_of_doors, settings)),
        )
    }
    facts = [(task, TaskFacts(task.name)) for task in tasks.values() if isinstance(task, ObjectTask)]
    sides = [asyncio.create_task(of_task(task, found)) for task, found in facts]
    _, pending = await asyncio.wait([*works.values(), *sides], timeout=patience)
    found: Findings = []
    for (subject, check), work in works.items():
        found += _done(work, About(subject), check, patience)
    now, soon = datetime.now(UTC), timedelta(days=settings.alert_login_days)
    for _, one in facts:
        found += task_findings(one, now, soon)
    found += clock_findings(one.examined.ahead for _, one in facts)
    return found, bool(pending)


def _done(work: asyncio.Task[Findings], about: About, check: str, patience: float) -> Findings:
    if not work.done():
        return [about.unknown(check, f"There was no answer within {patience:.0f} s.", "Try again")]
    error = work.exception()
    if error is None:
        return work.result()
    told = explain(error)
    if told is None:
        raise error
    return [about.failed(check, told[0], "", told[1])]


def _of_files(settings: Settings) -> Findings:
    return [*file_findings(file_facts(settings)), disk_finding(disk_facts(settings))]


def _of_redis(settings: Settings) -> Findings:
    places = shards.all_of(settings)
    if len(places) == 1:
        return list(redis_findings(redis_facts(settings)))
    with ThreadPoolExecutor(len(places)) as pool:  # those that are away cost no more time than one
        found = list(pool.map(redis_facts, places))
    return [
        replace(finding, subject=f"Redis of shard {number}")
        for number, facts in enumerate(found)
        for finding in redis_findings(facts)
    ]


def _of_broker(settings: Settings) -> Findings:
    return [] if settings.broker_url is None else list(broker_findings(broker_facts(settings)))


def _of_doors(settings: Settings) -> Findings:
    return list(door_findings(settings, os.environ))
