"""States that a person must hear of: judged from what is known, told when they begin, last, and are over.

An *alarm* is one such state as it is now (`judging`); an *alert* is what is kept of it in the database, from its
begin to its end (`worker.store.tables.alerts`), and with it what was told to whom. Any worker, beat and web process
looks (`watch`), one at a time; a row is claimed before its message is sent, so that nothing is told twice.
"""

from __future__ import annotations

from worker.alarms.alarm import Alarm, Kind, Severity
from worker.alarms.judging import Facts, Judged, Limits, Login, judge

__all__ = ["Alarm", "Facts", "Judged", "Kind", "Limits", "Login", "Severity", "judge"]
