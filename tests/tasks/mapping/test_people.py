"""People by their mail addresses: who is not known to both ends stays where they stand."""

from __future__ import annotations

import tomllib
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping, Pair, bind, pairs_of
from tasks.sides import Attribute, End, Kind, Labels, Person
from tasks.values.opaque import Opaque
from tests.docs.pages import block

LABELS = Labels("Notion", "the calendar")
OURS = {"u1": "ada@x.org", "u2": "Bob@x.org", "u3": "", "u4": "eve@x.org", "u9": "ada@x.org"}
THEIRS = {"ada": "Ada@X.org", "bob": "bob@x.org", "zoe": "zoe@x.org"}


def people(known: dict[str, str]) -> Attribute:
    return Attribute(Kind.PERSON, people=tuple(Person(*one) for one in known.items()))


NOTION, OTHER, MAILS = people(OURS), people(THEIRS), Attribute(Kind.PERSON, by_mail=True)
TEXT, ADDRESS, SILENT = Attribute(Kind.TEXT), Attribute(Kind.ADDRESS), Attribute(Kind.PERSON)


def bound(left: Attribute, right: Attribute, **more: Any) -> Mapping:
    return bind([Pair("A", "b", **more)], {"A": left}, {"b": right}, LABELS)


def mail_of(attribute: Attribute, who: str) -> str | None:
    """Whom a person means, as the table of this test says it."""
    known = {**OURS, "guest": ""} if attribute is NOTION else THEIRS if attribute is OTHER else {}
    mail = known.get(who, who if attribute in (MAILS, TEXT, ADDRESS) and "@" in who else "")
    return mail.strip().casefold() or None


def knows(attribute: Attribute, mail: str) -> bool:
    if attribute is NOTION or attribute is OTHER:
        return mail in {
            each.casefold() for each in (OURS if attribute is NOTION else THEIRS).values() if each
        }
    return True


def shown(attribute: Attribute, value: Any) -> list[str]:
    """Who stands in a value."""
    if attribute is TEXT:
        return [part.strip() for part in (value or "").split(",") if part.strip()]
    return [value] if attribute is ADDRESS and value else list(value or ())


def values(attribute: Attribute) -> st.SearchStrategy[Any]:
    mails = st.sampled_from(["ada@x.org", "BOB@x.org", "zoe@x.org", "eve@x.org", "new@y.org"])
    if attribute is ADDRESS:
        return st.one_of(st.none(), mails, st.just("nobody"))
    if attribute is TEXT:
        return st.lists(st.one_of(mails, st.sampled_from(["somebody", " "])), max_size=3).map(", ".join)
    ids = {id(NOTION): st.sampled_from([*OURS, "guest"]), id(OTHER): st.sampled_from([*THEIRS, "gone"])}
    folded = mails.map(str.casefold)
    return st.lists(ids.get(id(attribute), folded), unique=True, max_size=3).map(
        lambda found: tuple(sorted(found))
    )


PAIRS = [
    (one, two)
    for one, two in product((NOTION, OTHER, MAILS, TEXT, ADDRESS), repeat=2)
    if one is not two and Kind.PERSON in (one.kind, two.kind)
]
reached: Counter[str] = Counter()


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_nobody_is_lost_on_the_way_and_nobody_is_made_up(left: Attribute, right: Attribute) -> None:
    mapping = bound(left, right)
    ends = {End.LEFT: left, End.RIGHT: right}

    def common(end: End, value: Any) -> Any:
        return mapping.common(end, {mapping.at(end)[0]: value})["A"]

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.sampled_from(End), values(left), values(right))
    def check(source: End, at_left: Any, at_right: Any) -> None:
        target = source.opposite
        here, there = ends[source], ends[target]
        value, before = (at_left, at_right) if source is End.LEFT else (at_right, at_left)
        carried = common(source, value)
        if isinstance(carried, Opaque) or isinstance(common(target, before), Opaque):
            reached["held"] += ADDRESS in (here, there)
            assert ADDRESS in (here, there)
            return
        name = mapping.at(target)[0]
        after = mapping.native(target, {"A": carried}, {name: before})[name]
        assert common(target, after) == carried, "what was just written is no edit"
        meant = {mail for who in shown(here, value) if (mail := mail_of(here, who)) and knows(there, mail)}
        assert set(carried) == meant
        strangers = [
            who for who in shown(there, before) if not (mail := mail_of(there, who)) or not knows(here, mail)
        ]
        assert set(strangers) <= set(shown(there, after)), "who is not known across stays"
        others = [who for who in shown(there, after) if who not in strangers]
        assert {mail_of(there, who) for who in others} == meant
        reached["carried"] += bool(meant)
        reached["kept"] += bool(strangers)
        reached["taken away"] += any(who not in shown(there, after) for who in shown(there, before))

    check()


