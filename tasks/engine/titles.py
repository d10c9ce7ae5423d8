"""What people call the objects to which those of a plan refer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tasks.engine.naming import title_in
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import Action, Change, Conflict, Create, Delete, End, Plan, Restore, Update, Withdraw
from tasks.values.references import Linked, References


async def titled(plan: Plan, running: Running, base: Base, views: Mapping[End, SideView]) -> Plan:
    """The plan with the titles of what its objects refer to; they decide nothing.

    Raises:
        StateError: the links of another task cannot be read.
    """
    attributes = running.mapping.by_links
    wanted: dict[str, set[Linked]] = {name: set() for name in attributes}
    for action in plan.actions if attributes else ():
        for name, value in _values_in(action):
            if name in wanted and isinstance(value, References):
                wanted[name] |= set(value.links)
    titles: dict[str, dict[Linked, str]] = {}
    for name, pairs in wanted.items():
        task = attributes[name].task
        found = (
            await _of_another(running, task, pairs) if task else await _of_this(running, base, views, pairs)
        )
        if found:
            titles[name] = found
    if not titles:
        return plan

    def called(name: str, value: Any) -> Any:
        known = titles.get(name)
        return value.with_titles(known) if known and isinstance(value, References) else value

    return replace(plan, actions=tuple(_with(action, called) for action in plan.actions))


def _values_in(action: Action) -> Iterator[tuple[str, Any]]:
    match action:
        case Update():
            for name, change in action.changes.items():
                yield from ((name, change.old), (name, change.new))
        case Create() | Delete() | Restore() | Withdraw():
            yield from action.values.items()
        case Conflict(attribute=str(name)):
            yield from ((name, value) for value in (action.base, action.left, action.right))
        case Conflict():
            for values in (action.base, action.left, action.right):
                yield from (values or {}).items()


def _with(action: Action, called: Callable[[str, Any], Any]) -> Action:
    def all_called(values: Any) -> Any:
        return None if values is None else {name: called(name, value) for name, value in values.items()}

    match action:
        case Update():
            changes = {
                name: Change(called(name, change.old), called(name, change.new))
                for name, change in action.changes.items()
            }
            return replace(action, changes=changes)
        case Create() | Delete() | Restore() | Withdraw():
            return replace(action, values=all_called(action.values))
        case Conflict():
            name, values = action.attribute, (action.base, action.left, action.right)
            base, left, right = (
                all_called(value) if name is None else called(name, value) for value in values
            )
            return replace(action, base=base, left=left, right=right)
    return action


async def _of_this(
    running: Running, base: Base, views: Mapping[End, SideView], pairs: set[Linked]
) -> dict[Linked, str]:
    """The titles that both sides show, or showed when they agreed last."""
    attribute = running.sync.title_of(running.mapping)
    links = {(link.left_id, link.right_id): link for link in base.links} if pairs else {}
    if base.rest and (
        others := pairs - links.keys()
    ):  # of those the run knows no more than that they are linked
        asked = await running.journal.links(End.LEFT, [left for left, _ in others])
        links |= {(link.left_id, link.right_id): link for link in asked}
    found: dict[Linked, str] = {}
    for pair in pairs:
        for end, one in zip(End, pair, strict=True):
            record = views[end].snapshot.records.get(one)
            shown = record.values if record is not None else links[pair].base_on(end) if pair in links else {}
            title = shown.get(attribute)
            if isinstance(title, str) and title and pair not in found:
                found[pair] = title
    return found


async def _of_another(running: Running, task: str, pairs: set[Linked]) -> dict[Linked, str]:
    """The titles that both sides of another task showed when they agreed last."""
    if not pairs:
        return {}
    turned = running.sync.turns(task)
    links = await running.journal.beside(task).links(
        End.RIGHT if turned else End.LEFT, [left for left, _ in pairs]
    )
    return {
        (link.right_id, link.left_id) if turned else (link.left_id, link.right_id): title
        for link in links
        if (title := title_in(link.left) or title_in(link.right))
    }
