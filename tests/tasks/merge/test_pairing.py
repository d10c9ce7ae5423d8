"""New records are paired as the rules say, one pair at a time, however few of them leave a choice."""

from __future__ import annotations

from collections import Counter

from hypothesis import event, given
from hypothesis import strategies as st

from tasks.merge.model import Record
from tasks.merge.pairing import pair_by_hash

HASHES = st.sampled_from(["", "a", "b", "c", "d"])
VALUES = st.sampled_from([1, True, "1", None])


def records(letter: str) -> st.SearchStrategy[list[Record]]:
    drawn = st.lists(st.tuples(HASHES, VALUES), max_size=8).map(
        lambda some: [
            Record(f"{letter}{number}", {"x": value}, hashed) for number, (hashed, value) in enumerate(some)
        ]
    )
    return drawn.flatmap(st.permutations)


def by_the_rules(left: list[Record], right: list[Record]) -> list[tuple[str, str]]:
    """The oracle: whoever is first in order takes the first across that is left, all alike before the rest."""
    pairs: list[tuple[str, str]] = []
    ours, theirs = (sorted(side, key=lambda record: record.id) for side in (left, right))
    for whole in (True, False):
        for one in list(ours):
            for other in theirs:
                alike = repr(one.values["x"]) == repr(other.values["x"]) if whole else bool(one.hash)
                if one.hash == other.hash and alike:
                    pairs.append((one.id, other.id))
                    ours.remove(one)
                    theirs.remove(other)
                    break
    return sorted(pairs)


@given(records("l"), records("r"))
def test_records_are_paired_by_the_rules(left: list[Record], right: list[Record]) -> None:
    found = [(one.id, other.id) for one, other in pair_by_hash(left, right, ["x"])]
    assert found == by_the_rules(left, right)
    number = Counter(record.hash for record in (*left, *right) if record.hash)
    event("a choice" if max(number.values(), default=0) > 2 else "no choice")
    event("some are alike" if any(number == 2 for number in number.values()) else "none is")
