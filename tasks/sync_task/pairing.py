"""A `SyncTask` as the engine sees it: two sides made of its methods, and its own steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.mapping import AsItIs, Mapped, Pair
from tasks.mapping import Mapping as Attributes
from tasks.merge import Policy
from tasks.pairing import Pairing
from tasks.sides import Attribute, End
from tasks.sync_task.overrides import Overrides
from tasks.sync_task.sides import MethodSide


class MethodPairing(Pairing):
    """The two sides of a task that was written as one class.

    Arguments:
        task: The task.
        page: The class whose methods are no task's own.
    """

    def __init__(self, task: Any, page: type) -> None:
        sides = {
            End.LEFT: MethodSide(task, "notion", "Notion"),
            End.RIGHT: MethodSide(task, "other", "the other side"),
        }
        super().__init__(task, sides, None, ends={}, constants={})
        self._overrides = Overrides(task, page)

    @property
    def own(self) -> Overrides | None:
        """The steps that a subclass has written itself."""
        return self._overrides if self._overrides.any else None

    def names_at(self, end: End) -> Mapping[str, str]:
        """What an end calls the attributes."""
        return {name: name for name in self._attr_map} if end is End.LEFT else self._attr_map

    def mapped(self, described: Mapping[End, Mapping[str, Attribute]]) -> Attributes:
        """The pairs of `attr_map`, as they are."""
        forms = self._overrides.task.attr_forms()
        pairs = (
            Mapped(Pair(left, right), AsItIs(forms.get(left, ""))) for left, right in self._attr_map.items()
        )
        return Attributes(pairs, spelled="attr_map")

    def policy(self, mapping: Attributes, *, scope_changed: bool = False) -> Policy:
        """How the sides are brought together; by the task's own `resolve_conflict`, where it has written one."""
        policy = super().policy(mapping, scope_changed=scope_changed)
        return replace(policy, by_method=self._overrides.has("resolve_conflict"))

    def recall_pairs(self, remembered: Any) -> None:
        """`attr_map` says which they are."""

    def remembered_pairs(self) -> Any:
        """`attr_map` says which they are."""
        return None

    @property
    def _attr_map(self) -> Mapping[str, str]:
        return self._overrides.task.attr_map  # type: ignore[no-any-return]
