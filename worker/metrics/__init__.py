"""What Prometheus reads: numbers from the history, from Redis and from alarms, the same whoever is asked.

Nothing is counted in a process: counters come from the database and from Redis, so they outlive restarts and grow only
(what is pruned of the history is carried on, see `totals`).
"""

from __future__ import annotations

from worker.metrics.catalogue import CATALOGUE, Measure, family
from worker.metrics.collector import Metrics
from worker.metrics.schedule import schedule_metrics

__all__ = ["CATALOGUE", "Measure", "Metrics", "family", "schedule_metrics"]
