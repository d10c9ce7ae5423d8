"""What a person may call the two ends of a task: left and right, their services' names, their labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.sides import End


def end_called(word: str, words: Mapping[str, End], labels: Mapping[End, str]) -> End | None:
    """The end that a word stands for; `None` where it stands for neither.

    Args:
        word: what a person said, in any case.
        words: the task's own words.
        labels: what the sides are called; two of one label are no words.
    """
    known = {**{end.value: end for end in End}, **{said.casefold(): end for said, end in words.items()}}
    by_label = {_plain(label): end for end, label in labels.items()}
    if len(by_label) == len(labels):
        known = {**by_label, **known}
    return known.get(word.strip().casefold(), known.get(_plain(word)))


def best_word(words: Mapping[str, End], end: End) -> str:
    """The most telling word for an end."""
    return [end.value, *(word for word, at in words.items() if at is end)][-1]


def told_words(words: Mapping[str, End], labels: Mapping[End, str]) -> str:
    """Which words there are, in a sentence."""
    told = []
    for end in End:
        *more, last = dict.fromkeys([end.value, *(word for word, at in words.items() if at is end)])
        told.append(f"{', '.join(more)}{' or ' if more else ''}{last} for what {labels[end]} had")
    return f"say {'; '.join(told)}"


def _plain(label: str) -> str:
    return label.strip().casefold().removeprefix("the ")
