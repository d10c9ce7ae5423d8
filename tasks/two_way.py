"""A task that keeps any two sides in step."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Unpack

from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair, pairs_of
from tasks.object_task import ObjectTask
from tasks.pairing import Pairing
from tasks.policies import Said, read_rules
from tasks.sides import End, Side

#: The mode in which one end has its word, by that end.
_MODES = {End.LEFT: ConflictMode.NOTION, End.RIGHT: ConflictMode.OTHER}


class TwoWay(ObjectTask):
    """Two sides, and which attribute of one goes to which of the other.

        TwoWay("todos", notion.DataSource("…"), caldav.Todos("…"), {"Name": "summary", "Due": "due"})

    Arguments:
        name: The task's name.
        notion: The side on the left, of which a tie keeps the value.
        other: The side on the right.
        mapping: The right side's attribute by the left side's; or, in its place, `to` with `only_to`, `values`,
            `format`, `default` and the like of it. Without a mapping, attributes of one meaning go together.
        conflict_mode: Which value stays where both sides changed it.
        constants: What new objects get besides, by end (`notion` or `other`) and attribute.
        ends: Further words for the ends, such as the names of their services.
        said: Further rules, as `tasks.policies.Said` lists them: what a deletion does, and the like.

    Raises:
        TaskDefinitionError: an argument does not fit.
    """

    def __init__(
        self,
        name: str,
        notion: Side,
        other: Side,
        mapping: Mapping[str, str | Mapping[str, Any]] | None = None,
        conflict_mode: ConflictMode | str = ConflictMode.NEWER,
        *,
        constants: Mapping[str, Mapping[str, Any]] | None = None,
        ends: Mapping[str, End] = MappingProxyType({}),
        **said: Unpack[Said],
    ) -> None:
        self.end_words = {**ObjectTask.end_words, **ends}
        super().__init__(
            name, _MODES[self.end_words[conflict_mode]] if conflict_mode in ends else conflict_mode
        )
        self.sides: Mapping[End, Side] = {End.LEFT: notion, End.RIGHT: other}
        self.pairs: tuple[Pair, ...] | None
        try:
            self.pairs = None if mapping is None else pairs_of(mapping, self.end_words)
            self.rules = read_rules(said, self.end_words)
            self.rules.check_pairs(self.pairs or (), self.end_words)
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"task {name!r}: {error}") from None
        self.constants = {self.end_words[end]: values for end, values in (constants or {}).items()}

    def pairing(self) -> Pairing:
        """Its sides and pairs, for one run."""
        return Pairing(self, self.sides, self.pairs, ends=self.end_words, constants=self.constants)
