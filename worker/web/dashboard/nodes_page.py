"""Database nodes, and how far each is behind with its peers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from tasks.clock import boot_seconds
from tasks.database.sql.declared import NodeTable, read_nodes
from tasks.errors import TaskError
from worker.standing.node_lags import NodeLag, lags_of, opened
from worker.web.dashboard.visit import Visit
from worker.web.resources import Resources

log = logging.getLogger(__name__)

#: Seconds for which a look stands: each opens the nodes' own databases.
FRESH = 5.0


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node as it was seen."""

    table: NodeTable
    lags: Sequence[NodeLag] = ()
    #: Whether its database could not be read; the log says why.
    is_away: bool = False


class NodesPage:
    """Looks at the nodes, once for all who ask at about the same time."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._asking = asyncio.Lock()
        self._last: tuple[float, Sequence[SeenNode]] = (-FRESH, ())

    async def show(self, visit: Visit) -> Response:
        """All nodes."""
        async with self._asking:
            if boot_seconds() - self._last[0] >= FRESH:
                self._last = boot_seconds(), await asyncio.to_thread(self._look)
        defined = visit.desk.resources.tasks
        return visit.show("nodes.html", nodes=self._last[1], defined=defined)

    def _look(self) -> list[SeenNode]:
        return [_see(table) for table in read_nodes(self._resources.settings.node)]


def _see(table: NodeTable) -> SeenNode:
    try:
        with opened(table) as node:
            return SeenNode(table, lags_of(node))
    except TaskError as error:
        log.warning("Node %r cannot be looked at: %s", table.name, error)
        return SeenNode(table, is_away=True)
