"""All metrics, read when somebody asks, at most once in some seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.registry import Collector

from config import Settings
from tasks.clock import boot_seconds
from tasks.scheduled import PRUNE, Scheduled
from worker.alarms import Facts, Limits, judge
from worker.alarms.evaluator import limits_of
from worker.errors import StoreError
from worker.metrics.catalogue import Family, family, histogram
from worker.metrics.schedule import schedule_metrics
from worker.schedule.overbooking import periods_of
from worker.standing import State, Status
from worker.store.tables.tallies import BUCKETS, Tally

log = logging.getLogger(__name__)

#: Seconds for which an answer is given again, so that nobody wears out the database by asking.
KEPT = 5.0


class Metrics(Collector):
    """Reads what is known, and gives it Prometheus' form. What is not known is left out, and `lockstep_up` says so."""

    def __init__(
        self,
        settings: Settings,
        tasks: Callable[[], Mapping[str, Scheduled]],
        gather: Callable[[], Facts],
        tallies: Callable[[], Mapping[str, Tally]],
        depths: Callable[[Status], Mapping[str, int]],
        *,
        kept: float = KEPT,
    ) -> None:
        """`tasks` gives those that are defined now, `gather` the facts, `tallies` what was counted, `depths` the
        messages that wait in each queue.
        """
        self._limits = limits_of(settings)
        self._has_broker = settings.broker_url is not None
        self._tasks = tasks
        self._gather, self._tallies, self._depths = gather, tallies, depths
        self._kept = kept
        self._guard = threading.Lock()
        self._last: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Nothing: to be registered must take neither database nor Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        with self._guard:
            if self._last is None or boot_seconds() - self._last[0] > self._kept:
                self._last = boot_seconds(), list(self._made())
            yield from self._last[1]

    def _made(self) -> Iterator[Metric]:
        facts = self._gather()
        present = facts.status.present if facts.status is not None else None
        up = family("lockstep_up")
        up.add_metric(["database"], float(facts.status is not None and facts.refusal is None))
        if present is not None:
            up.add_metric(["redis"], float(present.trouble is None))
        if facts.status is not None and self._has_broker:
            up.add_metric(["rabbitmq"], float(facts.status.broker is None))
        yield up
        yield _alarms(facts, self._limits)
        if facts.status is None:
            return
        tasks = self._tasks()
        try:
            yield from _history(self._tallies(), frozenset(tasks))
        except StoreError as error:
            log.warning("What was counted of runs cannot be read: %s", error)
        yield from _of_tasks(facts)
        if present is not None and present.signs is not None:
            yield from _of_redis(facts, self._depths(facts.status))
            yield from schedule_metrics(present.left_out, present.holds, periods_of(tasks.values()), tasks)


def _alarms(facts: Facts, limits: Limits) -> Metric:
    told = family("lockstep_alarm")
    for alarm in judge(facts, limits).alarms.values():
        told.add_metric([alarm.kind, alarm.task or "", alarm.severity], 1)
    return told


def _history(tallies: Mapping[str, Tally], tasks: frozenset[str]) -> Iterator[Metric]:
    names = ("lockstep_runs", "lockstep_items", "lockstep_conflicts", "lockstep_lock_waits")
    runs, items, conflicts, waits = map(family, names)
    duration = histogram("lockstep_run_duration_seconds")
    for task, tally in sorted(tallies.items()):
        if task not in tasks and task != PRUNE:
            continue
        for status, number in sorted(tally.runs.items()):
            runs.add_metric([task, status], number)
        for action, number in sorted(tally.items.items()):
            items.add_metric([task, action], number)
        conflicts.add_metric([task], tally.conflicts)
        waits.add_metric([task], tally.busy)
        duration.add_metric([task], _buckets(tally), tally.seconds)
    yield from (runs, items, conflicts, waits, duration)


def _buckets(tally: Tally) -> list[tuple[str, float]]:
    """How many took no longer than each bound; the last one counts all."""
    made, so_far = [], 0
    for place, bound in enumerate((*map(str, BUCKETS), "+Inf")):
        so_far += tally.slots.get(place, 0)
        made.append((bound, float(so_far)))
    return made


def _of_tasks(facts: Facts) -> Iterator[Metric]:
    made: dict[str, Family] = {}

    def add(name: str, labels: list[str], value: float) -> None:
        made.setdefault(name, family(name)).add_metric(labels, value)

    for row in facts.status.rows if facts.status is not None else ():
        task = row.standing.name
        for state in State:
            add("lockstep_task_state", [task, state], float(row.state is state))
        add("lockstep_task_running", [task], float(row.standing.running))
        add("lockstep_links", [task], row.links)
        add("lockstep_ledger_entries", [task], row.conflicts)
        add("lockstep_held_objects", [task], row.held)
        add("lockstep_quarantined_objects", [task], row.quarantined)
        if row.standing.schedule.every is not None:
            add("lockstep_task_period_seconds", [task], row.standing.schedule.every.total_seconds())
        if row.lag is not None:
            add("lockstep_task_lag_seconds", [task], row.lag.total_seconds())
        success = row.standing.succeeded
        if success is not None and success.finished_at is not None:
            ended = success.finished_at
            add("lockstep_task_last_success_timestamp_seconds", [task], ended.timestamp())
            add(
                "lockstep_task_last_success_age_seconds",
                [task],
                max((facts.now - ended).total_seconds(), 0.0),
            )
    for plan in facts.plans:
        add("lockstep_plans_waiting", [plan.task], 1)
    yield from made.values()


def _of_redis(facts: Facts, depths: Mapping[str, int]) -> Iterator[Metric]:
    assert facts.status is not None  # noqa: S101  looked at by the caller
    present = facts.status.present
    signs = present.signs
    assert signs is not None  # noqa: S101  the same
    ready = signs.ready_workers
    for name, value in (
        ("lockstep_schedulers", len(signs.living_schedulers)),
        ("lockstep_workers", len(ready)),
        ("lockstep_worker_slots", sum(sign.concurrency for sign in ready)),
    ):
        one = family(name)
        one.add_metric([], value)
        yield one
    queue = family("lockstep_queue_messages")
    for name, depth in depths.items():
        queue.add_metric([name], depth)
    yield queue
    names = ("requests_per_minute", "limit_per_minute", "wait_seconds", "pauses")
    requests, limit, wait, pauses = (family(f"lockstep_budget_{name}") for name in names)
    for budget in present.budgets:
        label = [budget.name[:8]]
        requests.add_metric(label, budget.requests)
        limit.add_metric(label, 60 * budget.rate)
        wait.add_metric(label, budget.waited)
        pauses.add_metric(label, budget.pauses)
    yield from (requests, limit, wait, pauses)
    expires = family("lockstep_login_expires_timestamp_seconds")
    for login in facts.logins:
        expires.add_metric([login.task, login.side], login.expires.timestamp())
    yield expires
