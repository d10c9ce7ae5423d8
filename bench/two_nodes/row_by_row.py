"""What one writes in an afternoon, with the words of `bench.two_nodes.own`: one time per record, one statement per row.

All that changed since the last time goes over at once, and the newer record wins. Edits of single fields, deletions,
conflicts, lost answers and clocks that differ are not its affair.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import httpx
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.two_nodes import databases, own

NAMES = ", ".join([*databases.FIELDS, "changed_at"])
_VALUES = ", ".join(f":{name}" for name in [*databases.FIELDS, "changed_at"])
_SINCE = sa.text(f"SELECT {NAMES} FROM item WHERE changed_at > :since")
_INSERT = sa.text(f"INSERT INTO item ({NAMES}) VALUES ({_VALUES})")
_UPDATE = sa.text(
    f"UPDATE item SET {', '.join(f'{name} = :{name}' for name in NAMES.split(', ')[1:])} WHERE id = :id"
)
_FOUND = sa.text("SELECT changed_at FROM item WHERE id = :id")


def changed(connection: sa.Connection, since: int) -> list[dict[str, Any]]:
    """The rows that changed."""
    rows = connection.execute(_SINCE, {"since": since}).mappings()
    return [{**row, "i": str(row["i"]), "h": bool(row["h"])} for row in rows]


def take(connection: sa.Connection, rows: Iterable[dict[str, Any]]) -> int:
    """Write the newer ones; return how many."""
    written = 0
    for row in rows:
        here = connection.scalar(_FOUND, {"id": row["id"]})
        if here is None or here < row["changed_at"]:
            connection.execute(_INSERT if here is None else _UPDATE, row)
            written += 1
    return written


def serve(database: str) -> None:
    """The office."""
    engine = sa.create_engine(database)

    async def sync(request: Request) -> JSONResponse:
        asked = await request.json()
        with engine.begin() as connection:
            rows = changed(connection, asked["since"])
            take(connection, asked["rows"])
        return JSONResponse({"now": time.time_ns(), "rows": rows})

    own.serve_routes(Route("/sync", sync, methods=["POST"]))


def ask(database: str, address: str) -> None:
    """The laptop."""
    engine, client = sa.create_engine(database), httpx.Client(timeout=600)
    moved = 0

    def sync() -> int:
        nonlocal moved
        with engine.begin() as connection:
            since = connection.scalar(sa.text("SELECT max(at) FROM progress")) or 0
            body = json.dumps({"since": since, "rows": changed(connection, since)}).encode()
            answer = client.post(f"{address}/sync", content=body)
            moved = len(body) + len(answer.content)
            told = answer.json()
            written = take(connection, told["rows"])
            connection.execute(sa.text("INSERT INTO progress VALUES (:at)"), {"at": told["now"]})
        return written

    own.told(sync, lambda: moved)


def main(database: str, words: list[str]) -> None:
    """Do what the words say."""
    stamp = f"UPDATE item SET changed_at = {time.time_ns()} WHERE "
    match words:
        case ["prepare"]:
            databases.run(
                database,
                databases.CREATE,
                "ALTER TABLE item ADD COLUMN changed_at BIGINT",
                "CREATE TABLE progress (at BIGINT)",
            )
        case ["fill", size]:
            databases.fill(database, int(size))
            databases.run(database, f"{stamp} true")
        case ["change", every]:
            databases.run(database, databases.change(int(every)), f"{stamp} mod(id, {every}) = 0")
        case ["serve"]:
            serve(database)
        case ["ask", address]:
            ask(database, address)


if __name__ == "__main__":
    main(os.environ["BENCH_DATABASE"], sys.argv[1:])
