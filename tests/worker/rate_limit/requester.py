"""A process that asks for as many requests as it may send and prints when it may: URL, rate, names of tasks."""

from __future__ import annotations

import asyncio
import sys
import time

from pydantic import SecretStr

from tasks.services.notion.api.throttle import throttle_for
from worker import rate_limit
from worker.redis_client import connect_url

#: Requests that each task has under way at once.
AT_ONCE = 4


async def main(names: list[str]) -> None:
    async def requests(name: str) -> None:
        with rate_limit.spending(name):
            await asyncio.gather(*(request(name) for _ in range(AT_ONCE)))

    async def request(name: str) -> None:
        while True:
            await throttle_for(SecretStr("ntn_shared")).acquire()
            print(f"sent {time.time():.6f} {name}", flush=True)

    await asyncio.gather(*(requests(name) for name in names))


if __name__ == "__main__":
    rate_limit.share(connect_url(sys.argv[1]), rate=float(sys.argv[2]))
    asyncio.run(main(sys.argv[3:]))
