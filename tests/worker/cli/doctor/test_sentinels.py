"""What is said of those who watch a Redis: by their facts, and by real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config import load_settings
from tests.harness import free_port
from tests.harness.sentinels import Watched
from worker.cli.doctor.checks.redis import redis_findings
from worker.cli.doctor.checks.sentinels import sentinel_findings
from worker.cli.doctor.facts.redis import redis_facts
from worker.cli.doctor.facts.sentinels import SentinelFacts
from worker.cli.doctor.finding import State

WELL = SentinelFacts(service="main", asked=3, primaries=("10.0.0.1:6379",), sentinels=3, replicas=1)


@pytest.mark.parametrize(
    ("facts", "check", "state", "words"),
    [
        (WELL, "redis-sentinels", State.OK, "3 sentinels watch main, which is 10.0.0.1:6379"),
        (
            replace(WELL, silent=("h3:26379 (no route)",)),
            "redis-sentinels",
            State.WARNING,
            "1 of 3 sentinels do not say where main is: h3:26379 (no route)",
        ),
        (
            replace(WELL, primaries=("a:1", "b:1")),
            "redis-sentinels",
            State.WARNING,
            "disagree about where main is: a:1, b:1",
        ),
        (replace(WELL, sentinels=2), "redis-sentinels", State.WARNING, "no majority"),
        (replace(WELL, replicas=0), "redis-replicas", State.WARNING, "no replica"),
    ],
)
def test_each_fact(facts: SentinelFacts, check: str, state: State, words: str) -> None:
    told = {one.check: one for one in sentinel_findings(facts)}
    assert told[check].state is state
    assert words in told[check].text
    assert state is State.OK or told[check].mend


def test_of_a_server_that_nobody_watches_nothing_is_said() -> None:
    assert not list(sentinel_findings(None))


@pytest.mark.processes
def test_real_ones(tmp_path: Path) -> None:
    with Watched(tmp_path, sentinels=3, password="asked-for") as watched:
        told = {one.check: one for one in redis_findings(redis_facts(load_settings(redis_url=watched.url)))}
        assert told["redis-sentinels"].text.startswith("3 sentinels watch mymaster")
        assert "redis-replicas" not in told
        assert told["redis-writes"].state is State.OK
        assert "redis-access" not in told

        nobody = free_port()
        url = watched.url.replace("127.0.0.1:", f"127.0.0.1:{nobody},127.0.0.1:", 1)
        told = {one.check: one for one in redis_findings(redis_facts(load_settings(redis_url=url)))}
        assert (
            f"1 of 4 sentinels do not say where mymaster is: 127.0.0.1:{nobody}"
            in told["redis-sentinels"].text
        )
        assert told["redis"].state is State.OK

        unknown = watched.url.replace("service=mymaster", "service=other")
        facts = redis_facts(load_settings(redis_url=unknown))
        told = {one.check: one for one in redis_findings(facts)}
        assert "it knows no other" in told["redis-sentinels"].text
        assert told["redis"].state is State.FAILED
        assert watched.primary.password not in facts.refusal
