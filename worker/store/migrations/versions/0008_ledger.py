"""The ledger says where each version was, of which object, and whether it stayed, of objects and records alike."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: How the rules of nodes' conflicts began, and what the two ends were called where no one said otherwise.
_OF_A_NODE = "node: "
_WHERE = {"first": "Notion", "second": "the other side"}
#: Columns that get another name.
_PARTS = {
    f"{old}_{part}": f"{new}_{part}"
    for old, new in (("left", "first"), ("right", "second"))
    for part in ("id", "value", "edited")
}
#: Columns that say something new; `winner` said whose value stayed, and the rule whether a third one took their place.
_NEW: dict[str, sa.types.TypeEngine[Any]] = {
    "model": sa.String(400),
    "first_where": sa.Text(),
    "first_stayed": sa.Boolean(),
    "second_where": sa.Text(),
    "second_stayed": sa.Boolean(),
    "why": sa.Text(),
}
_THIRD = ("resolver", "method")


def upgrade() -> None:
    """Carry all lines over. What identifies them stays as it is: none is entered twice when it is met again."""
    with op.batch_alter_table("conflict") as table:
        for old, new in _PARTS.items():
            table.alter_column(old, new_column_name=new)
        for name, kind in _NEW.items():
            table.add_column(sa.Column(name, kind))
    conflict = _table("winner")
    row, connection = conflict.c, op.get_bind()
    third = row.winner.is_(None) & row.rule.in_(_THIRD)
    connection.execute(
        sa.update(conflict).values(
            model="",
            first_where=_WHERE["first"],
            first_stayed=sa.case((third, sa.false()), else_=sa.func.coalesce(row.winner, "left") == "left"),
            second_where=_WHERE["second"],
            second_stayed=sa.case(
                (third, sa.false()), else_=sa.func.coalesce(row.winner, "right") == "right"
            ),
            why="",
            taken=sa.case((row.taken == "left", "first"), (row.taken == "right", "second")),
        )
    )
    # A record's table stood for the id on the left. What stayed was there, and lost what was on the right.
    rule = sa.func.substr(row.rule, len(_OF_A_NODE) + 1)
    here, peer = row.task, "another node"
    of_here = rule.in_(("local", "delete_vs_modify: local", "modify_vs_delete: local"))
    of_peer = rule.in_(("remote", "delete_vs_modify: remote", "modify_vs_delete: remote"))
    unknown = "some node"
    connection.execute(
        sa.update(conflict)
        .where(row.rule.startswith(_OF_A_NODE))
        .values(
            model=row.first_id,
            first_id=row.second_id,
            first_where=sa.case((of_here, here), (of_peer, peer), else_=unknown),
            second_where=sa.case((of_here, peer), (of_peer, here), else_=unknown),
            rule=rule,
        )
    )
    with op.batch_alter_table("conflict") as table:
        for name, kind in _NEW.items():
            table.alter_column(name, existing_type=kind, nullable=False)
        table.drop_column("winner")


def downgrade() -> None:
    """Say it as before. Which place was which, and why, is lost."""
    with op.batch_alter_table("conflict") as table:
        table.add_column(sa.Column("winner", sa.String(10)))
    conflict = _table("winner")
    row, connection = conflict.c, op.get_bind()
    connection.execute(
        sa.update(conflict).values(
            winner=sa.case(
                (row.first_stayed & sa.not_(row.second_stayed), "left"),
                (row.second_stayed & sa.not_(row.first_stayed), "right"),
            ),
            taken=sa.case((row.taken == "first", "left"), (row.taken == "second", "right")),
        )
    )
    connection.execute(
        sa.update(conflict)
        .where(row.model != "")
        .values(first_id=row.model, rule=sa.func.substr(sa.literal(_OF_A_NODE).concat(row.rule), 1, 40))
    )
    with op.batch_alter_table("conflict") as table:
        for name in _NEW:
            table.drop_column(name)
        for old, new in _PARTS.items():
            table.alter_column(new, new_column_name=old)


def _table(*more: str) -> sa.TableClause:
    names = ("task", "rule", "taken", "first_id", "second_id", *_NEW, *more)
    return sa.table("conflict", *(sa.column(name, _NEW.get(name, sa.String())) for name in names))
