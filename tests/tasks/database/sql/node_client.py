"""One sync of a node, in a process of its own: `node_client.py NODE DATABASE URL [crash=N]`.

It ends with 0 when the sync ended, with 3 when a later one may. With `crash=N` it is killed before its N-th statement.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from tasks.database.exceptions import SyncAbortedError
from tasks.database.sql.declared import open_node, read_nodes

KEYS = {"laptop": {"secret": "laptop's own long secret"}, "phone": {"token": "phone's own long token"}}


def main(name: str, database: str, url: str, crash: str) -> int:
    [table] = read_nodes(
        [
            {
                "name": name,
                "database": database,
                "tables": ["city", "person"],
                "every": "30s",
                "batch_size": 2,
                "peer": {"node": "office", "url": url, **KEYS[name]},
            }
        ]
    )
    node = open_node(table)
    assert node.transport is not None
    node.transport._attempts = 1
    left = int(crash or -1)

    def die_in_time(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(node.storage.database.engine, "before_cursor_execute", die_in_time)
    try:
        node.engine.sync()
    except SyncAbortedError:
        return 3
    finally:
        node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], (sys.argv[4:] or [""])[0].removeprefix("crash=")))
