"""Routes that belong together, and what goes on behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

#: Largest body of a request, in bytes, unless a group says otherwise.
MAX_BODY = 256 * 1024


@dataclass(frozen=True)
class RouteGroup:
    """Routes below one path."""

    #: The beginning of the paths of all its routes.
    path: str
    routes: Sequence[BaseRoute]
    #: Largest body of a request, in bytes, or who knows what it is now.
    max_body: int | Callable[[], int] = MAX_BODY
    #: Entered when the process starts, left when it ends.
    background: Callable[[], AbstractAsyncContextManager[None]] = field(default=nullcontext)
