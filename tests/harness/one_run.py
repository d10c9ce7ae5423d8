"""A process that runs one session of a probe task without Celery: `one_run.py NAME`; prints how it ended."""

from __future__ import annotations

import asyncio
import logging
import sys

from config import get_settings
from tasks.registry import load_tasks
from worker.lock import RedisSyncLock
from worker.redis_client import connect
from worker.session.run import run_session
from worker.store import Store


async def main(name: str) -> str:
    logging.basicConfig(level=logging.INFO)
    settings = get_settings()
    task = load_tasks(settings)[name]
    store = Store(settings.sql_url())
    store.migrate()
    client = connect(settings)
    lock = RedisSyncLock(client, lease_seconds=settings.lease_seconds)
    print("starting", flush=True)
    record = await run_session(task, store=store, lock=lock)
    lock.close()
    client.close()
    store.close()
    return f"{record.status}: {record.reason}"


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1])), flush=True)
