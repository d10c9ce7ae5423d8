"""Variables that look like settings of ours and are none: a name with a slip must not be taken without a word."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

PREFIX = "LOCKSTEP_"
#: How like a known name one without our prefix must be to be taken for a slip. `REDIS_TLS_URL` is a name of its own.
LIKENESS = 0.85
#: What a name of the environment may belong to besides us is more, so only what is very like is told.
AFTER_PREFIX = 0.8


def misspelt(
    dotenv: Mapping[str, str], environment: Mapping[str, str], known: Collection[str], tables: Collection[str]
) -> list[str]:
    """One line for each variable that seems to mean a setting and sets none.

    In `.env` every `LOCKSTEP_` name is ours. Any other name belongs to the user's own tasks, unless it is nearly
    one of ours that is set nowhere. In the environment, which other programs fill too, only a near miss with
    our prefix is told.

    Args:
        dotenv: the variables of `.env`.
        environment: those of the process.
        known: the variables that are read.
        tables: settings that stand in `lockstep.toml` only.
    """
    return [
        *_in_dotenv(dotenv, {*dotenv, *environment}, known, tables),
        *_in_environment([name for name in environment if name not in dotenv], known),
    ]


def _in_dotenv(
    names: Collection[str], present: Collection[str], known: Collection[str], tables: Collection[str]
) -> Iterator[str]:
    for name in names:
        if name in known:
            continue
        shown = f".env sets {name}, which is not a setting"
        if name.startswith(PREFIX):
            field = name.removeprefix(PREFIX).lower()
            if field in tables:
                yield f"{shown}: write a table [[{field}]] in lockstep.toml"
            else:
                meant = _nearest_of_ours(name, known)
                yield f"{shown}: " + (
                    f"did you mean {meant}?" if meant else "docs/settings.md lists those that are"
                )
        elif (meant := _slip_of(name, known)) and meant not in present:
            yield f"{shown}: did you mean {meant}? If it is one of your own, add the line {meant}= as well"


def _in_environment(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            bare = {each.removeprefix(PREFIX): each for each in known if each.startswith(PREFIX)}
            close = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1, cutoff=AFTER_PREFIX)
            if close:
                yield f"{name} in the environment is not a setting: did you mean {bare[close[0]]}?"


def _nearest_of_ours(name: str, known: Collection[str]) -> str | None:
    bare = {each.removeprefix(PREFIX): each for each in known}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    return bare[close[0]] if close else None


def _slip_of(name: str, known: Collection[str]) -> str | None:
    """The known name that this is a slip of; one with something before or after it is a name of its own."""
    plain = name.upper()
    if plain in known:
        return plain
    close = difflib.get_close_matches(plain, known, n=1, cutoff=LIKENESS)
    return close[0] if close and not (plain.startswith(close[0]) or plain.endswith(close[0])) else None
