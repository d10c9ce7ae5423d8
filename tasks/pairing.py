"""A task's two sides, as one run of the engine sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tasks.conflict_modes import ConflictMode, checked_modes
from tasks.dispute import decided_by
from tasks.engine.naming import usual_title
from tasks.engine.sync import OwnSteps
from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping import Pair, bind, pairs_of, usual_pairs
from tasks.merge import Policy
from tasks.object_task import ObjectTask
from tasks.sides import Attribute, End, Labels, Side

log = logging.getLogger(__name__)

#: What the ends are called in the words of the merge.
_WORDS = {"notion": "left", "other": "right"}


class Pairing:
    """Two sides, which attribute of one goes to which of the other, and the rules of their task.

    Arguments:
        task: Whose rules they are.
        sides: What is kept in step.
        pairs: The pairs of attributes; `None`: those of one meaning.
        ends: The words that a person has for the ends.
        constants: What new objects get besides, by end and attribute.
    """

    def __init__(
        self,
        task: ObjectTask,
        sides: Mapping[End, Side],
        pairs: tuple[Pair, ...] | None,
        *,
        ends: Mapping[str, End],
        constants: Mapping[End, Mapping[str, Any]],
    ) -> None:
        self.task = task
        self.sides = sides
        self.pairs = pairs
        #: Whether the pairs are chosen by what attributes mean.
        self.chosen = pairs is None
        self.ends = ends
        self.constants = constants

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.name

    @property
    def labels(self) -> Labels:
        """What people call the sides."""
        return Labels(self.sides[End.LEFT].label, self.sides[End.RIGHT].label)

    @property
    def full_listing_every(self) -> timedelta:
        """How often a side that offers its changes is listed in full."""
        return self.task.full_listing_every

    @property
    def own(self) -> OwnSteps | None:
        """What the task has written itself of a run; nothing."""
        return None

    def names_at(self, end: End) -> Mapping[str, str]:
        """What an end calls the attributes, as far as that is known before the sides are described."""
        return {pair.name: pair.at(end) for pair in self.pairs or ()}

    def mapped(self, described: Mapping[End, Mapping[str, Attribute]]) -> Attributes:
        """Which attribute goes to which, through which converter.

        Raises:
            TaskDefinitionError: a side has no such attribute, two kinds cannot meet, or titles do not.
        """
        left, right = described[End.LEFT], described[End.RIGHT]
        places = Labels(*(self.sides[end].full_label for end in End))
        try:
            pairs = self.pairs or ()
            self.pairs = usual_pairs(left, right, pairs) if self.chosen else pairs
            if self.chosen:
                chosen = ", ".join(f"{pair.left} = {pair.right}" for pair in self.pairs)
                log.info("Task %r syncs %s.", self.task.name, chosen)
            words = {end: word for word, end in self.ends.items()}
            mapping = bind(self.pairs, left, right, places, self.constants, end_words=words)
            _check_titles(self.pairs, left, right, places)
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"task {self.task.name!r}: {error}") from None
        return mapping

    def policy(self, mapping: Attributes, *, scope_changed: bool = False) -> Policy:
        """How the sides are brought together.

        Raises:
            TaskDefinitionError: a mode of a single attribute does not fit.
        """
        known = {name: mapping.name_at(End.RIGHT, name) for name in mapping.names}
        modes = checked_modes(self.task.name, known, self.task.conflict_modes)
        of_pairs = {pair.name: pair.mode for pair in self.pairs or () if pair.mode is not None}
        lossy = {
            name: replace(one, side=_WORDS.get(one.side, one.side)) for name, one in self.task.lossy.items()
        }
        return Policy(
            attributes=mapping.names,
            mode=_mode(self.task.conflict_mode),
            granularity=max(side.granularity for side in self.sides.values()),
            modes={**of_pairs, **{name: _mode(mode) for name, mode in modes.items()}},
            resolver=None if self.task.resolver is None else decided_by(self.task.resolver),
            edit_beats_delete=self.task.edit_beats_delete,
            lossy={**mapping.lossy, **lossy},
            only_to=mapping.only_to,
            scope_changed=scope_changed,
            delete_share=self.task.delete_share,
            change_share=self.task.change_share,
            handful=self.task.handful,
            labels=self.labels,
        )

    def title_of(self, mapping: Attributes) -> str:
        """The attribute by which people call an object."""
        if self.task.title_attr in mapping.names:
            return str(self.task.title_attr)
        return usual_title({name: mapping.name_at(End.RIGHT, name) for name in mapping.names})

    def recall_pairs(self, remembered: Any) -> None:
        """Go on with the pairs that an earlier run chose; attributes that came since may be added to them."""
        if self.chosen and remembered:
            self.pairs = pairs_of(remembered, self.ends)

    def remembered_pairs(self) -> Any:
        """Which pairs were chosen: a column that is renamed later is missed, not dropped."""
        return {pair.left: pair.right for pair in self.pairs or ()}


def _mode(mode: ConflictMode) -> str:
    return _WORDS.get(mode.value, mode.value)


def _check_titles(
    pairs: Iterable[Pair], left: Mapping[str, Attribute], right: Mapping[str, Attribute], labels: Labels
) -> None:
    """Make sure that the titles, by which objects are paired that were never linked, are kept in step."""
    one, other = (
        next((name for name, attribute in side.items() if attribute.meaning == "title"), None)
        for side in (left, right)
    )
    if one is None or other is None or (one, other) in {(pair.left, pair.right) for pair in pairs}:
        return
    raise TaskDefinitionError(
        f"the title {one!r} of {labels.left} must be mapped to {other!r} of {labels.right}: "
        "objects that are the same thing are found by it"
    )
