"""One node of Lockstep in a process of its own: `prepare`, `fill N`, `change EVERY`, `serve` or `ask ADDRESS`."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from sqlalchemy import event
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from bench.two_nodes import databases
from bench.two_nodes.usage import usage
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.sql.declared import Node, open_node, read_nodes
from tasks.database.storages.peer import PeerState
from tasks.database.storages.view import Cursor
from tasks.database.transport.server import node_routes

SECRET = "a secret of two nodes on one machine"


def node(database: str, address: str = "") -> Node:
    """The laptop where there is an address to ask, or else the office."""
    described: dict[str, Any] = {"database": database, "tables": ["item"]}
    if address:
        peer = {"node": "office", "url": address, "secret": SECRET}
        described |= {"name": "laptop", "every": "30s", "peer": peer}
    else:
        described |= {"name": "office", "answers": [{"node": "laptop", "secret": SECRET}]}
    return open_node(read_nodes([described])[0])


def serve_routes(*routes: BaseRoute) -> None:
    """Serve on a free port, whose address is printed, until the process is killed."""

    async def used(_: Request) -> JSONResponse:
        return JSONResponse({**usage(), "statements": Statements.count})

    listening = socket.socket(proto=socket.IPPROTO_TCP)  # with TCP_NODELAY, as of a server with a port
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who reads the address may call at once
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    app = Starlette(routes=[*routes, Route("/usage", used)])
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])


def told(sync: Callable[[], int], moved: Callable[[], int]) -> None:
    """Sync once, and print what it took."""
    start, before = time.perf_counter(), time.process_time()
    changed = sync()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    found = {"seconds": seconds, "cpu": cpu, "changed": changed, "bytes": moved()}
    print(json.dumps({**found, "memory": usage()["memory"], "statements": Statements.count}))


class Statements:
    """Counts the statements of this process."""

    count = 0

    @staticmethod
    def note(*_: object) -> None:
        """One more."""
        Statements.count += 1


def settle(database: str) -> None:
    """Let the node know that a peer, which is made as a copy of it, has all that it has."""
    office = node(database)
    with office.storage.transaction():
        here = Cursor(office.storage.horizon(HybridLogicalClock().now()))
        # One node calls the peer so, the other one itself: each keeps what it knows under the same name.
        PeerState(received=here, sent=here).save(office.storage, "laptop")
    office.close()


def ask(database: str, address: str, times: int = 1) -> None:
    """Sync, as a worker does, and tell of each time."""
    laptop = node(database, address)
    if laptop.transport is None:
        raise RuntimeError("the node has no peer")
    answers: list[httpx.Response] = []
    laptop.transport._client.event_hooks = {"response": [answers.append]}

    def sync() -> int:
        answers.clear()
        Statements.count = 0
        counts = laptop.engine.sync().counts()
        return counts.get("created", 0) + counts.get("applied", 0)

    def moved() -> int:
        return sum(int(a.request.headers["content-length"]) + a.num_bytes_downloaded for a in answers)

    for _ in range(times):
        told(sync, moved)


def main(database: str, words: list[str]) -> None:
    """Do what the words say."""
    event.listen(sa.Engine, "before_cursor_execute", Statements.note)
    match words:
        case ["prepare"]:
            databases.run(database, databases.CREATE)
            node(database).close()
        case ["fill", size]:
            databases.fill(database, int(size))
        case ["change", every]:
            databases.run(database, databases.change(int(every)))
        case ["serve"]:
            serve_routes(*node_routes({"office": node(database).served()}.get))
        case ["ask", address, *times]:
            ask(database, address, *map(int, times))
        case ["settle"]:
            settle(database)


if __name__ == "__main__":
    main(os.environ["BENCH_DATABASE"], sys.argv[1:])
