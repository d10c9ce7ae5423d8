"""What the options of `lockstep init` say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config import SettingsError
from config.texts import decoded, parted
from tasks.sides import End
from worker.telling.failures import CommandError


@dataclass(frozen=True, slots=True)
class Told:
    """What the options of the command say."""

    left: str
    right: str | None
    places: Mapping[End, str | None]
    #: `END.NAME=VALUE`, of options, variables and words of a set-up.
    said: Sequence[str]
    #: `NAME = NAME`.
    pairs: Sequence[str]
    drops: Sequence[str]
    name: str | None
    every: str | None
    #: Whether the first plan is carried out; `None`: it is asked.
    apply: bool | None
    interactive: bool


def parts_of(said: str) -> tuple[str, str, str, bool]:
    """`END.NAME=VALUE` in its parts, and whether the value came out of a file, as `@FILE` says.

    Raises:
        CommandError: it has another form, or the file cannot be read.
    """
    found = re.fullmatch(r"([\w-]+)\.([\w-]+)=(.*)", said, re.DOTALL)
    if found is None:
        raise CommandError("--set: write SERVICE.NAME=VALUE, such as --set caldav.url=https://example.org")
    whose, name, value = found.groups()
    by_file = value.startswith("@")
    if by_file:
        try:
            _, text = parted(decoded(Path(value[1:]).expanduser().read_bytes(), value[1:]))
            value = text.strip()
        except OSError as error:
            raise CommandError(
                f"--set {whose}.{name}: {value[1:]} cannot be read: {error.strerror}"
            ) from None
        except SettingsError as error:
            raise CommandError(f"--set {whose}.{name}: {error}") from None
    return whose, name, value, by_file
