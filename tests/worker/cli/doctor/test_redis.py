"""What is said of a Redis: by its facts, and by real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config import Settings
from worker.cli.doctor.checks.redis import redis_findings
from worker.cli.doctor.facts.redis import RedisFacts, redis_facts
from worker.cli.doctor.finding import Finding, State, worst
from worker.machine.redis_server import RedisServer, free_port
from worker.redis_client import connect_url
from worker.telling.exit_codes import ExitCode

WELL = RedisFacts(
    address="redis.example:6379",
    version="7.2.4",
    role="master",
    informs=True,
    policy="noeviction",
    appends=True,
    ahead=0.1,
    is_local=False,
)


def found(facts: RedisFacts) -> dict[str, Finding]:
    made = list(redis_findings(facts))
    assert all(one.mend for one in made if one.state is State.WARNING)
    assert len({one.check for one in made}) == len(made), "each check says one thing"
    return {one.check: one for one in made}


def test_one_that_is_as_it_should_be() -> None:
    told = found(WELL)
    assert {one.state for one in told.values()} == {State.OK}
    assert set(told) == {"redis", "redis-writes", "redis-eviction", "redis-persistence"}
    assert told["redis"].text == "Redis 7.2.4 answers at redis.example:6379."


@pytest.mark.parametrize(
    ("change", "check", "state", "code", "words"),
    [
        ({"version": "6.0.16"}, "redis", State.FAILED, ExitCode.UNAVAILABLE, "Redis 6.0.16"),
        ({"version": "6.2.0"}, "redis", State.OK, ExitCode.OK, "answers"),
        ({"version": "10.0"}, "redis", State.OK, ExitCode.OK, "answers"),
        ({"version": "", "server": "Valkey"}, "redis", State.OK, ExitCode.OK, "Valkey answers"),
        ({"refusal": "no route"}, "redis", State.FAILED, ExitCode.UNAVAILABLE, "no route"),
        ({"role": "slave"}, "redis-writes", State.FAILED, ExitCode.UNAVAILABLE, "replica"),
        ({"unwritable": "OOM too much"}, "redis-writes", State.FAILED, ExitCode.UNAVAILABLE, "OOM too much"),
        ({"policy": "allkeys-lru", "limit": 9}, "redis-eviction", State.FAILED, ExitCode.USAGE, "allkeys-lru"),
        ({"policy": "allkeys-lru"}, "redis-eviction", State.WARNING, ExitCode.OK, "no limit"),
        ({"used": 89, "limit": 100}, "redis-eviction", State.OK, ExitCode.OK, "noeviction"),
        ({"used": 90, "limit": 100}, "redis-memory", State.WARNING, ExitCode.OK, "90%"),
        ({"appends": False, "snapshots": ""}, "redis-persistence", State.WARNING, ExitCode.OK, "nothing over a"),
        ({"appends": False, "snapshots": "900 1"}, "redis-persistence", State.OK, ExitCode.OK, "900 1"),
        ({"appends": False}, "redis-persistence", State.UNKNOWN, ExitCode.OK, "not known"),
        ({"keeping_failed": True}, "redis-persistence", State.FAILED, ExitCode.UNAVAILABLE, "failed"),
        ({"informs": False}, "redis-persistence", State.UNKNOWN, ExitCode.OK, "may not ask"),
        ({"informs": False, "policy": ""}, "redis-eviction", State.UNKNOWN, ExitCode.OK, "may not ask"),
        ({"ahead": 31.0}, "clock", State.WARNING, ExitCode.OK, "31 s ahead of"),
        ({"ahead": -31.0}, "clock", State.WARNING, ExitCode.OK, "31 s behind"),
        ({"has_password": False}, "redis-access", State.WARNING, ExitCode.OK, "no password"),
    ],
)  # fmt: skip
def test_each_fact(change: dict[str, object], check: str, state: State, code: ExitCode, words: str) -> None:
    told = found(replace(WELL, **change))  # type: ignore[arg-type]
    assert (told[check].state, worst(told.values())) == (state, code)
    assert words in told[check].text
    if state is State.FAILED:
        assert told[check].mend


def test_where_there_is_none() -> None:
    assert found(RedisFacts())["redis"].state is State.OK
    told = found(RedisFacts(refusal="no Redis server found: install one"))
    assert worst(told.values()) is ExitCode.UNAVAILABLE


def looked(url: str) -> dict[str, Finding]:
    return found(redis_facts(Settings(redis_url=url)))  # type: ignore[arg-type]


def test_a_server_of_ours_is_well(shared_redis: RedisServer) -> None:
    told = looked(shared_redis.url)
    assert {one.state for one in told.values()} == {State.OK}
    assert shared_redis.url.split("@")[0] not in str(told)


def test_one_that_throws_away_and_keeps_nothing(own_redis: RedisServer) -> None:
    with connect_url(own_redis.url) as client:
        for name, value in (
            ("maxmemory", "1gb"),
            ("maxmemory-policy", "allkeys-lru"),
            ("appendonly", "no"),
            ("save", ""),
        ):
            client.config_set(name, value)
        told = looked(own_redis.url)
        assert told["redis-eviction"].state is State.FAILED
        assert "keeps nothing over a restart" in told["redis-persistence"].text
        client.config_set("save", "900 1")
        assert told.keys() == looked(own_redis.url).keys()
        assert looked(own_redis.url)["redis-persistence"].state is State.OK
        client.config_set("maxmemory", "1000")
        client.config_set("maxmemory-policy", "noeviction")
        told = looked(own_redis.url)
        assert told["redis-writes"].state is State.FAILED
        assert told["redis-memory"].state is State.WARNING


def test_a_user_of_few_rights(own_redis: RedisServer) -> None:
    rights = "-@all +@read +@write +@scripting +@connection +select +time -@dangerous"
    with connect_url(own_redis.url) as client:
        for name, keys in (("sync", "~lockstep:*"), ("other", "~other:*")):
            client.execute_command("ACL", "SETUSER", name, "on", ">pass", keys, *rights.split())  # type: ignore[no-untyped-call]
    told = looked(f"redis://sync:pass@{own_redis.address}/0")
    assert told["redis"].text == looked(own_redis.url)["redis"].text, "the version is told to everybody"
    assert {check for check, one in told.items() if one.state is State.UNKNOWN} == {
        "redis-eviction",
        "redis-persistence",
    }
    assert worst(told.values()) is ExitCode.OK
    with connect_url(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "sync", "+info", "+config|get")  # type: ignore[no-untyped-call]
        client.config_set("appendonly", "no")
    told = looked(f"redis://sync:pass@{own_redis.address}/0")
    assert State.UNKNOWN not in {one.state for one in told.values()}, "as the page says"
    refused = looked(f"redis://other:pass@{own_redis.address}/0")["redis-writes"]
    assert (refused.state, "ACL SETUSER" in refused.mend) == (State.FAILED, True)
    wrong = looked(f"redis://sync:wrong@{own_redis.address}/0")
    assert list(wrong) == ["redis"]
    assert "wrong" not in wrong["redis"].text.replace("WRONGPASS", "")


def test_one_that_is_away() -> None:
    told = looked(f"redis://127.0.0.1:{free_port()}/0")
    assert list(told) == ["redis"]
    assert told["redis"].state is State.FAILED
