"""How two attributes meet that refer to other objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.case import Case, Found
from tasks.mapping.counterparts import ByLinks
from tasks.mapping.names import ids_for_ids
from tasks.sides import End
from tasks.values.lossy import Lossy
from tasks.values.references import References


@dataclass(frozen=True)
class OneOfSeveral(Lossy):
    """That side refers to one object, the other one to several: it shows one of them, the first where it shows none."""

    def agrees(self, full: Any, shown: Any, base: Any) -> bool:
        """Whether it shows one of them, or none of none, and took none of them away."""
        taken = set(base.links) - set(shown.links) if isinstance(base, References) else set()
        return (
            set(shown.links) <= set(full.links)
            and bool(shown.links) == bool(full.links)
            and taken.isdisjoint(full.links)
        )

    def narrowed(self, full: Any, shown: Any) -> Any:
        """What it shows, as long as that is one of them."""
        kept = [link for link in shown.links if link in full.links]
        return References(tuple(kept[:1])) if kept else self.show(full)

    def widened(self, shown: Any, full: Any, base: Any) -> Any:
        """The others stay; of what was shown, only what is shown still."""
        gone = set(base.links) if isinstance(base, References) else set()
        return References(tuple(sorted({*shown.links, *(set(full.links) - gone)})))


def _first(value: Any) -> Any:
    return References(value.links[:1]) if isinstance(value, References) else value


def references_for_references(case: Case) -> Found:
    """Other objects at each end: by the links of a task, or by the same ids where both refer to one place."""
    same_place = set(case.left.refers_to) & set(case.right.refers_to)
    if case.pair.values or (same_place and not case.pair.links):
        if case.pair.links:
            raise TaskDefinitionError(
                f"the mapping of {case.pair.left!r} has values and links: leave one of them out"
            )
        return ids_for_ids(case)
    for end in End:
        if case.at(end).refers_to and not case.pair.links:
            raise TaskDefinitionError(
                f"{case.called(end)} refers to objects of another place than this sync has: say by links which "
                f'sync links those, {case.pair.left!r} = {{ to = "{case.pair.right}", links = "…" }}'
            )
    single = frozenset(end for end in End if case.at(end).single)
    task = case.pair.links or ""
    lossy = OneOfSeveral(next(iter(single)), _first) if len(single) == 1 else None
    told = "what each refers to is carried as its counterpart" + (
        f", by the links of {task!r}" if task else ""
    )
    if lossy is not None:
        told += f"; {case.called(End(lossy.side))} refers to one object only, to the first of several"
    return Found(ByLinks(task, single, f"links of {task}" if task else "links"), lossy, told)
