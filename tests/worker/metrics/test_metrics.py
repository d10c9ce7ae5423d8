"""What `/metrics` prints: by convention, monotone over restarts and pruning, and all that rules and panels name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import redis
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config import load_settings
from tests.harness.stores import new_store
from tests.worker.web.conftest import DATA_SOURCE, probe, serve_app
from worker.alarms.logins import Logins
from worker.machine.redis_server import RedisServer
from worker.metrics import CATALOGUE
from worker.metrics.catalogue import page
from worker.redis_client import connect_url
from worker.signs import SCHEDULER, WORKER, Life
from worker.store import RunRecord, Store
from worker.store.retention import Retention, prune
from worker.web.application import make_app
from worker.web.metrics import metrics
from worker.web.resources import Resources

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy/monitoring"
NOW = datetime.now(UTC)
TOKEN = "a-token-that-nobody-guesses-1"


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(shared_redis.url) as connected:
        connected.flushall()
        yield connected


def run(
    status: str = "succeeded", *, ago: timedelta = timedelta(0), seconds: float = 2, **more: Any
) -> RunRecord:
    started = datetime.now(UTC) - ago
    return RunRecord(
        run_id=uuid.uuid4().hex, task="rows", status=status, started_at=started,
        finished_at=started + timedelta(seconds=seconds), message_id=uuid.uuid4().hex, **more,
    )  # fmt: skip


def made(store: Store, record: RunRecord) -> None:
    """A run from its begin to its end, as a session enters it."""
    assert store.runs.start(replace(record, status="running", finished_at=None), None) is None
    store.runs.finish(record)


class Served:
    """A web process with `/metrics`, on a database that stays."""

    def __init__(self, stack: ExitStack, directory: Path, redis_server: RedisServer, **more: Any) -> None:
        self.store = new_store(directory / "lockstep.db")
        settings = load_settings(redis_url=redis_server.url, **more)
        task = probe(directory, "rows", DATA_SOURCE, every=3600)
        with connect_url(redis_server.url) as client:
            resources = Resources(settings, client, self.store, {"rows": task}, lambda *_: None)
            self.url = serve_app(make_app(resources, [metrics]), stack)

    def get(self, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}/metrics", headers=headers, timeout=30, trust_env=False)

    def values(self) -> dict[str, float]:
        found = {}
        for family in text_string_to_metric_families(self.get().text):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return found


def test_numbers_come_from_the_store_and_outlive_restarts_and_pruning(
    tmp_path: Path, shared_redis: RedisServer, client: redis.Redis
) -> None:
    beat, worker = (
        Life(SCHEDULER, client, tasks={}),
        Life(WORKER, client, tasks={}, tell=lambda: {"concurrency": 4, "queues": ["celery"]}),
    )
    beat.give()
    worker.give()
    client.rpush("celery", "one", "two")
    Logins(client).keep("rows", {"GitHub": NOW + timedelta(days=3)})
    old = timedelta(days=90)
    with ExitStack() as stack:
        first = Served(stack, tmp_path, shared_redis)
        made(first.store, run(ago=old, seconds=0.2, counts={"left_created": 3, "in_step": 9}))
        made(first.store, run("failed", ago=old - timedelta(days=1), seconds=45, reason="no calendar"))
        first.store.runs.enter(run("skipped", ago=old, reason="node 'rows' is busy: session x"))
        made(first.store, run(ago=timedelta(minutes=1), counts={"right_updated": 2, "conflicts": 1}))
        before = first.values()
        kept = Retention(*(timedelta(days=1),) * 5)
        assert sum(sum(step.values()) for step in prune(first.store, kept, NOW)) >= 2
    with ExitStack() as stack:
        second = Served(stack, tmp_path, shared_redis)
        after = second.values()
        assert {
            name: value for name, value in after.items()
            if name in before and ("_total" in name or "_bucket" in name) and value < before[name]
        } == {}  # fmt: skip
        expected = {
            "lockstep_runs_total{result=succeeded,task=rows}": 2,
            "lockstep_runs_total{result=failed,task=rows}": 1,
            "lockstep_runs_total{result=skipped,task=rows}": 1,
            "lockstep_lock_waits_total{task=rows}": 1,
            "lockstep_items_total{action=left_created,task=rows}": 3,
            "lockstep_items_total{action=right_updated,task=rows}": 2,
            "lockstep_conflicts_total{task=rows}": 1,
            "lockstep_run_duration_seconds_bucket{le=0.5,task=rows}": 1,
            "lockstep_run_duration_seconds_bucket{le=2.5,task=rows}": 2,
            "lockstep_run_duration_seconds_bucket{le=+Inf,task=rows}": 3,
            "lockstep_run_duration_seconds_count{task=rows}": 3,
            "lockstep_queue_messages{queue=celery}": 2,
            "lockstep_schedulers": 1,
            "lockstep_workers": 1,
            "lockstep_worker_slots": 4,
            "lockstep_up{part=database}": 1,
            "lockstep_up{part=redis}": 1,
            "lockstep_task_state{state=synced,task=rows}": 1,
            "lockstep_alarm{kind=login,severity=warning,task=rows}": 1,
            "lockstep_login_expires_timestamp_seconds{side=GitHub,task=rows}": pytest.approx(
                (NOW + timedelta(days=3)).timestamp()
            ),
        }
        assert {name: after.get(name) for name in expected} == expected
        assert after["lockstep_run_duration_seconds_sum{task=rows}"] == pytest.approx(47.2)
        assert 0 < after["lockstep_task_last_success_age_seconds{task=rows}"] < 3600


def test_who_may_read_them(tmp_path: Path, shared_redis: RedisServer, client: redis.Redis) -> None:
    with ExitStack() as stack:
        closed = Served(stack, tmp_path, shared_redis, metrics_token=TOKEN)
        assert closed.get().status_code == 401
        assert closed.get(Authorization="Bearer no").status_code == 401
        assert closed.get(Authorization=f"Bearer {TOKEN}").status_code == 200
    with ExitStack() as stack:
        here = Served(stack, tmp_path, shared_redis)
        assert here.get().status_code == 200
        assert here.get(Host="rebound.example").status_code == 403
        assert here.get(**{"X-Forwarded-For": "203.0.113.9"}).status_code == 403


def test_what_is_away_is_told_and_nothing_fails(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server, ExitStack() as stack:
        served = Served(stack, tmp_path, server)
        server.stop()
        found = served.values()
        assert found["lockstep_up{part=redis}"] == 0
        assert found["lockstep_alarm{kind=redis,severity=critical,task=}"] == 1


def test_names_are_by_convention() -> None:
    for measure in CATALOGUE.values():
        assert re.fullmatch(r"lockstep_[a-z][a-z_]*", measure.name)
        assert measure.type in {"counter", "gauge", "histogram"}
        assert not measure.name.endswith(("_total", "_count", "_sum", "_bucket", "_milliseconds", "_minutes"))
        assert measure.told.endswith(".")


def printed() -> dict[str, set[str]]:
    """Every name that is printed, with its labels."""
    found: dict[str, set[str]] = {}
    for measure in CATALOGUE.values():
        labels = {*measure.labels}
        if measure.type == "histogram":
            found |= {f"{measure.name}_{end}": labels | {"le"} for end in ("bucket", "sum", "count")}
        else:
            found[measure.printed] = labels
    return found


def selectors(expression: Any) -> Iterator[tuple[str, set[str]]]:
    """Names of metrics in an expression, with the labels that are looked at."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression.name, {matcher.name for matcher in expression.matchers.matchers}
    for part in ("lhs", "rhs", "expr", "args", "vector_selector", "vs", "param"):
        value = getattr(expression, part, None)
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                yield from selectors(each)


RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"].replace("$__rate_interval", "5m").replace("$task", ".*")
    for panel in PANELS for target in panel["targets"]
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_rule_and_panel_reads_what_is_printed(text: str) -> None:
    found = list(selectors(promql_parser.parse(text)))
    named = set(re.findall(r"lockstep_\w+", text))
    assert named
    assert {name for name, _ in found} == named, "all selectors were seen"
    known = printed()
    for name, labels in found:
        assert labels <= known[name], f"{name} has no labels {labels - known[name]}"


def test_rules_speak_of_labels_that_there_are() -> None:
    for rule in RULES:
        used = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        names = set(re.findall(r"lockstep_\w+", rule["expr"]))
        assert all(used <= printed()[name] for name in names), rule["alert"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_rules() -> None:
    for kind, name in (("rules", "rules.yml"), ("config", "prometheus.yml")):
        subprocess.run(["promtool", "check", kind, name], cwd=MONITORING, check=True, capture_output=True)


def test_the_page_has_the_table_of_metrics() -> None:
    assert page() in (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
