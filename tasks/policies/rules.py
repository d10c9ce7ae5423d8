"""All that a task says besides its mapping, read once and held against both sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypedDict

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping import Pair
from tasks.merge import Deletion, Filter, Match, Window
from tasks.policies.columns import Columns, StatusColumns, bind_columns, read_columns, tell_columns
from tasks.policies.deletions import bind_deletions, read_deletions, tell_deletions
from tasks.policies.matching import (
    bind_match,
    read_creates,
    read_match,
    read_settle,
    read_spares,
    tell_matching,
)
from tasks.policies.mirrors import against_mirror, read_mirror, tell_mirror
from tasks.policies.scopes import (
    bind_filters,
    bind_window,
    read_filters,
    read_leaves,
    read_window,
    tell_scope,
)
from tasks.policies.words import Words
from tasks.sides import Attribute, End, Labels


class Said(TypedDict, total=False):
    """The rules of a task in a person's words, each as a `[[sync]]` table has it."""

    #: What a deletion does to the object across: `{"to_notion": "unlink", "to_other": {"mark": …, "value": …}}`.
    delete: Mapping[str, str | Mapping[str, Any]]
    #: The only end that is written: the other one is mirrored there.
    only_to: str
    #: What becomes of edits in a mirror: `"overwrite"` or `"keep"`.
    target_edits: str
    #: What becomes of a pair of which one leaves what the task takes: `"unlink"`, `"keep"` or `"delete"`, or such a
    #: word by the end that is left: `{"from_notion": "delete"}`.
    leave: str | Mapping[str, str]
    #: Only objects whose time is near: `{"attribute": "due", "past": "30d", "future": "180d", "undated": "keep"}`.
    window: Mapping[str, str]
    #: Only objects with certain values, by end and attribute: `{"notion": {"Status": ["Open", "Doing"]}}`.
    only: Mapping[str, Mapping[str, Any]]
    #: The mapped attributes in which objects are equal that are the same thing, or `{"by": […], "fold": False}`.
    match: Sequence[str] | Mapping[str, Any]
    #: Where new objects are made: `"both"`, `"to_notion"`, `"to_other"` or `"neither"`.
    create: str
    #: Where something is made of what is there when the task syncs first; the same words.
    first_sync: str
    #: How long an object must have been left alone before it is synced, such as `"30s"`.
    settle: str
    #: Attributes in which the task itself tells of the sync, by end: `{"notion": {"address": "Counterpart", "synced":
    #: "Last synced", "state": "Sync", "when": "written"}}`.
    columns: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What was said, with its ends known."""

    #: By the end at which an object would be deleted.
    deletions: Mapping[End, Deletion] = field(default_factory=dict)

    #: The only end that is written; `None`: both.
    only_to: End | None = None
    keeps_target_edits: bool = False

    #: By the end that is left.
    leaves: Mapping[End, str] = field(default_factory=dict)
    leave_said: bool = False
    window: Window | None = None
    filters: Mapping[End, Mapping[str, Any]] = field(default_factory=dict)

    match: Match | None = None
    creates: frozenset[End] = frozenset(End)
    #: The ends of which nothing is made across that was there before the first sync.
    spares: frozenset[End] = frozenset()
    settle: timedelta = timedelta(0)
    columns: Mapping[End, Columns] = field(default_factory=dict)

    def directed(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        """The pairs, each going only where the task writes."""
        return tuple(
            pair if self.only_to is None else replace(pair, only_to=self.only_to, mode=None) for pair in pairs
        )

    def check_pairs(self, pairs: Iterable[Pair], ends: Words) -> None:
        """Hold the rules against what goes where.

        Raises:
            TaskDefinitionError: an attribute is to be written where nothing is.
        """
        wrong = against_mirror(pairs, self.only_to, ends)
        if wrong:
            raise TaskDefinitionError("; ".join(wrong))

    def also_read(self, end: End) -> Collection[str]:
        """What has to be read of an end besides what is mapped, by its own names."""
        deletion = self.deletions.get(end)
        mark = [deletion.attribute] if deletion is not None and deletion.attribute else []
        return [*mark, *self.filters.get(end, ())]

    @property
    def scope(self) -> str:
        """What is taken, in any words: other words than before, and both sides are looked at as a whole."""
        taken = {end.value: dict(wanted) for end, wanted in self.filters.items()}
        return repr((taken, self.window)) if taken or self.window else ""

    def bind(
        self,
        described: Mapping[End, Mapping[str, Attribute]],
        mapping: Attributes,
        labels: Labels,
        known: Mapping[End, Collection[str]] = MappingProxyType({}),
    ) -> Bound:
        """The rules as the merge asks for them.

        Args:
            described: the attributes of both sides.
            mapping: which of them are synced.
            labels: what people call the sides.
            known: the columns that fitted in earlier runs.

        Raises:
            TaskDefinitionError: they name an attribute or a value that a side does not have.
        """
        deletions = bind_deletions(self.deletions, described, mapping, labels)
        told = tell_mirror(self.only_to, labels, keeps=self.keeps_target_edits)
        filters = bind_filters(self.filters, described, labels)
        window = None if self.window is None else bind_window(self.window, described, mapping)
        scope = tell_scope(filters, window, self.leaves, labels)
        match = None if self.match is None else bind_match(self.match, described, mapping)
        used = {end: self.also_read(end) for end in End}
        columns = bind_columns(self.columns, described, mapping, used, known, labels)
        more = (
            *tell_deletions(deletions, labels),
            *tell_matching(match, self.creates, self.spares, self.settle, labels),
            *tell_columns(columns, labels),
        )
        return Bound(deletions, filters, window, match, columns, (*told, *scope, *more))


@dataclass(frozen=True, slots=True)
class Bound:
    """The rules, held against what both sides have."""

    deletions: Mapping[End, Deletion] = field(default_factory=dict)
    filters: Mapping[End, tuple[Filter, ...]] = field(default_factory=dict)
    window: Window | None = None
    match: Match | None = None
    columns: Mapping[End, StatusColumns] = field(default_factory=dict)
    #: What they do, in sentences for the one who looks at a plan.
    told: tuple[str, ...] = ()


NO_RULES = Rules()


def read_rules(said: Mapping[str, Any], ends: Words) -> Rules:
    """The rules that a person's words say.

    Args:
        said: as in `Said`.
        ends: the words for the ends.

    Raises:
        TaskDefinitionError: all that is wrong with them, in one line.
    """
    wrong: list[str] = []
    only_to, keeps = read_mirror(said, ends, wrong)
    leaves = read_leaves(said.get("leave", "unlink"), ends, only_to, wrong)
    rules = Rules(
        deletions=read_deletions(said["delete"], ends, wrong) if "delete" in said else {},
        only_to=only_to,
        keeps_target_edits=keeps,
        leaves=leaves,
        leave_said="leave" in said,
        window=read_window(said["window"], leaves, only_to, wrong) if "window" in said else None,
        filters=read_filters(said["only"], ends, wrong) if "only" in said else {},
        match=read_match(said["match"], wrong) if "match" in said else None,
        creates=read_creates("create", said.get("create", "both"), ends, only_to, wrong),
        spares=read_spares(said.get("first_sync", "both"), ends, only_to, wrong),
        settle=read_settle(said["settle"], wrong) if "settle" in said else timedelta(0),
        columns=read_columns(said["columns"], ends, only_to, wrong) if "columns" in said else {},
    )
    if only_to is not None and only_to.opposite in rules.deletions:
        wrong.append("delete: nothing is deleted in the source of a mirror: leave its key out")
    if wrong:
        raise TaskDefinitionError("; ".join(wrong))
    return rules
