"""The pairs that a person writes down, and the ones that go without saying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.case import quoted
from tasks.mapping.mapping import Pair
from tasks.mapping.rules import rule_for
from tasks.sides import Attribute, End

#: What a pair may say.
PAIR_KEYS = ("to", "only_to", "values", "conflict_mode", "links", "format", "zone", "default")
_MODES = ("newer", "error")
#: Two meanings that are one thing: how far something is, and whether it is done.
_PROGRESS = ("status", "done")


def pairs_of(mapping: Mapping[str, str | Mapping[str, Any]], ends: Mapping[str, End]) -> tuple[Pair, ...]:
    """The pairs that a mapping says, such as `{"Name": "summary", "Status": {"to": "status", "values": {…}}}`.

    Args:
        mapping: by attribute of the left side, that of the right side, or a table with `to` and whatever else is to
            be said of them: `only_to`, `values`, `conflict_mode`, `links`, `format`, `zone`, `default`.
        ends: the words for the two ends, such as `{"board": End.LEFT, "phone": End.RIGHT}`; `left` and `right` are
            understood besides.

    Raises:
        TaskDefinitionError: it says nothing, something twice, or something that is not understood.
    """
    if not mapping:
        raise TaskDefinitionError("the mapping is empty, so there is nothing to keep in step")
    known = {**{end.value: end for end in End}, **ends}
    pairs = tuple(_pair(left, said, known, ends) for left, said in mapping.items())
    rights = [pair.right for pair in pairs]
    twice = sorted({right for right in rights if rights.count(right) > 1})
    if twice:
        raise TaskDefinitionError(f"the mapping names {', '.join(twice)} more than once")
    return pairs


def _pair(left: str, said: Any, known: Mapping[str, End], ends: Mapping[str, End]) -> Pair:
    if isinstance(said, str):
        said = {"to": said}
    where = f"the mapping of {left!r}"
    if not isinstance(said, Mapping):
        raise TaskDefinitionError(f'{where} is no attribute of the other side: write {left!r} = "…"')
    unknown = [key for key in said if key not in PAIR_KEYS]
    if unknown:
        raise TaskDefinitionError(f"{where} says {quoted(unknown)}; it can say {', '.join(PAIR_KEYS)}")
    right, values = said.get("to"), said.get("values", {})
    if not isinstance(right, str) or not right:
        raise TaskDefinitionError(f'{where} does not say to which attribute: add to = "…"')
    if not isinstance(values, Mapping):
        raise TaskDefinitionError(f"{where}: values is a table of what options stand for, {{ Option = … }}")
    links = said.get("links")
    if links is not None and (not isinstance(links, str) or not links):
        raise TaskDefinitionError(f"{where}: links is the name of the sync that links what it refers to")
    for key, example in (("format", "%d.%m.%Y"), ("zone", "Europe/Berlin")):
        if key in said and (not isinstance(said[key], str) or not said[key].strip()):
            raise TaskDefinitionError(f'{where}: {key} is a text, such as "{example}"')
    only_to = said.get("only_to")
    if only_to is not None and only_to not in known:
        raise TaskDefinitionError(
            f"{where}: only_to is {only_to!r}, but the ends are {quoted(ends or known)}"
        )
    mode = said.get("conflict_mode")
    if mode is not None and mode not in known and mode not in _MODES:
        words = quoted([*_MODES, *(ends or known)])
        raise TaskDefinitionError(f"{where}: conflict_mode is {mode!r}, but there are {words}")
    if mode is not None and only_to is not None:
        raise TaskDefinitionError(
            f"{where} goes only to {only_to}, so that nothing is in conflict: leave conflict_mode out"
        )
    end = None if only_to is None else known[only_to]
    mode = known[mode].value if mode is not None and mode in known else mode
    defaults = _defaults(where, said["default"], known, ends) if "default" in said else {}
    return Pair(left, right, end, dict(values), mode, links, said.get("format"), said.get("zone"), defaults)


def _defaults(
    where: str, said: Any, known: Mapping[str, End], ends: Mapping[str, End]
) -> dict[End | None, Any]:
    """What new objects get where the value across is empty, by their end."""
    if not isinstance(said, Mapping):
        return {None: said}
    strange = [word for word in said if word not in known]
    if strange or not said:
        raise TaskDefinitionError(
            f"{where}: default is a value, or a table with one for {quoted(ends or known)}"
            + (f", not for {quoted(strange)}" if strange else "")
        )
    return {known[word]: value for word, value in said.items()}


def usual_pairs(
    left: Mapping[str, Attribute], right: Mapping[str, Attribute], kept: Iterable[Pair] = ()
) -> tuple[Pair, ...]:
    """The pairs of attributes that mean the same, of kinds that go together, and can be written at both ends.

    Args:
        left: what the left side has.
        right: what the right side has.
        kept: pairs that were chosen before, whatever their attributes are called by now; they come first.
    """
    pairs = list(kept)
    taken = {end: {pair.at(end) for pair in pairs} for end in End}
    used = {left[pair.left].meaning for pair in pairs if pair.left in left}
    used |= {right[pair.right].meaning for pair in pairs if pair.right in right}

    def add(here: str, there: str) -> None:
        """Pair the first attributes with these meanings that fit."""
        if here in used or there in used:
            return
        for left_name in _named(left, here, taken[End.LEFT]):
            for right_name in _named(right, there, taken[End.RIGHT]):
                rule = rule_for(left[left_name].kind, right[right_name].kind)
                if rule is not None and not rule.one_way:
                    pairs.append(Pair(left_name, right_name))
                    used.update(_PROGRESS if here in _PROGRESS else (here,))
                    return

    if not used.isdisjoint(_PROGRESS):  # it would be the same thing twice
        used.update(_PROGRESS)
    meanings = list(dict.fromkeys(attribute.meaning for attribute in left.values() if attribute.meaning))
    for meaning in sorted(meanings, key=lambda meaning: (meaning != "title", meaning == "done")):
        add(meaning, meaning)
    add("status", "done")
    add("done", "status")
    return tuple(pairs)


def _named(attributes: Mapping[str, Attribute], meaning: str, taken: Iterable[str]) -> list[str]:
    return [
        name
        for name, attribute in attributes.items()
        if attribute.meaning == meaning and attribute.writable and name not in taken
    ]
