"""Who is told of an alert: the log, Sentry, and every address of `ALERT_URLS`."""

from __future__ import annotations

from config import Settings
from worker.alarms.sinks.apprised import addressed
from worker.alarms.sinks.sentry import SentrySink
from worker.alarms.sinks.sink import LogSink, Sink, SinkError

__all__ = ["LogSink", "SentrySink", "Sink", "SinkError", "sinks_of"]


def sinks_of(settings: Settings) -> tuple[list[Sink], list[str]]:
    """All who are told, and what is wrong with an address that nobody can be told by."""
    found: list[Sink] = [LogSink()]
    if settings.sentry_dsn is not None:
        found.append(SentrySink())
    sinks, faults = addressed(settings.alert_addresses())
    return [*found, *sinks], faults
