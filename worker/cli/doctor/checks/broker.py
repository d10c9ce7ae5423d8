"""Whether a RabbitMQ is one that Lockstep can work with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.broker.queue import DEFAULT
from worker.cli.doctor.facts.broker import BrokerFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode

#: The oldest version that was tried.
OLDEST = (3, 10)

_BROKER = About("RabbitMQ")


def broker_findings(facts: BrokerFacts) -> Iterator[Finding]:
    """What is to be said of it."""
    if facts.refusal:
        text, _, mend = facts.refusal.partition(": correct " if facts.refused else "; ")
        code = ExitCode.USAGE if facts.refused else ExitCode.UNAVAILABLE
        yield _BROKER.failed(
            "rabbitmq",
            text + ".",
            f"Correct {mend}" if facts.refused else "Start it, or correct LOCKSTEP_BROKER_URL",
            code,
        )
        return
    numbers = tuple(int(part) for part in re.findall(r"\d+", facts.server)[:2])
    if numbers and numbers < OLDEST:
        yield _BROKER.warning(
            "rabbitmq",
            f"{facts.server} answers at {facts.address}; it is older than what was tried.",
            "Install RabbitMQ 3.10 or newer",
        )
    else:
        yield _BROKER.ok("rabbitmq", f"{facts.server} answers at {facts.address}.")
    yield _queue(facts)
    if not facts.encrypted and not facts.is_local:
        yield _BROKER.warning(
            "rabbitmq-encryption",
            "The password goes there as it is: the connection is not encrypted.",
            "Let LOCKSTEP_BROKER_URL begin with amqps://, unless the network between is your own",
        )


def _queue(facts: BrokerFacts) -> Finding:
    if not facts.exists:
        return _BROKER.ok(
            "rabbitmq-queue", f"There is no queue {DEFAULT} yet: the first worker or beat makes it."
        )
    waits = "1 message waits" if facts.messages == 1 else f"{facts.messages} messages wait"
    takes = "1 worker takes" if facts.consumers == 1 else f"{facts.consumers} workers take"
    if not facts.durable:
        return _BROKER.failed(
            "rabbitmq-queue",
            f"The queue {DEFAULT} does not outlive a restart of the server: somebody has made it so.",
            f"Delete it (rabbitmqctl delete_queue {DEFAULT}); a worker makes it anew",
            ExitCode.UNAVAILABLE,
        )
    return _BROKER.ok(
        "rabbitmq-queue", f"The queue {DEFAULT} is durable; {waits} in it, and {takes} from it."
    )
