"""What was done where, in words: by the names of the sides."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.sides import End, Labels


def done_in_words(counts: Mapping[str, int], sides: Labels) -> str:
    """What a run did, by kind, with the sides as people call them: `created in Notion 3, linked 2`."""
    told = []
    for kind, number in counts.items():
        end, _, verb = kind.partition("_")
        what = f"{verb} in {sides[End(end)]}" if end in set(End) and verb else kind.replace("_", " ")
        told += [f"{what} {number}"] if number else []
    return ", ".join(told)


def heading(label: str) -> str:
    """A side's name where it stands by itself, in a column or at the begin of a line."""
    label = label.removeprefix("the ")
    return label[:1].upper() + label[1:]
