"""The mapping that a person is offered can always be taken as it is."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair, bind, directed, met, propose, usual_pairs
from tasks.sides import Attribute, End, Kind, Option, State

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "80"))
MEANINGS = ("", "", "title", "due", "status", "done", "priority", "tags")

attributes = st.builds(
    Attribute,
    st.sampled_from(list(Kind)),
    writable=st.booleans(),
    options=st.sampled_from(
        [(), (Option("Open", State.OPEN), Option("Shut", State.DONE)), (Option("High"),)]
    ),
    new_options=st.booleans(),
    meaning=st.sampled_from(MEANINGS),
)
schemas = st.dictionaries(
    st.sampled_from(["Name", "name", "Due date", "due_date", "State", "X"]), attributes, max_size=5
)
reached = {"by meaning": 0, "by name": 0, "one way": 0}


@settings(max_examples=EXAMPLES, deadline=None)
@given(schemas, schemas)
def test_what_is_proposed_can_be_bound_and_names_nothing_twice(
    left: dict[str, Attribute], right: dict[str, Attribute]
) -> None:
    pairs = propose(left, right)
    for end in End:
        names = [pair.at(end) for pair in pairs]
        assert len(names) == len(set(names))
    if pairs:
        bind(pairs, left, right)
    usual = {(pair.left, pair.right) for pair in usual_pairs(left, right)}
    for pair in pairs:
        by_meaning = (pair.left, pair.right) in usual
        alike = len({name.lower().replace("_", " ") for name in (pair.left, pair.right)}) == 1
        assert by_meaning or alike
        if pair.only_to is None:
            assert left[pair.left].writable
            assert right[pair.right].writable
        else:
            assert (left if pair.only_to is End.LEFT else right)[pair.at(pair.only_to)].writable
        reached["by meaning"] += by_meaning
        reached["by name"] += not by_meaning
        reached["one way"] += pair.only_to is not None


def test_each_case_was_reached() -> None:
    assert min(reached.values()) > 0, reached


def test_names_are_alike_without_case_and_signs() -> None:
    text = Attribute(Kind.TEXT)
    assert propose({"Due date": text, "Other": text}, {"due_date": text}) == (Pair("Due date", "due_date"),)


def test_what_cannot_be_written_goes_one_way() -> None:
    read, written = Attribute(Kind.TEXT, writable=False), Attribute(Kind.TEXT)
    assert directed(Pair("A", "B"), {"A": read}, {"B": written}) == Pair("A", "B", End.RIGHT)
    assert directed(Pair("A", "B"), {"A": written}, {"B": read}) == Pair("A", "B", End.LEFT)
    assert directed(Pair("A", "B"), {"A": read}, {"B": read}) is None
    with pytest.raises(TaskDefinitionError, match="leave it out"):
        met(Pair("A", "B"), {"A": read}, {"B": read})
