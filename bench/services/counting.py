"""What this process asks of others: requests over HTTP, statements of SQL, files and folders that are opened."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa


@contextmanager
def requests() -> Iterator[Counter[str]]:
    """Requests of httpx by method and path, tried again or not."""
    found: Counter[str] = Counter()
    transport = httpx.AsyncHTTPTransport
    send = transport.handle_async_request

    async def counted(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        found[f"{request.method} {request.url.path}"] += 1
        return await send(self, request)

    transport.handle_async_request = counted  # type: ignore[method-assign]
    try:
        yield found
    finally:
        transport.handle_async_request = send  # type: ignore[method-assign]


#: They begin and end transactions, and parts of one.
_FRAMES = {"BEGIN", "SET", "SAVEPOINT", "RELEASE"}
#: Statements that ask how a table is made, whatever is in it.
CATALOGUE = "look at the catalogue"
_OF_CATALOGUE = re.compile(r"^PRAGMA|sqlite_master|pg_(catalog|class|attribute)|regclass", re.IGNORECASE)


@contextmanager
def statements() -> Iterator[Counter[str]]:
    """Statements that SQLAlchemy sends, by their first word; those that only frame a transaction are none."""
    found: Counter[str] = Counter()

    def counted(_: Any, __: Any, statement: str, *___: Any) -> None:
        word = statement.split(None, 1)[0].upper()
        if word not in _FRAMES:
            found[CATALOGUE if _OF_CATALOGUE.search(statement) else word] += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", counted)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", counted)


#: The folders in which openings are counted now, and what was found.
_watched: list[tuple[str, Counter[str]]] = []
_EVENTS = {"open": "file", "os.scandir": "folder", "os.listdir": "folder"}


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched or event not in _EVENTS or not isinstance(arguments[0], str | os.PathLike):
        return
    folder, found = _watched[-1]
    if os.fspath(arguments[0]).startswith(folder):
        found[_EVENTS[event]] += 1


@contextmanager
def openings(folder: Path) -> Iterator[Counter[str]]:
    """Files and folders within a folder that are opened; a look at a file's time and size opens nothing."""
    _listen()
    found: Counter[str] = Counter()
    _watched.append((f"{folder}", found))
    try:
        yield found
    finally:
        _watched.pop()


@cache
def _listen() -> None:
    """Hear of openings from now on: once in a process, as that can never be taken back."""
    sys.addaudithook(_heard)
