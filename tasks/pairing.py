"""A task's two sides, as one run of the engine sees them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tasks.conflict_modes import ConflictMode, checked_modes
from tasks.dispute import decided_by
from tasks.engine.naming import usual_title
from tasks.engine.sync import OwnSteps
from tasks.errors import TaskDefinitionError
from tasks.linked_tasks import turned
from tasks.mapping import Mapping as Attributes
from tasks.mapping import Pair, bind, pairs_of, usual_pairs
from tasks.merge import Filter, Match, Policy
from tasks.object_task import ObjectTask
from tasks.policies import Bound, StatusColumns
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
        #: The task's rules, once the sides are described.
        self.bound = Bound()
        #: The status columns that fitted in earlier runs, by end.
        self.known_columns: dict[End, Collection[str]] = {}
        #: Of each other task by whose links references go across, whether its ends stand the other way round.
        self.turned: dict[str, bool] = {}

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
            pairs = usual_pairs(left, right, pairs) if self.chosen else pairs
            self.pairs = tuple(map(self._with_links, self.task.rules.directed(pairs)))
            if self.chosen:
                chosen = ", ".join(f"{pair.left} = {pair.right}" for pair in self.pairs)
                log.info("Task %r syncs %s.", self.task.name, chosen)
            words = {end: word for word, end in self.ends.items()}
            mapping = bind(self.pairs, left, right, places, self.constants, end_words=words)
            for pair in self.pairs:
                if pair.links is not None:
                    self.turned[pair.links] = turned(pair, self.sides, described)
            if self.task.rules.match is None:
                _check_titles(self.pairs, left, right, places)
            self.bound = self.task.rules.bind(described, mapping, self.labels, self.known_columns)
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"task {self.task.name!r}: {error}") from None
        return mapping

    def _with_links(self, pair: Pair) -> Pair:
        """A pair that names its own task says what goes without saying."""
        return replace(pair, links=None) if pair.links == self.name else pair

    def turns(self, task: str) -> bool:
        """Whether the ends of a task by whose links references go across stand the other way round."""
        return self.turned[task]

    def writes(self, end: End) -> bool:
        """Whether its task writes an end; a mirror never writes its source."""
        return self.task.rules.only_to in (None, end)

    @property
    def match(self) -> Match | None:
        """By which values its task pairs objects."""
        return self.bound.match

    def filters(self, end: End) -> tuple[Filter, ...]:
        """What its task takes of an end."""
        return self.bound.filters.get(end, ())

    def scope(self) -> str:
        """What its task takes of what the sides list."""
        return self.task.rules.scope

    def also_read(self, end: End) -> Collection[str]:
        """What its rules look at besides what is mapped."""
        return self.task.rules.also_read(end)

    @property
    def columns(self) -> Mapping[End, StatusColumns]:
        """Where its task tells people of the sync."""
        return self.bound.columns

    def recall_columns(self, known: Mapping[End, Collection[str]]) -> None:
        """Take over which status columns fitted in earlier runs."""
        self.known_columns = dict(known)

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
            deletions=self.bound.deletions,
            mirror_to=self.task.rules.only_to,
            leaves=self.task.rules.leaves,
            leave_said=self.task.rules.leave_said,
            window=self.bound.window,
            plainly=self.bound.match is not None,
            creates=self.task.rules.creates,
            spares=self.task.rules.spares,
            settle=self.task.rules.settle,
            keeps_target_edits=self.task.rules.keeps_target_edits,
            lossy={**mapping.lossy, **lossy},
            only_to=mapping.only_to,
            defaults={end: mapping.common_defaults(end) for end in End},
            single={name: one.single for name, one in mapping.by_links.items()},
            inward=frozenset(name for name, one in mapping.by_links.items() if not one.task),
            scope_changed=scope_changed,
            delete_share=self.task.delete_share,
            change_share=self.task.change_share,
            handful=self.task.handful,
            labels=self.labels,
            told=self.bound.told,
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
