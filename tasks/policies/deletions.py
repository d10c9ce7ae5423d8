"""What a deletion does to the object across, for each direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping.case import quoted
from tasks.mapping.constants import read_value
from tasks.merge import Deletion
from tasks.policies.words import Words, listed, shown, towards, unknown
from tasks.sides import Attribute, End, Labels

_HOW = ("propagate", "unlink")
_MARK = 'a mark is { mark = "attribute", value = … }'


def read_deletions(said: Any, ends: Words, wrong: list[str]) -> dict[End, Deletion]:
    """What `delete` says, by the end at which an object would be deleted; what is wrong is added to the list."""
    keys = [f"to_{word}" for word in shown(ends)]
    if not isinstance(said, Mapping):
        wrong.append(f'delete: it is a table, such as {{ {keys[-1]} = "unlink" }}')
        return {}
    found: dict[End, Deletion] = {}
    for key, how in said.items():
        end = towards(str(key), "to_", ends)
        if end is None:
            wrong.append(unknown("delete", str(key), keys))
        elif end in found:
            wrong.append(f"delete says twice what becomes of objects of one end: leave {key!r} out")
        elif isinstance(how, Mapping):
            found[end] = _mark(f"delete.{key}", how, wrong)
        elif how in _HOW:
            found[end] = Deletion(how)
        else:
            wrong.append(f"delete.{key}: it is one of {listed(_HOW)}; {_MARK}")
    return found


def _mark(place: str, said: Mapping[str, Any], wrong: list[str]) -> Deletion:
    for key in said:
        if key not in ("mark", "value"):
            wrong.append(unknown(place, str(key), ("mark", "value")))
    attribute = said.get("mark")
    if not isinstance(attribute, str) or not attribute:
        wrong.append(f"{place}: {_MARK}")
        return Deletion("mark")
    if said.get("value", True) in (None, ""):
        wrong.append(
            f"{place}: the value of a mark says something; for an attribute that is emptied there is none"
        )
    return Deletion("mark", attribute, said.get("value", True))


def bind_deletions(
    deletions: Mapping[End, Deletion],
    described: Mapping[End, Mapping[str, Attribute]],
    mapping: Attributes,
    labels: Labels,
) -> dict[End, Deletion]:
    """The same with the values of marks as their sides take them.

    Raises:
        TaskDefinitionError: a side has no such attribute, it cannot be written, or does not take the value.
    """
    return {
        end: _bound(one, described[end], mapping, end, labels) if one.how == "mark" else one
        for end, one in deletions.items()
    }


def _bound(
    mark: Deletion, there: Mapping[str, Attribute], mapping: Attributes, end: End, labels: Labels
) -> Deletion:
    where = f"delete: the mark {mark.attribute!r} of {labels[end]}"
    if there and mark.attribute not in there:
        raise TaskDefinitionError(f"{where} is no attribute; there are {quoted(there)}")
    if there and not there[mark.attribute].writable:
        raise TaskDefinitionError(f"{where} cannot be written: choose another attribute")
    name = next(iter(mapping.named(end, [mark.attribute])), None)
    if name is not None and mapping.only_to.get(name, end) is not end:
        raise TaskDefinitionError(f"{where} goes only to {labels[end.opposite]}: choose another attribute")
    try:
        value = read_value(there[mark.attribute], mark.value) if there else mark.value
    except ValueError as error:
        raise TaskDefinitionError(f"{where}: {error}") from None
    return replace(mark, value=value, name=name)


def tell_deletions(deletions: Mapping[End, Deletion], labels: Labels) -> list[str]:
    """What becomes of objects whose counterpart is deleted, in a sentence for each end that keeps them."""
    told = []
    for end, one in deletions.items():
        here, across = labels[end], labels[end.opposite]
        if one.how == "unlink":
            told.append(f"what is deleted in {across} stays in {here}, and is synced no more")
        elif one.how == "mark":
            told.append(
                f"what is deleted in {across} stays in {here}, with {one.attribute} set to {one.value!r}, and is "
                "synced no more"
            )
    return told
