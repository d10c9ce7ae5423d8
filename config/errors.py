"""The one error of this package."""

from __future__ import annotations

from collections.abc import Iterable


class SettingsError(Exception):
    """A setting is missing or wrong; each line of the message names the variable and the mend."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))
