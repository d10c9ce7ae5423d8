"""The alerts that are kept, and a test of those who are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from config import get_settings
from config.sentry import init_sentry
from worker.alarms.alarm import Alarm, Kind, Severity
from worker.alarms.course import Alert, Stage
from worker.alarms.ledger import Ledger, Message
from worker.alarms.message import lasted
from worker.alarms.sinks import Sink, SinkError, sinks_of
from worker.cli.context import open_store
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import console, near_moment, print_json, say
from worker.telling.tables import table

COLUMNS = ("Since", "Severity", "What", "Mend")
PAST_COLUMNS = ("Over", "Lasted", "What")


def list_alerts(limit: int, *, as_json: bool) -> ExitCode:
    """Show those that are open, and some that are over."""
    with open_store(get_settings()) as store:
        ledger = Ledger(store)
        going, past, unsent = ledger.open(), ledger.past(limit), ledger.unsent()
    if as_json:
        print_json(
            {
                "open": [_to_json(alert, unsent.get(alert.id, [])) for alert in going],
                "over": [_to_json(alert, unsent.get(alert.id, [])) for alert in past],
            }
        )
    else:
        _show(going, past)
        for alert in going:
            for error in unsent.get(alert.id, []):
                say(f"{alert.alarm.key} could not be told so far: {error}")
    critical = any(alert.told_at and alert.alarm.severity is Severity.CRITICAL for alert in going)
    return ExitCode.FAILED if critical else ExitCode.OK


def _show(going: Sequence[Alert], past: Sequence[Alert]) -> None:
    screen = console()
    if going:
        rows = [
            (
                near_moment(alert.began_at),
                alert.alarm.severity + ("" if alert.told_at else ", not told yet"),
                alert.alarm.text,
                alert.alarm.mend,
            )
            for alert in going
        ]
        screen.print(table(COLUMNS, rows, folded=("What", "Mend")))
    else:
        say("No alert is open.")
    if past:
        screen.print()
        now = datetime.now(UTC)
        rows_past = [
            (near_moment(alert.over_at), lasted(alert.began_at, alert.over_at or now), alert.alarm.text)
            for alert in past
        ]
        screen.print(table(PAST_COLUMNS, rows_past, folded=("What",)))


def _to_json(alert: Alert, errors: Sequence[str]) -> dict[str, Any]:
    return alert.to_json() | {"not_delivered": list(errors)}


def test(*, as_json: bool) -> ExitCode:
    """Send a message that says it is a test to all who are told."""
    settings = get_settings()
    init_sentry(settings)
    sinks, faults = sinks_of(settings)
    results = [(sink.label, _tried(sink)) for sink in sinks]
    if as_json:
        print_json(
            {
                "sinks": [{"sink": label, "error": error} for label, error in results],
                "faults": faults,
            }
        )
    else:
        for label, error in results:
            say(f"{label}: {'a test message was sent' if error is None else f'failed: {error}'}.")
        for fault in faults:
            say(f"{fault}.")
        if settings.alert_urls is None:
            say("ALERT_URLS is not set: nobody is told by mail, chat or push.")
    well = not faults and all(error is None for _, error in results)
    return ExitCode.OK if well else ExitCode.FAILED


def _tried(sink: Sink) -> str | None:
    now = datetime.now(UTC)
    alarm = Alarm(
        Kind.STALE,
        Severity.WARNING,
        "This is a test of Lockstep's alerts.",
        "Nothing is wrong, and nothing is to be done",
    )
    try:
        sink.send([Message(Alert(id=0, alarm=alarm, began_at=now, seen_at=now), Stage.BEGIN)])
    except SinkError as error:
        return str(error)
    return None
