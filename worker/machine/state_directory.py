"""Who uses a state directory on this machine, and where the Redis of `lockstep up` answers.

`lockstep up` has the directory to itself. Without `REDIS_URL` a single run uses the Redis of a running `up`;
where there is none, it shares the directory with other single runs and locks its node by a file.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import redis

from config import Settings, SettingsError, shards
from config.private_files import FILE_MODE, open_private, private_directory
from worker.lock import MemorySyncLock, RedisSyncLock, SyncLock
from worker.redis_client import connect, connect_url
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError

#: Seconds that an `up` which has just been started may take until its Redis answers.
STARTING = 10.0


@contextmanager
def sole_use(settings: Settings) -> Iterator[None]:
    """Have the state directory alone, as `lockstep up` does.

    Raises:
        CommandError: another process uses it.
    """
    with _flock(_directory(settings) / "machine.lock", fcntl.LOCK_EX) as got:
        if not got:
            raise CommandError(
                f"`lockstep up` or `lockstep run` uses {settings.state_dir} already: wait for it to end, "
                "or set LOCKSTEP_STATE_DIR to another directory",
                ExitCode.UNAVAILABLE,
            )
        _address_file(settings).unlink(missing_ok=True)  # of an `up` that was killed
        yield


@contextmanager
def publish_redis(settings: Settings, url: str) -> Iterator[None]:
    """Let other commands find the embedded Redis for as long as this lasts."""
    path = _address_file(settings)
    fresh = path.with_suffix(".new")
    with open_private(fresh, "w") as file:
        file.write(url)
    fresh.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def reachable_redis(settings: Settings) -> redis.Redis | None:
    """A client for the Redis of `REDIS_URL`, else of a running `lockstep up`, else `None`.

    Raises:
        CommandError: `up` runs, but with a Redis of which this process does not know.
    """
    if settings.redis_url is not None:
        return connect(settings)
    if not up_is_running(settings):
        return None
    give_up_at = time.monotonic() + STARTING
    while time.monotonic() < give_up_at and up_is_running(settings):
        try:
            return connect_url(_address_file(settings).read_text())
        except FileNotFoundError:
            time.sleep(0.1)
    if not up_is_running(settings):
        return None
    raise CommandError(
        f"`lockstep up` uses {settings.state_dir} with a Redis that is not known here: "
        "set REDIS_URL as it is set there",
        ExitCode.UNAVAILABLE,
    )


@contextmanager
def node_lock(settings: Settings, node: str) -> Iterator[SyncLock]:
    """The lock for a run in this process: in the Redis of the node where there is one, else in memory and a file.

    Where there is a Redis, requests to Notion are drawn from the budget that all processes share there.

    Raises:
        CommandError: another process runs the node by a file lock, or the directory is in use by `up`.
    """
    client = reachable_redis(shards.of_task(settings, node))
    if client is not None:
        from worker import rate_limit

        shared = connect(settings) if shards.count(settings) > 1 else client

        lock: SyncLock = RedisSyncLock(client, lease_seconds=settings.lease_seconds)
        rate_limit.share(shared, rate=settings.notion_rate)
        try:
            with rate_limit.spending(node):
                yield lock
        finally:
            rate_limit.unshare()
            lock.close()
            client.close()
            shared.close()
        return
    # Task names may be long and hold signs that a file's name may not.
    name = sha256(node.encode()).hexdigest()[:32]
    directory = _directory(settings)
    with (
        _flock(directory / "machine.lock", fcntl.LOCK_SH) as beside,
        _flock(directory / "nodes" / f"{name}.lock", fcntl.LOCK_EX) as alone,
    ):
        if not beside or not alone:
            raise CommandError(
                f"node {node!r} is busy: another process runs it in {settings.state_dir}; try again when it has ended",
                ExitCode.SKIPPED,
            )
        lock = MemorySyncLock(lease_seconds=settings.lease_seconds)
        try:
            yield lock
        finally:
            lock.close()


def up_is_running(settings: Settings) -> bool:
    """Whether a `lockstep up` has the state directory now."""
    if not settings.state_dir.is_dir():
        return False
    with _flock(settings.state_dir / "machine.lock", fcntl.LOCK_SH) as shared:
        return not shared


def _address_file(settings: Settings) -> Path:
    return settings.state_dir / "redis.url"


def _directory(settings: Settings) -> Path:
    """The state directory, made if need be."""
    try:
        private_directory(settings.state_dir)
    except OSError as error:
        raise SettingsError(
            f"LOCKSTEP_STATE_DIR is {settings.state_dir}, which cannot be made: {error.strerror}"
        ) from None
    return settings.state_dir


@contextmanager
def _flock(path: Path, mode: int) -> Iterator[bool]:
    """Lock a file without waiting; gives whether that worked. The kernel frees it with the process."""
    private_directory(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise SettingsError(f"LOCKSTEP_STATE_DIR: {path} cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
