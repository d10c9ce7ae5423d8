"""One node of Lockstep in a process of its own: `prepare`, `fill N`, `change`, `serve` or `ask ADDRESS`."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from bench.two_nodes import databases
from bench.two_nodes.usage import usage
from tasks.database.sql.declared import Node, open_node, read_nodes
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
        return JSONResponse(usage())

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    app = Starlette(routes=[*routes, Route("/usage", used)])
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])


def told(sync: Callable[[], int], moved: Callable[[], int]) -> None:
    """Sync once, and print what it took."""
    start, before = time.perf_counter(), time.process_time()
    changed = sync()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    found = {"seconds": seconds, "cpu": cpu, "changed": changed, "bytes": moved()}
    print(json.dumps({**found, "memory": usage()["memory"]}))


def ask(database: str, address: str) -> None:
    """Sync once, as a worker does."""
    laptop = node(database, address)
    if laptop.transport is None:
        raise RuntimeError("the node has no peer")
    answers: list[httpx.Response] = []
    laptop.transport._client.event_hooks = {"response": [answers.append]}

    def sync() -> int:
        counts = laptop.engine.sync().counts()
        return counts.get("created", 0) + counts.get("applied", 0)

    told(
        sync,
        lambda: sum(int(a.request.headers["content-length"]) + a.num_bytes_downloaded for a in answers),
    )


def main(database: str, words: list[str]) -> None:
    """Do what the words say."""
    match words:
        case ["prepare"]:
            databases.run(database, databases.CREATE)
            node(database).close()
        case ["fill", size]:
            databases.fill(database, int(size))
        case ["change"]:
            databases.run(database, databases.CHANGE)
        case ["serve"]:
            serve_routes(*node_routes({"office": node(database).served()}.get))
        case ["ask", address]:
            ask(database, address)


if __name__ == "__main__":
    main(os.environ["BENCH_DATABASE"], sys.argv[1:])
