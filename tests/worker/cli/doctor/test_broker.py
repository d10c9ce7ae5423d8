"""What is said of a RabbitMQ, by its facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from worker.cli.doctor.checks.broker import broker_findings
from worker.cli.doctor.facts.broker import BrokerFacts
from worker.cli.doctor.finding import State, worst
from worker.telling.exit_codes import ExitCode

WELL = BrokerFacts(address="rabbit:5672", server="RabbitMQ 3.10.8", exists=True, messages=2, consumers=1)


def test_one_that_is_as_it_should_be() -> None:
    first, second = broker_findings(WELL)
    assert first.text == "RabbitMQ 3.10.8 answers at rabbit:5672."
    assert second.text == "The queue celery is durable; 2 messages wait in it, and 1 worker takes from it."
    assert {first.state, second.state} == {State.OK}


@pytest.mark.parametrize(
    ("change", "check", "state", "code", "words"),
    [
        ({"refusal": "It is away; is it?"}, "rabbitmq", State.FAILED, ExitCode.UNAVAILABLE, "It is away."),
        ({"refusal": "It refuses 'x': correct it", "refused": True}, "rabbitmq", State.FAILED, ExitCode.USAGE, "'x'."),
        ({"server": "RabbitMQ 3.9.1"}, "rabbitmq", State.WARNING, ExitCode.OK, "older"),
        ({"server": "RabbitMQ 4.1.0"}, "rabbitmq", State.OK, ExitCode.OK, "4.1.0 answers"),
        ({"exists": False}, "rabbitmq-queue", State.OK, ExitCode.OK, "no queue"),
        ({"durable": False}, "rabbitmq-queue", State.FAILED, ExitCode.UNAVAILABLE, "not outlive"),
        ({"is_local": False}, "rabbitmq-encryption", State.WARNING, ExitCode.OK, "not encrypted"),
    ],
)  # fmt: skip
def test_each_fact(change: dict[str, object], check: str, state: State, code: ExitCode, words: str) -> None:
    told = {one.check: one for one in broker_findings(replace(WELL, **change))}  # type: ignore[arg-type]
    assert (told[check].state, worst(told.values())) == (state, code)
    assert words in told[check].text
    assert bool(told[check].mend) is (state is not State.OK)


def test_an_encrypted_one_elsewhere_is_fine() -> None:
    told = broker_findings(replace(WELL, encrypted=True, is_local=False))
    assert {one.state for one in told} == {State.OK}
