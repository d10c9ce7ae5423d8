"""What one check has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.standing.judgement import WORST
from worker.telling.exit_codes import ExitCode


class State(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    #: It works; but something should be otherwise.
    WARNING = "warning"
    #: It does not work, or lets in who must not come in.
    FAILED = "failed"
    #: It could not be looked at.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the command."""

    #: What it is about, such as `Redis`: findings of one subject stand together.
    subject: str
    #: Names the check for scripts; the same in every version.
    check: str
    state: State
    #: What is so, in a sentence. Neither secrets nor what people wrote into their objects.
    text: str
    #: What to do about it.
    mend: str = ""
    #: What the command ends with because of it, where it failed.
    code: ExitCode = ExitCode.FAILED

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "subject": self.subject,
            "check": self.check,
            "state": self.state,
            "text": self.text,
            "mend": self.mend or None,
        }


@dataclass(frozen=True, slots=True)
class About:
    """Makes the findings of one subject."""

    subject: str

    def ok(self, check: str, text: str) -> Finding:
        """That all is well."""
        return Finding(self.subject, check, State.OK, text)

    def warning(self, check: str, text: str, mend: str) -> Finding:
        """That something should be otherwise."""
        return Finding(self.subject, check, State.WARNING, text, mend)

    def failed(self, check: str, text: str, mend: str, code: ExitCode = ExitCode.FAILED) -> Finding:
        """That something does not work."""
        return Finding(self.subject, check, State.FAILED, text, mend, code)

    def unknown(self, check: str, text: str, mend: str = "") -> Finding:
        """That something could not be looked at."""
        return Finding(self.subject, check, State.UNKNOWN, text, mend)


def worst(findings: Iterable[Finding]) -> ExitCode:
    """The exit code of all: of what failed; warnings, and what is not known, leave it at 0."""
    codes = {finding.code for finding in findings if finding.state is State.FAILED}
    return next((code for code in WORST if code in codes), ExitCode.OK)
