"""A query that gives one row of a task, whatever is kept of it: what belongs together is asked in one statement."""

from __future__ import annotations

from sqlalchemy import FromClause, String, bindparam, select

from worker.store import schema

#: The name of the task, which `of_task` says.
TASK = select(bindparam("of_task", type_=String()).label("task")).subquery("one_row")


def beside(table: FromClause) -> FromClause:
    """Its row beside those of a table that has at most one of the task, and of the task's node."""
    return TASK.outerjoin(table, table.c.task == TASK.c.task).outerjoin(
        schema.node, schema.node.c.id == TASK.c.task
    )