def test_all_of_it_was_reached() -> None:
    if not reached:
        pytest.skip("the round trips ran elsewhere")
    assert all(reached[what] for what in ("carried", "kept", "taken away", "held"))


def test_people_of_one_workspace_go_by_their_ids_guests_included() -> None:
    mapping = bound(NOTION, people({"u2": "bob@x.org", "u7": "new@x.org"}))
    assert mapping.common(End.LEFT, {"A": ("guest", "u2")}) == {"A": ("guest", "u2")}


def test_who_loses_an_address_takes_nobody_away() -> None:
    """A list of people that is shorter than before blanks nothing, at either end."""
    before, after = bound(NOTION, MAILS), bound(people({"u4": "eve@x.org"}), MAILS)
    assert before.common(End.LEFT, {"A": ("u1", "u4")}) == {"A": ("ada@x.org", "eve@x.org")}
    left = after.common(End.LEFT, {"A": ("u1", "u4")})
    right = after.common(End.RIGHT, {"b": ("ada@x.org", "eve@x.org")})
    assert left == right == {"A": ("eve@x.org",)}
    none = after.native(End.RIGHT, {"A": ()}, {"b": ("ada@x.org", "eve@x.org")})
    assert none == {"b": ("ada@x.org",)}


def test_the_user_says_who_is_who_where_one_end_tells_no_addresses() -> None:
    mapping = bound(NOTION, SILENT, values={"bob@x.org": "octocat", "u4": "evecat"})
    assert mapping.common(End.LEFT, {"A": ("guest", "u2", "u4")})["A"] == ("= evecat", "= octocat")
    assert mapping.native(End.RIGHT, {"A": ("= octocat",)}, {"b": ("evecat", "gone")}) == {
        "b": ("gone", "octocat")
    }
    assert mapping.native(End.LEFT, {"A": ("= evecat",)}, {"A": ("guest", "u2")}) == {"A": ("guest", "u4")}
    with pytest.raises(
        TaskDefinitionError, match="'A' of Notion tells no mail addresses, so name people there by"
    ):
        bound(SILENT, SILENT, values={"bob@x.org": "octocat"})


def test_the_map_on_the_page_says_who_is_who() -> None:
    said = tomllib.loads(block("mapping.md", "Who = {").text)
    (pair,) = pairs_of(said, {"notion": End.LEFT, "github": End.RIGHT})
    ours = people({"u1": "ada@example.org", "u2": "bob@example.org"})
    mapping = bind([pair], {"Who": ours}, {"assignees": SILENT}, LABELS)
    carried = mapping.common(End.LEFT, {"Who": ("u1", "u2")})
    assert mapping.native(End.RIGHT, carried) == {"assignees": ("ada-l", "bobcat")}


def test_what_becomes_of_people_is_told() -> None:
    assert bound(NOTION, MAILS).told == (
        "'A' of Notion (person) and 'b' of the calendar (person): people go by their mail addresses; who is not known "
        "to both by a mail address stays where they stand",
    )
    assert bound(NOTION, SILENT).warnings == (
        "'b' of the calendar tells no mail addresses, so that no people are synced",
    )
    assert bound(NOTION, SILENT).native(End.RIGHT, {"A": ()}, {"b": ("x",)}) == {"b": ("x",)}
    with pytest.raises(TaskDefinitionError, match="can be shown in 'b' of the calendar"):
        bound(SILENT, TEXT)


def test_an_address_holds_one_person() -> None:
    mapping = bound(NOTION, ADDRESS)
    assert isinstance(mapping.common(End.LEFT, {"A": ("u1", "u2")})["A"], Opaque)
    assert mapping.native(End.RIGHT, {"A": ()}, {"b": "ada@x.org"}) == {"b": None}
    assert isinstance(mapping.common(End.RIGHT, {"b": "nobody@y.org"})["A"], Opaque)
