"""References through a mapping, against an oracle that knows sets of pairs only."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.mapping import ByLinks, Counterparts, Pair, bind, ids_of, with_doubtful
from tasks.mapping.references import OneOfSeveral
from tasks.sides import Attribute, End, Kind
from tasks.values.canonical import dump, is_empty, load, same
from tasks.values.opaque import Opaque
from tasks.values.references import References, untitled

NUMBERS = range(6)
LINKED = st.sets(st.sampled_from(NUMBERS)).map(lambda some: sorted((f"l{n}", f"r{n}") for n in some))
IDS = {end: st.sets(st.sampled_from([f"{end.value[0]}{n}" for n in NUMBERS])) for end in End}
TITLE = Attribute(Kind.TEXT, meaning="title")


def known(linked: list[tuple[str, str]], doubtful: set[tuple[str, str]] = frozenset()) -> Counterparts:  # type: ignore[assignment]
    found = Counterparts()
    found.know(linked, doubtful)
    return found


@given(linked=LINKED, left=IDS[End.LEFT], right=IDS[End.RIGHT])
def test_values_are_equal_when_they_mean_the_same_linked_objects(
    linked: list[tuple[str, str]], left: set[str], right: set[str]
) -> None:
    one = ByLinks(known=known(linked))
    ours, theirs = one.common(End.LEFT, tuple(left)), one.common(End.RIGHT, tuple(right))
    meant_here = {pair for pair in linked if pair[0] in left}
    meant_there = {pair for pair in linked if pair[1] in right}
    assert same(ours, theirs) is (meant_here == meant_there)
    assert set(ours.links) == meant_here
    assert set(ours.alone) == left - {pair[0] for pair in linked}
    assert is_empty(ours) is not bool(meant_here)
    assert load(dump(ours)) == ours
    assert load(dump(ours)).alone == ours.alone


@given(linked=LINKED, left=IDS[End.LEFT], right=IDS[End.RIGHT])
def test_what_is_written_means_the_same_and_leaves_what_is_not_linked(
    linked: list[tuple[str, str]], left: set[str], right: set[str]
) -> None:
    one = ByLinks(known=known(linked))
    ours = one.common(End.LEFT, tuple(left))
    written = one.native(End.RIGHT, ours.carried, tuple(sorted(right)))
    alone = right - {pair[1] for pair in linked}
    assert set(written) == {pair[1] for pair in linked if pair[0] in left} | alone
    assert same(one.common(End.RIGHT, written), ours)
    assert written == tuple(sorted(set(written)))
    # What is made anew has nothing but the counterparts; what is brought back has all that it had.
    assert set(one.native(End.RIGHT, ours.carried, None)) == {pair[1] for pair in ours.links}
    assert set(one.native(End.LEFT, ours, None)) == left == set(ids_of(End.LEFT, ours))


@given(before=LINKED, after=LINKED, left=IDS[End.LEFT], doubtful=LINKED)
def test_a_value_is_read_again_as_if_it_were_new_and_a_base_keeps_what_still_holds(
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
    left: set[str],
    doubtful: list[tuple[str, str]],
) -> None:
    old = known(before).seen(End.LEFT, left)
    now = known(after, set(doubtful) & set(after))
    assert now.again(End.LEFT, old) == now.seen(End.LEFT, left)
    assert now.again(End.LEFT, old).alone == now.seen(End.LEFT, left).alone
    kept = now.agreed(old)
    sure = set(after) - set(doubtful)
    assert set(kept.links) == set(old.links) & sure
    lost = set(old.links) - set(after)
    assert (kept.alone != old.alone) is bool(lost)
    (again,) = with_doubtful({"A": old}, {"A": kept}, now.doubtful).values()
    assert set(again.links) == set(kept.links) | (set(old.links) & now.doubtful)


@given(full=LINKED, shown=LINKED, base=LINKED)
def test_of_several_one_is_shown_and_the_others_stay(
    full: list[tuple[str, str]], shown: list[tuple[str, str]], base: list[tuple[str, str]]
) -> None:
    lossy = OneOfSeveral("right", lambda value: References(value.links[:1]))
    all_of_them, one, was = (References(tuple(links)) for links in (full, shown[:1], base[:1]))
    narrowed = lossy.narrowed(all_of_them, one)
    assert len(narrowed.links) == bool(full)
    assert lossy.agrees(all_of_them, narrowed, narrowed)
    if set(shown[:1]) <= set(full) and shown:
        assert narrowed == one
    widened = lossy.widened(one, all_of_them, was)
    assert set(widened.links) == set(shown[:1]) | (set(full) - set(base[:1]))
    if lossy.agrees(all_of_them, one, was):
        assert set(shown[:1]) <= set(full)
        assert widened == all_of_them


def test_titles_are_for_people_only() -> None:
    plain = References((("l1", "r1"), ("l2", "r2")), ("l9",))
    called = plain.with_titles({("l1", "r1"): "house", ("l2", "r2"): ""})
    assert (str(called), str(plain)) == ("house, l2, l9 (not linked)", "l1, l2, l9 (not linked)")
    assert called == plain
    assert load(dump(called)).titles == ("house", "")
    assert dump(untitled({"A": [called]})) == dump({"A": [plain]})
    assert "house" not in repr(called)


@pytest.mark.parametrize("value", [3, "l1", (1,), object()])
def test_a_value_of_another_kind_is_odd(value: object) -> None:
    found = ByLinks().common(End.LEFT, value)
    assert isinstance(found, Opaque)
    assert found.odd


def reference(**more: object) -> Attribute:
    return Attribute(Kind.REFERENCE, **more)  # type: ignore[arg-type]


def test_which_task_links_what_is_referred_to() -> None:
    elsewhere, own = reference(refers_to=("a", "b")), reference()
    for one, other in product((elsewhere, own), repeat=2):
        left, right = {"T": TITLE, "P": one}, {"t": TITLE, "p": other}
        if one is other is elsewhere:
            assert not bind([Pair("P", "p")], left, right).by_links  # the same place: the same ids
        elif one is other:
            assert bind([Pair("P", "p")], left, right).by_links["P"].task == ""
        else:
            with pytest.raises(TaskDefinitionError, match="refers to objects of another place"):
                bind([Pair("P", "p")], left, right)
        mapping = bind([Pair("P", "p", links="projects")], left, right)
        assert mapping.by_links["P"].task == "projects"
        assert mapping.forms["P"] == "p links of projects"
    with pytest.raises(TaskDefinitionError, match="values and links"):
        bind([Pair("P", "p", links="x", values={"a": "b"})], {"P": own}, {"p": own})


@pytest.mark.parametrize("ends", [(False, False), (True, False), (False, True), (True, True)])
def test_room_for_one_is_lossy_where_the_other_side_has_more(ends: tuple[bool, bool]) -> None:
    mapping = bind([Pair("P", "p")], {"P": reference(single=ends[0])}, {"p": reference(single=ends[1])})
    assert mapping.by_links["P"].single == {end for end, single in zip(End, ends, strict=True) if single}
    assert (mapping.lossy["P"].side if mapping.lossy else None) == {
        (True, False): "left",
        (False, True): "right",
    }.get(ends)
