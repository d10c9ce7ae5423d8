"""A mapping is bound to what both sides have: for each pair a converter is chosen, or it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import replace
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.case import Case, quoted
from tasks.mapping.constants import read_constants
from tasks.mapping.defaults import default_end, read_defaults, tell_defaults
from tasks.mapping.mapping import Mapped, Mapping, Pair
from tasks.mapping.midnight import at_midnight
from tasks.mapping.rules import Rule, partners, rule_for
from tasks.mapping.spelled import FORMATTED
from tasks.sides import Attribute, End, Kind, Labels
from tasks.sides.ends import UNLABELLED

#: What the ends are called in a mapping, where nobody says otherwise.
_WORDS = {end: end.value for end in End}


def bind(
    pairs: Iterable[Pair],
    left: Values[str, Attribute],
    right: Values[str, Attribute],
    labels: Labels = UNLABELLED,
    constants: Values[End, Values[str, Any]] | None = None,
    *,
    end_words: Values[End, str] = _WORDS,
    spelled: str = "the mapping",
) -> Mapping:
    """Choose how the values of each pair meet.

    Args:
        pairs: the attributes that are kept in step.
        left: what the left side has. Where neither side says what it has, values are taken as they are.
        right: what the right side has.
        labels: what people call the sides.
        constants: by end, what new objects there get besides, by the side's own names.
        end_words: what the mapping calls the ends, for a mend that names one.
        spelled: what its author calls the mapping.

    Raises:
        TaskDefinitionError: there are no pairs, an attribute is not there, cannot be written, does not go together
            with the other one, or options do not fit. Every pair that is refused is named, each with its mend.
    """
    ends = {End.LEFT: left, End.RIGHT: right}
    taken = tuple(pairs)
    if not taken:
        raise TaskDefinitionError(
            f"no attribute of {labels.left} means the same as one of {labels.right}: say in a map which go together"
        )
    if not left and not right:
        return Mapping(map(_as_it_is, taken), constants, spelled=spelled)
    problems: list[str] = []
    mapped: list[Mapped] = []
    warnings: list[str] = []
    for pair in taken:
        try:
            one, warning = _met(pair, ends, labels, end_words)
        except TaskDefinitionError as error:
            problems.append(str(error))
            continue
        mapped.append(one)
        if warning:
            warnings.append(warning)
    fixed: dict[End, dict[str, Any]] = {}
    for end, given in (constants or {}).items():
        try:
            written = {pair.at(end) for pair in taken if pair.only_to is not end.opposite}
            fixed[end] = read_constants(ends[end], given, written, labels[end])
        except TaskDefinitionError as error:
            problems.append(str(error))
    if problems:
        raise TaskDefinitionError("; ".join(problems))
    return Mapping(mapped, fixed, spelled=spelled, warnings=warnings)


def _as_it_is(pair: Pair) -> Mapped:
    """A pair of sides that do not say what they have."""
    return Mapped(pair, defaults={default_end(pair, end): value for end, value in pair.defaults.items()})


def _met(
    pair: Pair, ends: Values[End, Values[str, Attribute]], labels: Labels, end_words: Values[End, str]
) -> tuple[Mapped, str]:
    """A pair with its converter, and a warning."""
    for end in End:
        if pair.at(end) not in ends[end]:
            raise TaskDefinitionError(
                f"{labels[end]} has no attribute {pair.at(end)!r}; it has {quoted(ends[end]) or 'none'}"
            )
    left, right = (ends[end][pair.at(end)] for end in End)
    rule = rule_for(left.kind, right.kind)
    first = End.LEFT if rule is None or rule.first is left.kind else End.RIGHT
    case = Case(pair, left, right, labels, first)
    if rule is None:
        raise TaskDefinitionError(
            f"{_with_kind(case, End.LEFT)} and {_with_kind(case, End.RIGHT)} cannot be kept in step: map "
            f"{pair.left!r} to {_fitting(left.kind, ends[End.RIGHT])}"
            + "".join(f"; {one.mend}" for one in (left, right) if one.mend)
        )
    _check_direction(case, rule, end_words)
    if pair.links is not None and {left.kind, right.kind} != {Kind.REFERENCE}:
        raise TaskDefinitionError(
            f"the mapping of {pair.left!r} has links, but {left.kind} and {right.kind} are no references: leave it out"
        )
    _check_format(case, rule)
    if pair.values and not rule.takes_values:
        raise case.wrong_values(f"{left.kind} and {right.kind} take none; leave it out")
    found = at_midnight(case, rule.build(case))
    meets = f"{left.kind} = {right.kind}" if rule.converts else found.converter.form
    forms = [meets, left.form, right.form, pair.format or "", pair.zone or ""]
    converter = replace(found.converter, form=" ".join(form for form in forms if form))
    defaults = read_defaults(case, converter)
    return Mapped(pair, converter, found.lossy, _told(case, rule, found.told), defaults), found.warning


def _with_kind(case: Case, end: End) -> str:
    return f"{case.called(end)} ({case.at(end).kind})"


def _fitting(kind: Kind, there: Values[str, Attribute]) -> str:
    """What an attribute of a kind may be mapped to."""
    kinds = tuple(partners(kind))
    names = [name for name, attribute in there.items() if attribute.kind in kinds]
    what = f"an attribute of the kind {', '.join(kinds)}" if kinds else "nothing, and leave it out"
    return f"{what}, such as {quoted(names)}" if names else what


def _check_direction(case: Case, rule: Rule, end_words: Values[End, str]) -> None:
    """Make sure that values can go wherever they are to go.

    Raises:
        TaskDefinitionError: they cannot.
    """
    for end in End:
        if case.at(end).writable or case.pair.only_to is end.opposite:
            continue
        if not case.at(end.opposite).writable:
            why = f"neither {case.called(End.LEFT)} nor {case.called(End.RIGHT)} can be written: leave it out"
        else:
            why = f"{case.called(end)} cannot be written: {_mend(case, end.opposite, end_words)}"
        raise TaskDefinitionError(why)
    if rule.one_way and not rule.returns(case) and case.pair.only_to is not case.second:
        raise TaskDefinitionError(
            f"{_with_kind(case, case.first)} can be shown in {_with_kind(case, case.second)}, but not be read "
            f"back: {_mend(case, case.second, end_words)}"
        )


def _check_format(case: Case, rule: Rule) -> None:
    """Make sure that a format is only said of a text that says something else.

    Raises:
        TaskDefinitionError: it is said of other kinds.
    """
    if case.pair.format is not None and (rule.first not in FORMATTED or rule.second is not Kind.TEXT):
        raise TaskDefinitionError(
            f"the mapping of {case.pair.left!r} has format, which is for a text at one end and a number, a whole "
            f"number, a date or a moment at the other: {case.left.kind} and {case.right.kind} take none; leave it out"
        )
    if case.pair.format is None and case.pair.zone is not None:
        raise TaskDefinitionError(
            f"the mapping of {case.pair.left!r} has zone, which is for a format that shows a time: leave it out"
        )


def _mend(case: Case, end: End, end_words: Values[End, str]) -> str:
    verb = "say" if case.pair.only_to is not None else "add"
    return f'{verb} only_to = "{end_words[end]}"'


def _told(case: Case, rule: Rule, detail: str) -> str:
    """What becomes of the values of a pair, in a sentence; empty where nothing does."""
    parts = [detail] if detail else []
    if rule.converts and rule.loses and case.pair.format is None:  # else the detail says it
        parts.append(rule.loses)
    if case.pair.only_to is not None:
        parts.append(f"goes only to {case.labels[case.pair.only_to]}")
    parts += tell_defaults(case)
    if not parts and not rule.converts:
        return ""
    ends = f"{_with_kind(case, End.LEFT)} and {_with_kind(case, End.RIGHT)}"
    return f"{ends}: {'; '.join(parts)}" if parts else ends
