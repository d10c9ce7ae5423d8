"""Which models have to be there before others."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from tasks.database.exceptions import CircularDependencyError, InvalidParameterError, UnknownDependencyError

T = TypeVar("T", bound=Hashable)


class DependencyGraph:
    """Orders models so that each comes after those it depends on; equals are in alphabetical order.

    Args:
        edges: by model, the models that its foreign keys point to.
        deferred_edges: the same for nullable foreign keys that are filled in afterwards; circles are well here.

    Raises:
        InvalidParameterError: a label is empty.
        UnknownDependencyError: a model depends on one that is not named.
        CircularDependencyError: models depend on each other by edges that are not deferred.
    """

    def __init__(
        self,
        edges: Mapping[str, Iterable[str]],
        deferred_edges: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        deferred = {label: set(parents) for label, parents in (deferred_edges or {}).items()}
        if any(not label for label in [*edges, *deferred]):
            raise InvalidParameterError("edges must not contain empty labels")
        self._deferred = deferred
        self._edges = {label: set(parents) - deferred.get(label, set()) for label, parents in edges.items()}
        known = set(self._edges)
        for label, parents in [*self._edges.items(), *deferred.items()]:
            if unknown := (parents | {label}) - known:
                raise UnknownDependencyError(
                    f"Model {label!r} declares dependencies on unknown models: {', '.join(sorted(unknown))}"
                )
        self._order = self._compute_order()

    def dependencies(self, label: str) -> set[str]:
        """The models that must be there before this one."""
        return set(self._edges.get(label, set()))

    def deferred(self, label: str) -> set[str]:
        """The models that this one points to by foreign keys filled in afterwards."""
        return set(self._deferred.get(label, set()))

    def known_models(self) -> frozenset[str]:
        """All models."""
        return frozenset(self._edges)

    def sync_order(self) -> list[str]:
        """All models, each after those it depends on."""
        return list(self._order)

    def _compute_order(self) -> list[str]:
        # A model that points to itself is no circle among models; its records are retried until they fit.
        waiting = {label: parents - {label} for label, parents in self._edges.items()}
        children: dict[str, list[str]] = {label: [] for label in waiting}
        for label, parents in waiting.items():
            for parent in parents:
                children[parent].append(label)
        left = {label: len(parents) for label, parents in waiting.items()}
        ready = [label for label, count in left.items() if not count]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            label = heapq.heappop(ready)
            order.append(label)
            for child in children[label]:
                left[child] -= 1
                if not left[child]:
                    heapq.heappush(ready, child)
        if len(order) < len(waiting):
            circle = ", ".join(sorted(set(waiting) - set(order)))
            raise CircularDependencyError(
                f"Models depend on each other in a circle: {circle}; name one of the edges in deferred_edges"
            )
        return order


def in_order(items: Iterable[T], later: Mapping[T, Iterable[T]]) -> list[T]:
    """The items, each before those that are to come `later` than it; what is in a circle, or behind one, ends it."""
    left = dict.fromkeys(items, 0)
    for item in left:
        for follower in later.get(item, ()):
            if follower in left:
                left[follower] += 1
    order = [item for item, count in left.items() if not count]
    for item in order:  # it grows meanwhile
        for follower in later.get(item, ()):
            if follower in left:
                left[follower] -= 1
                if not left[follower]:
                    order.append(follower)
    done = set(order)
    return [*order, *(item for item in left if item not in done)]
