from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config import load_settings
from config.celery import celery_settings, flower_environment, prefork_settings
from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec
from worker.schedule.entries import beat_schedule, celery_name


@pytest.fixture
def tasks(tmp_path: Path) -> list[ProbeTask]:
    def task(name: str) -> ProbeTask:
        return ProbeTask(ProbeSpec(name), tmp_path)

    return [
        task("hourly").run_every(hours=1),
        task("thrice").run_every(seconds=5).in_total(3),
        task("once").run_once(),
        task("plain"),
        task("twice").in_total(2),
    ]


def test_every_task_becomes_an_entry(tasks: list[ProbeTask]) -> None:
    found = {
        name: (entry["task"], entry["schedule"].run_every, entry["total"], entry["periodic"])
        for name, entry in beat_schedule(tasks, retry_seconds=30).items()
    }
    retry = timedelta(seconds=30)
    assert found == {
        "hourly": ("sync.hourly", timedelta(hours=1), None, True),
        "thrice": ("sync.thrice", timedelta(seconds=5), 3, True),
        "once": ("sync.once", retry, 1, False),
        "plain": ("sync.plain", retry, 1, False),
        "twice": ("sync.twice", retry, 2, False),
    }


def test_no_message_expires(tasks: list[ProbeTask]) -> None:
    entries = beat_schedule(tasks, retry_seconds=30)
    assert not any("expires" in entry.get("options", {}) for entry in entries.values())


def test_a_celery_task_is_named_after_its_sync() -> None:
    assert celery_name("to-dos") == "sync.to-dos"


def test_nothing_but_json_is_accepted() -> None:
    found = celery_settings(load_settings(redis_url="redis://localhost/0"))
    assert found["accept_content"] == ["json"]
    assert {found[f"{what}_serializer"] for what in ("task", "result", "event")} == {"json"}


def test_messages_stay_out_of_other_hands_longer_than_any_run() -> None:
    found = celery_settings(
        load_settings(redis_url="redis://localhost/0", soft_time_limit=80_000, time_limit=90_000)
    )
    timeouts = {
        found["visibility_timeout"],
        found["broker_transport_options"]["visibility_timeout"],
        found["result_backend_transport_options"]["visibility_timeout"],
    }
    assert timeouts == {180_000}


@pytest.mark.parametrize(("verify", "mode"), [(True, "required"), (False, "none")])
def test_an_encrypted_redis_is_verified_unless_told_otherwise(verify: bool, mode: str) -> None:
    found = celery_settings(load_settings(redis_url="rediss://localhost/0", redis_verify=verify))
    assert found["broker_url"] == found["result_backend"] == f"rediss://localhost/0?ssl_cert_reqs={mode}"


def test_prefork_does_not_start_a_process_per_thread() -> None:
    settings = load_settings(redis_url="redis://localhost/0")
    assert celery_settings(settings)["worker_concurrency"] == 32
    assert prefork_settings(settings)["worker_concurrency"] is None
    assert prefork_settings(load_settings(worker_concurrency=3))["worker_concurrency"] == 3


def test_flower_gets_its_password() -> None:
    assert "FLOWER_BASIC_AUTH" not in flower_environment(load_settings())
    assert flower_environment(load_settings(flower_basic_auth="me:word"))["FLOWER_BASIC_AUTH"] == "me:word"
