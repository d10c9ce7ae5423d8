"""Formulas."""

from __future__ import annotations

import re
from typing import Any

from tasks.notion.sandbox.call import Call
from tasks.notion.sandbox.columns import Column, Columns
from tasks.notion.sandbox.ids import WORKSPACE_ID, encode_column_id
from tasks.notion.sandbox.store import Stored


def normalise_expression(columns: Columns, expression: str, path: str) -> str:
    """The expression as it is kept."""

    def reference(match: re.Match[str]) -> str:
        column = columns.named(match.group(1))
        return (
            f"{{{{notion:block_property:{encode_column_id(column.id)}:{columns.source.id}:{WORKSPACE_ID}}}}}"
        )

    return re.sub(r'prop\("([^"]*)"\)', reference, expression)


def formula_value(call: Call, columns: Columns, column: Column, page: Stored) -> dict[str, Any]:
    """The value of a formula."""
    return {"type": "string", "string": None}
