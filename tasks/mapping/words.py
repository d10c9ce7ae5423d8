"""What people call a state, a priority, yes and no: the usual words, and the ones in a mapping's `values`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.sides import State

#: Words of options, without signs and case.
STATE_WORDS: Mapping[Any, tuple[str, ...]] = {
    State.OPEN: (
        "not started",
        "to do",
        "todo",
        "open",
        "new",
        "backlog",
        "needs action",
        "planned",
        "next",
    ),
    State.ACTIVE: ("in progress", "in process", "doing", "started", "ongoing", "active", "in review"),
    State.DONE: ("done", "complete", "completed", "finished", "closed"),
    State.CANCELLED: ("cancelled", "canceled", "dropped", "wont do", "rejected"),
}
PRIORITY_WORDS: Mapping[Any, tuple[str, ...]] = {
    1: ("high", "urgent", "highest", "critical"),
    5: ("medium", "normal", "mid", "middle"),
    9: ("low", "lowest"),
}
YES_NO_WORDS: Mapping[Any, tuple[str, ...]] = {
    False: ("no", "false", "off", "unchecked"),
    True: ("yes", "true", "on", "checked"),
}

#: The states that count as done where there is only done and not done.
ENDED = (State.DONE, State.CANCELLED)


def by_words(option: str, words: Mapping[Any, tuple[str, ...]]) -> Any:
    """What an option means by its name, whatever signs stand around it; `None` for no usual word."""
    spaced = option.replace("-", " ").replace("_", " ")
    plain = " ".join("".join(sign for sign in spaced if sign.isalpha() or sign == " ").split()).casefold()
    return next((value for value, known in words.items() if plain in known), None)


def state_of(word: str) -> State | None:
    """The state that a usual word means."""
    found: State | None = by_words(word, STATE_WORDS)
    return found


def priority_of(word: str) -> int | None:
    """The priority that a usual word or a digit means."""
    if word.strip() in "123456789" and len(word.strip()) == 1:
        return int(word)
    found: int | None = by_words(word, PRIORITY_WORDS)
    return found


def answer_of(word: str) -> bool | None:
    """Yes or no, also as a word for a state: what is done or cancelled is a yes."""
    found: bool | None = by_words(word, YES_NO_WORDS)
    state = state_of(word)
    return (state in ENDED) if found is None and state is not None else found


def read_state(value: Any) -> State:
    """The state that a person's word means.

    Raises:
        ValueError: none.
    """
    if isinstance(value, bool):
        return State.DONE if value else State.OPEN
    state = state_of(value) if isinstance(value, str) else None
    if state is None:
        raise ValueError(f"{value!r} is none of {', '.join(State)}")
    return state


def read_priority(value: Any) -> int | None:
    """The priority that a person's number or word means, `None` for none.

    Raises:
        ValueError: it is no priority.
    """
    if isinstance(value, str):
        if value.strip().casefold() in ("", "0", "none"):
            return None
        value = priority_of(value) or value
    if value is None or (type(value) is int and 0 <= value <= 9):
        return value or None
    raise ValueError(f"{value!r} is not a number from 1 to 9, or 0 for none")


def read_answer(value: Any) -> bool:
    """The yes or no that a person's word means.

    Raises:
        ValueError: neither.
    """
    found = value if isinstance(value, bool) else answer_of(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not yes or no")
    return found


def read_name(value: Any) -> str:
    """The name of an option.

    Raises:
        ValueError: it is no text, or empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not the name of an option")
    return value


#: How a person's word for a value is read.
Reader = Callable[[Any], Any]
