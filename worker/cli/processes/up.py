"""`lockstep up`: everything that one machine needs, until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import redis

from config import Settings, get_settings, shards
from config.logging import configure_logging
from config.redaction import redacted
from tasks.registry import load_tasks
from worker.broker.installation import take_over
from worker.cli.context import HOW_TO_DEFINE, open_store
from worker.cli.processes.processes import Command, ProcessGroup
from worker.cli.processes.stopping import AskedToEndError, Stopping, say
from worker.errors import StoreError
from worker.machine.kept_lines import Keeper, file_of
from worker.machine.ports import usable_port
from worker.machine.redis_server import RedisServer
from worker.machine.state_directory import publish_redis, sole_use
from worker.redis_client import address, connect, connect_url
from worker.shadowed import shadowed
from worker.store.tables.installation import installation_of
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, printable
from worker.telling.tables import table
from worker.web.dashboard.listening import check_listening

log = logging.getLogger(__name__)

#: Runs among which those are looked for that were cancelled at the end.
LAST_RUNS = 1000


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
    stopping = Stopping()
    with stopping.heard():
        try:
            with ExitStack() as stack:
                begun = datetime.now(UTC)
                group, needed = _start(stack, stopping, flower, web, redis_port, concurrency)
                ended = asyncio.run(_supervise(group, stopping, needed))
        except AskedToEndError:
            say(f"Stopped ({stopping.name}) before all was started; nothing is left running.")
            return ExitCode.INTERRUPTED if stopping.at_once else ExitCode.OK
        if stopping.at_once:
            say(
                "Ended at once: all processes were killed. Nodes of their runs are free when the leases are over."
            )
            return ExitCode.INTERRUPTED
        if ended is not None:
            raise CommandError(
                f"{printable(ended)}; everything else was stopped, its last lines above say why",
                ExitCode.FAILED,
            )
        return _last_word(group, own_redis=bool(needed), begun=begun)


def _start(
    stack: ExitStack,
    stopping: Stopping,
    flower: Listener | None,
    web: Listener | None,
    redis_port: int | None,
    concurrency: int | None,
) -> tuple[ProcessGroup, Mapping[str, Callable[[], bool]]]:
    """Start Redis if need be, and make the processes; gives what else must be alive, too. The stack ends it all."""
    settings = get_settings()
    configure_logging(settings)
    if told := shadowed([str(Path.cwd()), *sys.path]):  # where the processes that are started look
        raise CommandError(told)
    stack.enter_context(sole_use(settings))
    tasks = load_tasks(settings)
    with open_store(settings) as store:  # wrong addresses and old tables are told of before anything starts
        installation = installation_of(store)
    if flower:
        flower = flower.usable("Flower", "choose another port with --flower-port, or --no-flower")
    if web:
        check_listening(settings, web.address)
        web = web.usable("The web process", "choose another port with --web-port, or --no-web")
    url, server = stack.enter_context(_redis(settings, redis_port))
    if server is not None:
        stopping.kills(server.kill_process)
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
        ("Log", "lockstep logs --follow"),
        ("Redis", _shown_address(settings, url)),
    ]
    if web:
        rows.insert(0, ("Dashboard" if settings.web_dashboard else "Web", web.url))
    if flower:
        rows.append(("Flower", flower.url))
    console().print(table(("Lockstep is up", "Ctrl-C ends it"), rows, folded=("Ctrl-C ends it",)))
    sys.stdout.flush()
    keeper = stack.enter_context(closing(Keeper(file_of(settings.state_dir), redacted)))
    group = ProcessGroup(commands, prefix=settings.log_format == "text", keep=keeper.keep)
    stopping.kills(group.kill)
    return group, {} if server is None else {"redis": lambda: server.running}


async def _supervise(
    group: ProcessGroup, stopping: Stopping, also_needed: Mapping[str, Callable[[], bool]]
) -> str | None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        with suppress(RuntimeError):  # the loop has ended, and all processes with it
            loop.call_soon_threadsafe(group.stop)

    stopping.runs(stop)
    return await group.run(also_needed=also_needed)


def _last_word(group: ProcessGroup, *, own_redis: bool, begun: datetime) -> ExitCode:
    """Say how all ended that was asked to."""
    names = [*group.names, *(["Redis"] if own_redis else [])]
    all_of_them = f"{', '.join(names[:-1])} and {names[-1]}"
    cancelled = _cancelled(begun)
    runs = f" Runs that were cancelled: {', '.join(cancelled)}." if cancelled else ""
    faults = [f"{name} was killed" for name in group.killed] + group.failed
    if faults:
        say(f"Stopped, but not in order: {'; '.join(faults)}.{runs}")
        return ExitCode.FAILED
    say(f"Stopped: {all_of_them} have ended.{runs}")
    return ExitCode.OK


def _cancelled(begun: datetime) -> list[str]:
    """The tasks whose runs were cut off since then; none are named where the database cannot be asked."""
    try:
        with open_store(get_settings()) as store:
            last = [run for run in store.runs.list(limit=LAST_RUNS) if run.started_at >= begun]
            return sorted({run.task for run in last if run.status == "cancelled"})
    except StoreError as error:
        log.warning("Whether runs were cancelled is not known: %s", error)
        return []


@contextmanager
def _redis(settings: Settings, port: int | None) -> Iterator[tuple[str, RedisServer | None]]:
    """The address of the configured Redis, or of one started for as long as this lasts, and that one."""
    if settings.redis_url is not None:
        for number in _served_here(settings):
            _see(shards.of_shard(settings, number), is_one_of_several=shards.count(settings) > 1)
        yield settings.redis_url.get_secret_value(), None
        return
    with (
        RedisServer(settings.state_dir / "redis", port=port, sealed=True) as server,
        publish_redis(settings, server.url),
    ):
        yield server.url, server


def _see(settings: Settings, *, is_one_of_several: bool) -> None:
    """See that a Redis answers, be it with an error that may be over soon. One of several is waited for.

    Raises:
        CommandError: it does not.
    """
    client = connect(settings)
    try:
        client.ping()
    except (redis.exceptions.BusyLoadingError, redis.exceptions.ResponseError) as error:
        log.warning(
            "Redis at %s answers with an error, worker and beat wait for it: %s", address(client), error
        )
    except redis.exceptions.RedisError as error:
        if is_one_of_several:
            log.warning(
                "Redis at %s does not answer, its worker and beat wait for it: %s", address(client), error
            )
            return
        raise CommandError(
            f"Redis at {address(client)} does not answer: {error}; start it, correct REDIS_URL, or unset it "
            "to use a Redis of our own",
            ExitCode.UNAVAILABLE,
        ) from None
    finally:
        client.close()


def _served_here(settings: Settings) -> Sequence[int]:
    """The numbers of the Redis servers for which worker and beat are started here: one, if it is said which."""
    return range(shards.count(settings)) if settings.shard is None else [settings.shard]


def _commands(settings: Settings, url: str, concurrency: int | None) -> list[Command]:
    if shards.count(settings) == 1:
        return _worker_and_beat(settings, {"REDIS_URL": url}, concurrency)
    return [
        replace(command, name=f"{command.name}-{number}")
        for number in _served_here(settings)
        for command in _worker_and_beat(
            settings, {"REDIS_URL": url, "LOCKSTEP_SHARD": str(number)}, concurrency, f"shard{number}@%h"
        )
    ]


def _worker_and_beat(
    settings: Settings, environment: Mapping[str, str], concurrency: int | None, name: str | None = None
) -> list[Command]:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "worker"]
    level = f"--loglevel={settings.log_level}"
    worker = [*celery, "worker", level]
    if concurrency is not None:
        worker.append(f"--concurrency={concurrency}")
    if name is not None:
        worker.append(f"--hostname={name}")
    return [
        # SIGTERM then ends runs cleanly within the soft shutdown's time instead of waiting for all of them.
        Command("worker", worker, {**environment, "REMAP_SIGTERM": "SIGQUIT"}),
        Command("beat", [*celery, "beat", level, "--pidfile="], environment),
    ]


def _flower(settings: Settings, url: str, at: Listener) -> Command:
    environment = {"REDIS_URL": url}
    if shards.count(settings) > 1:  # it shows one of them
        environment["LOCKSTEP_SHARD"] = str(settings.shard or 0)
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
