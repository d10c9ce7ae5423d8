"""A conflict, as a task's resolver is asked to decide it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks import merge
from tasks.sides import ID


@dataclass(frozen=True, slots=True)
class Dispute:
    """One attribute that both sides changed to different values."""

    notion_id: ID
    other_id: ID
    attribute: str
    #: What both agreed on last; `None` also where they never did.
    base: Any
    notion: Any
    other: Any
    notion_edited: datetime | None
    other_edited: datetime | None


def decided_by(resolver: Callable[[Dispute], Any]) -> Callable[[merge.Dispute], Any]:
    """A task's resolver, as the merge asks it."""

    def decide(dispute: merge.Dispute) -> Any:
        return resolver(
            Dispute(
                dispute.left_id,
                dispute.right_id,
                dispute.attribute,
                dispute.base,
                dispute.left,
                dispute.right,
                dispute.left_edited,
                dispute.right_edited,
            )
        )

    return decide
