"""What a task remembers between two runs when it runs without a database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError

from config.private_files import open_private, private_directory
from tasks.errors import StateError
from tasks.sides import ID
from tasks.values.canonical import dump, load


class State(BaseModel):
    """The linked objects and the values on which both sides agreed last."""

    #: The left side's id to the right side's.
    ids: dict[ID, ID] = Field(default_factory=dict)
    #: Values by the left side's id and attribute, as that side showed them.
    objs: dict[ID, dict[str, Any]] = Field(default_factory=dict)
    #: The same as the right side showed them, where that is not the same thing.
    others: dict[ID, dict[str, Any]] = Field(default_factory=dict)
    #: The left side's id to the ends at which the object is out of sight, though not deleted.
    parked: dict[ID, list[str]] = Field(default_factory=dict)
    #: Writes that were begun: key to what was to be written, until the outcome is known.
    intents: dict[str, dict[str, Any]] = Field(default_factory=dict)
    #: What is remembered of the task as a whole (`tasks.journal.contract.Memory`).
    memory: dict[str, Any] = Field(default_factory=dict)

    def to_json(self) -> str:
        """The state as JSON text in which dates, decimals and other types are kept."""
        # Not `model_dump`, which takes values apart too, such as the range of a date.
        return dump({name: getattr(self, name) for name in type(self).model_fields})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The state that `to_json` wrote.

        Raises:
            StateError: the text is not a state.
        """
        try:
            return cls.model_validate(load(text))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise StateError(f"not a state: {place}{': ' if place else ''}{first['msg']}") from error

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The state in a file; `None` where there is no file.

        Raises:
            StateError: the file cannot be read as a state. It is left as it is.
        """
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"state file {path}: {error.strerror}") from error
        try:
            return cls.from_json(text)
        except StateError as error:
            raise StateError(
                f"state file {path} cannot be read ({error}). Nothing was synced. Restore it from a backup, or move "
                "it away: the next run then links both sides anew by their content and deletes nothing"
            ) from error

    def write(self, path: Path) -> None:
        """Replace the file in one step, so that a crash leaves the old state or the new one.

        Raises:
            StateError: the file cannot be written.
        """
        fresh = path.with_name(path.name + ".new")
        try:
            private_directory(path.parent)
            with open_private(fresh, "w") as file:
                file.write(self.to_json())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise StateError(f"state file {path} cannot be written: {error.strerror}") from error
