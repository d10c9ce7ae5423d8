"""`lockstep up`: everything that one machine needs, until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis

from config import Settings, get_settings
from config.logging import configure_logging
from tasks.registry import load_tasks
from worker.cli.context import HOW_TO_DEFINE, open_store
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError
from worker.cli.machine import publish_redis, sole_use
from worker.cli.output import console, printable, table
from worker.cli.ports import usable_port
from worker.cli.processes import Command, ProcessGroup
from worker.installation import take_over
from worker.redis_client import address, connect, connect_url
from worker.redis_server import RedisServer
from worker.shadowed import shadowed
from worker.store.installation import installation_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that serves pages: where it listens. Port 0 takes a free one."""

    address: str
    port: int

    def usable(self, what: str, mend: str) -> Listener:
        """The same with a port that is free now.

        Raises:
            CommandError: the port is in use, or the address is not one of this machine.
        """
        return replace(self, port=usable_port(self.address, self.port, what=what, mend=mend))

    @property
    def url(self) -> str:
        """For a browser."""
        return f"http://{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"


def up(
    *, flower: Listener | None, web: Listener | None, redis_port: int | None, concurrency: int | None
) -> ExitCode:
    """Start Redis if none is configured, worker, beat and what else is asked for; stay until stopped or one ends."""
    settings = get_settings()
    configure_logging(settings)
    if told := shadowed([str(Path.cwd()), *sys.path]):  # where the processes that are started look
        raise CommandError(told)
    with sole_use(settings), ExitStack() as stack:
        tasks = load_tasks(settings)
        with open_store(
            settings
        ) as store:  # wrong addresses and old tables are told of before anything starts
            installation = installation_of(store)
        if flower:
            flower = flower.usable("Flower", "choose another port with --flower-port, or --no-flower")
        if web:
            web = web.usable("The web process", "choose another port with --web-port")
        url, is_alive = stack.enter_context(_redis(settings, redis_port))
        if settings.redis_url is None:
            with connect_url(url) as client:
                take_over(client, installation)
        commands = _commands(settings, url, concurrency)
        if flower:
            commands.append(_flower(settings, url, flower))
        if web:
            commands.append(_web(url, web))
        rows = [
            ("Tasks", ", ".join(tasks) or f"none yet: {HOW_TO_DEFINE}"),
            ("State", str(settings.state_dir.resolve())),
            ("Redis", _shown_address(settings, url)),
        ]
        if flower:
            rows.append(("Flower", flower.url))
        if web:
            rows.append(("Web", f"{web.url} (/healthz, /webhooks/notion, /nodes)"))
        console().print(table(("Lockstep is up", "Ctrl-C ends it"), rows, folded=("Ctrl-C ends it",)))
        sys.stdout.flush()
        group = ProcessGroup(commands, prefix=settings.log_format == "text")
        ended = asyncio.run(_supervise(group, is_alive))
    if ended is not None:
        raise CommandError(
            f"{printable(ended)}; everything else was stopped, its last lines above say why", ExitCode.FAILED
        )
    return ExitCode.OK


async def _supervise(group: ProcessGroup, redis_is_alive: Callable[[], bool] | None) -> str | None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, group.stop)
    return await group.run(also_needed={"redis": redis_is_alive} if redis_is_alive else None)


@contextmanager
def _redis(settings: Settings, port: int | None) -> Iterator[tuple[str, Callable[[], bool] | None]]:
    """The address of the configured Redis, or of one started for as long as this lasts, and how to ask for it."""
    if settings.redis_url is not None:
        client = connect(settings)
        try:
            client.ping()
        except (redis.exceptions.BusyLoadingError, redis.exceptions.ResponseError) as error:
            log.warning(
                "Redis at %s answers with an error, worker and beat wait for it: %s", address(client), error
            )
        except redis.exceptions.RedisError as error:
            raise CommandError(
                f"Redis at {address(client)} does not answer: {error}; start it, correct REDIS_URL, or unset it "
                "to use a Redis of our own",
                ExitCode.UNAVAILABLE,
            ) from None
        finally:
            client.close()
        yield settings.redis_url.get_secret_value(), None
        return
    with (
        RedisServer(settings.state_dir / "redis", port=port, sealed=True) as server,
        publish_redis(settings, server.url),
    ):
        yield server.url, lambda: server.running


def _commands(settings: Settings, url: str, concurrency: int | None) -> list[Command]:
    environment = {"REDIS_URL": url}
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "worker"]
    level = f"--loglevel={settings.log_level}"
    worker = [*celery, "worker", level]
    if concurrency is not None:
        worker.append(f"--concurrency={concurrency}")
    return [
        # SIGTERM then ends runs cleanly within the soft shutdown's time instead of waiting for all of them.
        Command("worker", worker, {**environment, "REMAP_SIGTERM": "SIGQUIT"}),
        Command("beat", [*celery, "beat", level, "--pidfile="], environment),
    ]


def _flower(settings: Settings, url: str, at: Listener) -> Command:
    environment = {"REDIS_URL": url}
    if settings.flower_basic_auth is not None:
        environment["FLOWER_BASIC_AUTH"] = settings.flower_basic_auth.get_secret_value()
    celery = [sys.executable, "-m", "celery", "-A", "worker"]
    return Command("flower", [*celery, "flower", f"--address={at.address}", f"--port={at.port}"], environment)


def _web(url: str, at: Listener) -> Command:
    serve = [sys.executable, "-m", "worker.web"]
    return Command("web", [*serve, f"--host={at.address}", f"--port={at.port}"], {"REDIS_URL": url})


def _shown_address(settings: Settings, url: str) -> str:
    """Without the password."""
    client = connect_url(url)
    try:
        return address(client) + (" (started here)" if settings.redis_url is None else "")
    finally:
        client.close()
