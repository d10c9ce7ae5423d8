"""`lockstep unlock`: take a node from a session whose process is surely dead."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from config import get_settings, shards
from worker.cli.context import known_task, open_store
from worker.lock.record import ABANDONED
from worker.lock.redis_store import RedisLockStore
from worker.lock.store import Beat
from worker.machine.state_directory import reachable_redis
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import duration, say


def unlock(name: str, *, force: bool) -> ExitCode:
    """Show who holds a node, and release it; one who gives signs of life keeps it, unless that is forced.

    The session's fence stays behind: once another one has begun, the database takes no write of the old one any more.

    Raises:
        CommandError: nobody holds it, or whoever does lives.
        RedisUnavailableError: Redis does not answer.
    """
    settings = get_settings()
    with open_store(settings) as store:
        known_task(name, settings, store)
    client = reachable_redis(shards.of_task(settings, name))
    if client is None:
        raise CommandError(
            "there is no Redis here: runs hold a file, which is free as soon as their process has ended",
            ExitCode.SKIPPED,
        )
    locks = RedisLockStore(client)
    try:
        holder = locks.holder(name)
        if holder is None:
            raise CommandError(f"nobody holds {name!r}", ExitCode.SKIPPED)
        if holder.live and not force:
            left = holder.lease_seconds - (datetime.now(UTC) - holder.beat_at).total_seconds()
            raise CommandError(
                f"{name!r} is held by {holder}: its sign of life is fresh. If its process is dead, the next run takes "
                f"the node by itself in {duration(max(0.0, left))}; --force releases it now, and a process that lives "
                "after all stops at its next sign of life",
                ExitCode.SKIPPED,
            )
        mine = Beat(holder.session_id, name, holder.owner, holder.phase)
        if not locks.release(mine, ABANDONED, json.dumps({"reason": "unlocked by a person"})):
            raise CommandError(f"{name!r} has got another holder meanwhile: look again", ExitCode.SKIPPED)
    finally:
        locks.close()
    say(f"{name}: released, it was held by {holder}. The next run goes on with what that one has left.")
    return ExitCode.OK
