"""A web process with one node: `node_server.py DATABASE [crash=N]`. It says its port on the first line.

With `crash=N` it dies before its N-th statement, counted from the first request on; `crash=answer` when it has
committed and would answer.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import sqlalchemy as sa
import uvicorn
from starlette.applications import Starlette

from tasks.database.records.manifest import SyncManifest
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.transport.server import ServedNode, node_routes


def main(database: str, crash: str) -> None:
    [table] = read_nodes(
        [
            {
                "name": "office",
                "database": database,
                "tables": ["city", "person"],
                "answers": [
                    {"node": "laptop", "secret": "laptop's own long secret"},
                    {"node": "phone", "token": "phone's own long token"},
                ],
            }
        ]
    )
    node = open_node(table)
    served = node.served()
    left = int(crash) if crash.isdigit() else -1

    def process(incoming: SyncManifest) -> SyncManifest:
        if left >= 0:
            sa.event.listen(node.storage.database.engine, "before_cursor_execute", die_in_time)
        answer = served.process(incoming)
        if crash == "answer":
            os._exit(9)
        return answer

    def die_in_time(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os._exit(9)

    watched = ServedNode(process, served.models, served.peers, served.nonces)
    app = Starlette(routes=[*node_routes({"office": watched}.get)])
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by it
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who comes before uvicorn is ready waits, and is not refused
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])


if __name__ == "__main__":
    main(sys.argv[1], (sys.argv[2:] or [""])[0].removeprefix("crash="))
