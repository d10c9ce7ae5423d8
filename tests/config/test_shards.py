"""Tasks divided among several Redis servers by their names, and the settings for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from config import Settings, SettingsError, load_settings, shards
from config.celery import celery_settings
from config.redaction import redactor_for

HOME = "redis://first:6379/0"
NAMES = [f"task {number}" for number in range(3000)]


def divided(further: str = "redis://second:6379/0,redis://third:6379/1", **values: object) -> Settings:
    return load_settings(redis_url=HOME, redis_shards=further, **values)


def url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return settings.redis_url.get_secret_value()


def test_a_task_belongs_to_the_same_server_in_every_version() -> None:
    """Written down: a task that changes its place by an update would leave its messages and its lock behind."""
    assert [shards.shard_of(name, 4) for name in ("to-dos", "milk", "Ü", "lockstep.prune")] == [3, 0, 3, 2]


@given(st.text(), st.integers(1, 9))
def test_a_further_server_takes_tasks_over_and_moves_no_other(name: str, servers: int) -> None:
    assert shards.shard_of(name, servers + 1) in {shards.shard_of(name, servers), servers}


@pytest.mark.parametrize("servers", [2, 5, 16])
def test_each_server_gets_its_share(servers: int) -> None:
    found = Counter(shards.shard_of(name, servers) for name in NAMES)
    assert len(found) == servers
    share = len(NAMES) / servers
    assert all(abs(many - share) < 0.3 * share for many in found.values())


def test_the_servers_in_their_order(bare_environment: Path) -> None:
    settings = divided("redis://second:6379/0,  unix:///run/third.sock")
    assert [url(place) for place in shards.all_of(settings)] == [
        HOME,
        "redis://second:6379/0",
        "unix:///run/third.sock",
    ]
    name = next(name for name in NAMES if shards.shard_of(name, 3) == 1)
    place = shards.of_task(settings, name)
    assert url(place) == "redis://second:6379/0"
    assert celery_settings(place)["broker_url"] == "redis://second:6379/0"
    # It is an installation with that server alone.
    assert shards.count(place) == 1
    assert shards.of_task(place, "another") is place
    assert url(settings) == HOME


def test_with_one_server_all_stays_as_it_is(bare_environment: Path) -> None:
    settings = load_settings(redis_url=HOME, shard=0)
    assert shards.all_of(settings) == [settings]
    assert shards.number_of(settings) is None
    assert shards.served(settings) is settings


def test_a_process_serves_the_server_that_is_named(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", HOME)
    monkeypatch.setenv("LOCKSTEP_REDIS_SHARDS", "redis://second:6379/0, redis://third:6379/0")
    with pytest.raises(SettingsError, match=r"LOCKSTEP_SHARD is not set: .* 3 Redis servers.* or to 1 to 2"):
        shards.served(load_settings())
    monkeypatch.setenv("LOCKSTEP_SHARD", "2")
    settings = load_settings()
    assert url(shards.served(settings)) == "redis://third:6379/0"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"redis_shards": "redis://second:6379/0"}, "LOCKSTEP_REDIS_SHARDS is set without REDIS_URL"),
        ({"redis_url": HOME, "redis_shards": f"redis://second:6379/0,{HOME}"}, "names a server twice"),
        ({"redis_url": HOME, "redis_shards": "http://second"}, r"LOCKSTEP_REDIS_SHARDS begins with http://"),
        (
            {"redis_url": HOME, "redis_shards": "redis://second:6379/0", "shard": 2},
            "LOCKSTEP_SHARD is 2, .*: use 0 to 1",
        ),
        ({"redis_url": HOME, "shard": 1}, "LOCKSTEP_SHARD is 1, .*: set LOCKSTEP_REDIS_SHARDS, too"),
        ({"redis_url": HOME, "shard": -1}, "LOCKSTEP_SHARD is -1: use 0 or more"),
    ],
)
def test_what_does_not_fit_is_refused(bare_environment: Path, values: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(**values)


def test_no_password_of_any_server_is_shown(bare_environment: Path) -> None:
    settings = divided("redis://a:pass-word-one@second:6379/0,redis://b:pass-word-two@third:6379/0")
    assert "pass-word" not in repr(settings) + repr(shards.all_of(settings))
    told = redactor_for(settings).text("no login with pass-word-one or pass-word-two")
    assert "pass-word" not in told
    assert isinstance(shards.of_shard(settings, 2).redis_url, SecretStr)
