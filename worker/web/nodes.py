"""Database nodes answer their peers: `POST /nodes/{node_id}/sync`."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tasks.database.engine.lock import SessionLock
from tasks.database.exceptions import MassChangeError
from tasks.database.records.lost import lost_in
from tasks.database.records.result import DatabaseResult
from tasks.database.sql.declared import Node, NodeTable, open_node, read_nodes
from tasks.database.transport import wire
from tasks.database.transport.server import ServedNode, node_routes
from tasks.errors import TaskError
from tasks.merge import plan_digest
from tasks.node_task import as_entry, plan_of
from worker.lock import NodeBusyError, RedisSyncLock
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.plans import ANSWERING
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

log = logging.getLogger(__name__)

#: Letters of a refusal that a peer is told.
TOLD_MAX = 500


def nodes(resources: Resources) -> RouteGroup:
    """The route of all nodes whose `[[node]]` tables say whom they answer.

    Raises:
        TaskDefinitionError: a table says something wrong.
    """
    served = _Served(resources)

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        try:
            yield
        finally:
            served.close()

    return RouteGroup("/nodes", node_routes(served.find), max_body=served.max_body, background=background)


class _Served:
    """Opens a node at its first exchange, and keeps it open for as long as its table says the same."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._guard = threading.Lock()
        #: By the numbers of the Redis servers.
        self._locks: dict[int, RedisSyncLock] = {}
        self._open: dict[str, tuple[Node, ServedNode]] = {}
        self._take()

    def _take(self) -> None:
        """Serve what is defined by now. What goes on with a node that is another one, or gone, comes to its end."""
        self._read_from = self._resources.settings
        self._tables: dict[str, NodeTable] = {
            table.name: table for table in read_nodes(self._read_from.node) if table.answers
        }
        for name, (node, _) in tuple(self._open.items()):
            if self._tables.get(name) != node.table:
                del self._open[name]
                node.close()

    def max_body(self) -> int:
        """The largest body that one of the nodes takes."""
        largest = max((table.record_bytes_max for table in self._tables.values()), default=0)
        return wire.sent_max_for(largest)

    def find(self, node_id: str) -> ServedNode | None:
        """The node of this name, if it answers anybody.

        Raises:
            SideError: its database cannot be used.
        """
        with self._guard:
            if self._read_from is not self._resources.settings:
                self._take()
            table = self._tables.get(node_id)
            if table is None:
                return None
            if node_id not in self._open:
                node = open_node(table, lock=SessionLock(self._lock_of(node_id), busy=NodeBusyError))
                self._open[node_id] = (
                    node,
                    node.served(
                        lambda result, peer: self._keep(node_id, peer, result),
                        lambda error: self._approve(node_id, error),
                    ),
                )
            return self._open[node_id][1]

    def _lock_of(self, node_id: str) -> RedisSyncLock:
        number = self._resources.shard_of(node_id)
        if number not in self._locks:
            client, lease = self._resources.clients[number], self._resources.settings.lease_seconds
            self._locks[number] = RedisSyncLock(client, lease_seconds=lease)
        return self._locks[number]

    def _keep(self, node_id: str, peer: str, result: DatabaseResult) -> None:
        """Enter values that lost in an exchange in the ledger; they are in the node's own database as well."""
        lost = lost_in(result)
        if not lost:
            return
        try:
            with self._resources.store.write() as connection:
                for value in lost:
                    Conflicts.keep(connection, node_id, as_entry(value, node_id, peer), "")
        except TaskError as error:  # the exchange is done, and its peer must have the answer
            log.error("Node %r: %d lost values are not in the ledger: %s", node_id, len(lost), error)  # noqa: TRY400

    def _approve(self, node_id: str, error: MassChangeError) -> bool:
        """Whether a person let through what a peer's exchange would destroy here; else it is kept as a plan.

        Raises:
            MassChangeError: nobody did; it says how to.
        """
        plan, run_id = plan_of(error), f"{ANSWERING}{node_id}"[:64]
        plan_id, plans = plan_digest(plan), self._resources.store.plans
        if plans.use(node_id, plan_id, run_id):
            log.warning("Node %r: plan %s was let through: %s.", node_id, plan_id, error)
            return True
        log.error("Node %r: an exchange was halted: %s. Plan %s.", node_id, error, plan_id)
        plans.keep(node_id, plan, str(error), run_id)
        mend = f". To let just this through, on that node: lockstep apply {plan_id}"
        raise MassChangeError(f"{str(error)[: TOLD_MAX - len(mend)]}{mend}", error.changes)

    def close(self) -> None:
        """Close all connections."""
        with self._guard:
            for node, _ in self._open.values():
                node.close()
            self._open.clear()
            for lock in self._locks.values():
                lock.close()
            self._locks.clear()
