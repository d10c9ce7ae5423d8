"""Nodes of `lockstep.toml` as scheduled tasks. Their databases are opened when a run begins, not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.database.exceptions import MassChangeError
from tasks.database.guard import refuse
from tasks.database.sql.declared import NodeTable, open_node, read_nodes
from tasks.database.sync import DatabaseSync, NodeReport, report
from tasks.scheduled import Scheduled


class DeclaredNode(DatabaseSync):
    """A node that asks its peer, as its `[[node]]` table says."""

    def __init__(self, table: NodeTable) -> None:
        Scheduled.__init__(self, table.name)
        self.table = table
        if table.every is not None:
            self.run_every(seconds=int(table.every.total_seconds()))

    async def run(
        self, *, dry_run: bool = False, approve: Callable[[MassChangeError], bool] = refuse
    ) -> NodeReport:
        """Open the node's database, sync once, and close it.

        Raises:
            SyncError: the run could not end.
            TaskDefinitionError: a table or column is not there.
        """
        return await asyncio.to_thread(self._run, dry_run, approve)

    def _run(self, dry_run: bool, approve: Callable[[MassChangeError], bool]) -> NodeReport:
        node = open_node(self.table, prepare=not dry_run)
        try:
            return report(node.engine.sync(dry_run, approve=approve))
        finally:
            node.close()


def declare_nodes(tables: Iterable[Mapping[str, Any]]) -> list[DeclaredNode]:
    """The nodes that ask a peer, scheduled.

    Every table is read before the first node is scheduled.

    Raises:
        TaskDefinitionError: a table says something wrong, or a task has the node's name.
    """
    asking = [DeclaredNode(table) for table in read_nodes(tables) if table.peer is not None]
    return [node.schedule() for node in asking]
