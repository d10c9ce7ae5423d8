"""What a RabbitMQ server tells of itself and of the queue."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from config import Settings, SettingsError
from worker.broker.amqp_server import AmqpServer
from worker.broker.queue import DEFAULT
from worker.errors import BrokerUnavailableError
from worker.web.hosts import is_here


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """What is known of it."""

    #: Where it is, without user and password.
    address: str
    #: Why it cannot be used; then nothing else is known. `refused`: it answers, and lets nobody in by this login.
    refusal: str = ""
    refused: bool = False
    #: Its name and version.
    server: str = ""
    #: Whether there is a queue already, whether a restart leaves it there, what waits in it and who takes from it.
    exists: bool = False
    durable: bool = True
    messages: int = 0
    consumers: int = 0
    #: Whether the connection is encrypted, and whether it leads to this machine.
    encrypted: bool = False
    is_local: bool = True


def broker_facts(settings: Settings) -> BrokerFacts:
    """What can be known of the RabbitMQ of these settings. No message is touched."""
    with closing(AmqpServer(settings)) as asked:
        where = asked.at.shown
        try:
            server = asked.version()
            found = asked.state(DEFAULT)
            durable = found is None or asked.is_durable(DEFAULT)
        except SettingsError as error:
            return BrokerFacts(address=where, refusal=str(error), refused=True)
        except BrokerUnavailableError as error:
            return BrokerFacts(address=where, refusal=str(error))
        return BrokerFacts(
            address=where,
            server=server,
            exists=found is not None,
            durable=durable,
            messages=0 if found is None else found.messages,
            consumers=0 if found is None else found.consumers,
            encrypted=asked.at.encrypted,
            is_local=is_here(asked.at.host),
        )
