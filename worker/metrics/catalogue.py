"""Every metric by name, with what it means: the one list from which they are made, and from which their page is."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric. A counter is given without `_total`, which is added where it is printed."""

    name: str
    type: str
    told: str
    labels: tuple[str, ...] = ()

    @property
    def printed(self) -> str:
        """Its name as `/metrics` prints it; a histogram's ends with `_bucket`, `_sum` and `_count`."""
        return f"{self.name}_total" if self.type == "counter" else self.name


CATALOGUE = {
    measure.name: measure
    for measure in (
        Measure("lockstep_up", "gauge", "Whether this can be used: redis, database, rabbitmq.", ("part",)),
        Measure("lockstep_runs", "counter", "Runs that ended, also skipped ones.", ("task", "result")),
        Measure("lockstep_run_duration_seconds", "histogram", "How long runs took that were not skipped.", ("task",)),
        Measure(
            "lockstep_items", "counter", "What runs did, by kind (left_created, right_updated, linked, failed, …).",
            ("task", "action"),
        ),
        Measure("lockstep_conflicts", "counter", "Conflicts that runs found.", ("task",)),
        Measure("lockstep_ledger_entries", "gauge", "Conflicts in the ledger that nobody has seen.", ("task",)),
        Measure("lockstep_links", "gauge", "Linked pairs of objects.", ("task",)),
        Measure("lockstep_held_objects", "gauge", "Objects that runs had to leave.", ("task",)),
        Measure("lockstep_quarantined_objects", "gauge", "Those of them that are tried once a day only.", ("task",)),
        Measure("lockstep_task_state", "gauge", "1 for the state that a task is in.", ("task", "state")),
        Measure(
            "lockstep_task_lag_seconds", "gauge",
            "Every edit older than this is on both sides; absent before a run has succeeded.", ("task",),
        ),
        Measure(
            "lockstep_task_last_success_timestamp_seconds", "gauge",
            "When the last run that left nothing behind ended; absent before there was one.", ("task",),
        ),
        Measure(
            "lockstep_task_last_success_age_seconds", "gauge", "How long that is ago; absent before there was one.",
            ("task",),
        ),
        Measure("lockstep_task_period_seconds", "gauge", "Seconds between the starts of two runs.", ("task",)),
        Measure("lockstep_task_running", "gauge", "Whether a session holds the task's node now.", ("task",)),
        Measure("lockstep_schedulers", "gauge", "Schedulers that give signs of life."),
        Measure("lockstep_workers", "gauge", "Workers that give signs of life and take messages."),
        Measure("lockstep_worker_slots", "gauge", "Runs that those workers can make at once."),
        Measure("lockstep_queue_messages", "gauge", "Messages that wait in a queue of Celery.", ("queue",)),
        Measure(
            "lockstep_lock_waits", "counter", "Runs that were skipped since another one held their node.", ("task",)
        ),
        Measure(
            "lockstep_budget_requests_per_minute", "gauge", "Requests to Notion in the last minute, by token.",
            ("budget",),
        ),
        Measure(
            "lockstep_budget_limit_per_minute", "gauge", "Requests to Notion that a token may send in a minute.",
            ("budget",),
        ),
        Measure(
            "lockstep_budget_wait_seconds", "gauge", "Seconds that the requests of the last minute waited in all.",
            ("budget",),
        ),
        Measure("lockstep_budget_pauses", "counter", "Times that Notion asked everybody to wait.", ("budget",)),
        Measure("lockstep_plans_waiting", "gauge", "Halted plans that wait for a person.", ("task",)),
        Measure(
            "lockstep_login_expires_timestamp_seconds", "gauge", "When a token expires, where its service says so.",
            ("task", "side"),
        ),
        Measure("lockstep_alarm", "gauge", "1 for each state that is so now.", ("kind", "task", "severity")),
        Measure("lockstep_schedule_overbooked", "gauge", "Whether more runs are due than are made."),
        Measure("lockstep_schedule_due_runs_per_second", "gauge", "Runs that are due by the periods of all tasks."),
        Measure("lockstep_schedule_made_runs_per_second", "gauge", "Runs that are made of them."),
        Measure("lockstep_schedule_late_tasks", "gauge", "Tasks that still waited when they were due again."),
        Measure(
            "lockstep_task_turns_left_out", "gauge",
            "Turns in a row that a task missed, since its last one still waited in the queue.", ("task",),
        ),
        Measure("lockstep_loop_holds", "counter", "Times that a task's coroutine blocked its worker.", ("task",)),
        Measure(
            "lockstep_loop_held_seconds", "counter", "Seconds for which a worker stood still by that.", ("task",)
        ),
    )
}  # fmt: skip

Family = CounterMetricFamily | GaugeMetricFamily


def family(name: str) -> Family:
    """An empty counter or gauge of the catalogue."""
    measure = CATALOGUE[name]
    if measure.type == "counter":
        return CounterMetricFamily(name, measure.told, labels=measure.labels)
    return GaugeMetricFamily(name, measure.told, labels=measure.labels)


def histogram(name: str) -> HistogramMetricFamily:
    """An empty histogram of the catalogue."""
    measure = CATALOGUE[name]
    return HistogramMetricFamily(name, measure.told, labels=measure.labels)


def page() -> str:
    """The table of all metrics, as `docs/monitoring.md` has it."""
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for measure in sorted(CATALOGUE.values(), key=lambda each: each.printed):
        labels = ", ".join(f"`{label}`" for label in measure.labels)
        lines.append(f"| `{measure.printed}` | {measure.type} | {labels} | {measure.told} |")
    return "\n".join(lines) + "\n"
