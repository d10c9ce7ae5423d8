"""Which value stays when both sides changed the same attribute."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tasks.errors import TaskDefinitionError


class ConflictMode(StrEnum):
    """Which value stays when both sides changed the same attribute; the other goes to the ledger."""

    #: Neither: both sides stay as they are and the run says so.
    ERROR = "error"
    #: The one of the object that was edited last; within a side's granularity, Notion's.
    NEWER = "newer"
    NOTION = "notion"
    OTHER = "other"


def checked_mode(task: str, mode: ConflictMode | str) -> ConflictMode:
    """The mode of a whole task.

    Raises:
        TaskDefinitionError: there is no such mode.
    """
    try:
        return ConflictMode(mode)
    except ValueError:
        modes = ", ".join(ConflictMode)
        raise TaskDefinitionError(
            f"task {task!r}: conflict mode {mode!r} is unknown, use one of {modes}"
        ) from None


def checked_modes(
    task: str, attr_map: Mapping[str, str] | None, modes: Mapping[str, ConflictMode | str]
) -> dict[str, ConflictMode]:
    """The conflict modes of single attributes; without an `attr_map` it is not known yet which there are.

    Raises:
        TaskDefinitionError: an attribute or a mode is unknown.
    """
    unknown = sorted(modes.keys() - attr_map.keys()) if attr_map is not None else []
    if attr_map is not None and unknown:
        raise TaskDefinitionError(
            f"task {task!r}: conflict modes are given for {', '.join(unknown)}, which attr_map does not name; it "
            f"names {', '.join(sorted(attr_map))}"
        )
    return {attribute: checked_mode(task, mode) for attribute, mode in modes.items()}
