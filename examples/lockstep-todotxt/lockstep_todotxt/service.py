"""What a table of `lockstep.toml` may say of a todo.txt file, and the side that is made of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lockstep_todotxt.side import ATTRIBUTES, TodoTxt
from tasks.sides import Service


class TodoTxtTable(BaseModel):
    """`[sync.todotxt]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    file: Path = Field(description="the todo.txt file, which may be empty but must be there")
    archive: Path | None = Field(
        None, description="where done tasks are moved to, such as done.txt; what is there was not deleted"
    )


def _make(table: TodoTxtTable) -> TodoTxt:
    return TodoTxt(table.file, table.archive)


SERVICE = Service("todotxt", "a todo.txt file", TodoTxtTable, _make, ATTRIBUTES)
