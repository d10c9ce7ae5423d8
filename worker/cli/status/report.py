"""`lockstep status`: who is there to run what is scheduled, what runs, and how it went."""

from __future__ import annotations

import sys
import traceback
from dataclasses import replace

from config import get_settings
from config.redaction import redacted
from tasks.errors import TaskDefinitionError
from tasks.registry import load_tasks
from worker.alarms.course import Alert
from worker.alarms.ledger import Ledger
from worker.cli.context import find_task, open_store
from worker.cli.status.detail import Detail, detail_of, gather
from worker.cli.status.view import one_line, show
from worker.standing import Status, Trouble, survey
from worker.telling.exit_codes import CheckCode, ExitCode
from worker.telling.failures import explain
from worker.telling.screen import console, print_json


def status(name: str | None = None, *, as_json: bool) -> ExitCode:
    """Show who is there, and every task with its last, its next and its present run; or all about one task."""
    if name is not None:
        one = look_at(name)
        if as_json:
            print_json(one.to_json())
        else:
            console().print(detail_of(one))
        return one.code
    found, alerts = look()
    if as_json:
        print_json(found.to_json() | {"alerts": [alert.to_json() for alert in alerts]})
    else:
        show(found, alerts)
    return found.code


def check() -> CheckCode:
    """The same in one line, with the exit code of a monitoring plugin, whatever happens."""
    try:
        found, _ = look()
    except Exception as error:
        told = explain(error)
        if told is None:
            sys.stderr.write(redacted("".join(traceback.format_exception(error))))
        text, exit_code = told or (f"{type(error).__name__}: {error}", ExitCode.FAILED)
        code = CheckCode.CRITICAL if exit_code is ExitCode.UNAVAILABLE else CheckCode.UNKNOWN
        sys.stdout.write(redacted(one_line(code, [text])))
        return code
    problems = sorted(found.troubles, key=lambda trouble: -trouble.check)
    warned = CheckCode.WARNING if found.warnings else CheckCode.OK
    code = max([warned, *(trouble.check for trouble in problems)])
    sys.stdout.write(one_line(code, [*(trouble.text for trouble in problems), *found.warnings], found))
    return code


def look_at(name: str) -> Detail:
    """All that is known of one task.

    Raises:
        CommandError: there is no such task.
        TaskDefinitionError: the tasks cannot be read.
        StoreError: the database cannot be read.
    """
    settings = get_settings()
    find_task(name)
    with open_store(settings) as store:
        return gather(survey(settings, load_tasks(settings), store), name, store)


def look() -> tuple[Status, list[Alert]]:
    """All that can be known; also where the tasks cannot be read (any more), and what was read before goes on.

    Raises:
        SettingsError: a setting is wrong.
        StoreError: the database cannot be read.
    """
    settings = get_settings()
    wrong: TaskDefinitionError | None = None
    try:
        known = load_tasks(settings)
    except TaskDefinitionError as error:
        known, wrong = {}, error
    with open_store(settings) as store:
        found = survey(settings, known, store)
        alerts = [alert for alert in Ledger(store).open() if alert.told_at is not None]
    if wrong is None:
        return found, alerts
    signs = found.present.signs
    if signs is None or not (signs.living_schedulers or signs.living_workers):
        raise wrong
    told = [one for one in found.troubles if not one.text.endswith(str(wrong))]
    broken = Trouble(
        f"the tasks cannot be read, so none of them is shown; what beat and workers read before goes on: {wrong}",
        ExitCode.USAGE,
    )
    return replace(found, gone={}, differences=[], troubles=[broken, *told]), alerts
