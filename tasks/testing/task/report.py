"""What a check of a task found, as data and as a text to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.testing.invariants import Invariant


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant that does not hold, with the shortest way found to see it."""

    invariant: Invariant
    #: What is wrong, in words.
    message: str
    #: What was done, one line for each step; lines that are indented say what came of a run.
    history: Sequence[str]
    #: The number of the history, to play it again; `None` where a single check found it.
    number: int | None = None

    @property
    def length(self) -> int:
        """How many steps the history has."""
        return sum(not line.startswith(" ") for line in self.history)

    @property
    def text(self) -> str:
        """The finding for a person."""
        lines = [f"{self.invariant}: {self.message}"]
        number = 0
        for line in self.history:
            number += not line.startswith(" ")
            lines.append(f"      {line.strip()}" if line.startswith(" ") else f"  {number:2}. {line}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """How a task fared."""

    task: str
    seed: int
    findings: Sequence[Finding] = ()
    #: Histories, edits, runs, writes, faults, crashes and the like.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: The invariants that were put to the test.
    tried: Sequence[Invariant] = ()
    #: What limits what was tried.
    notes: Sequence[str] = ()
    #: How often each kind of fault struck.
    reached: Mapping[str, int] = field(default_factory=dict)
    #: The invariants that were not put to the test, and why not.
    untried: Mapping[Invariant, str] = field(default_factory=dict)
    #: How often each method that the task wrote itself was called.
    calls: Mapping[str, int] = field(default_factory=dict)
    #: The methods that the task wrote itself and that were not called, and why not.
    uncalled: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.findings

    @property
    def broken(self) -> frozenset[str]:
        """The numbers of the invariants that are broken, such as `I3`."""
        return frozenset(finding.invariant.number for finding in self.findings)

    def for_original(self, untried: Mapping[Invariant, str], uncalled: Mapping[str, str]) -> Report:
        """What the report of a copy says of the task that was copied, of which no method was called.

        Args:
            untried: the invariants of which the copy says nothing, and why; one that it broke is broken.
            uncalled: the methods of the task, and why they were not called.
        """
        all_of_them = {**self.untried, **untried}
        why_not = {
            one: all_of_them[one] for one in Invariant if one in all_of_them and one.number not in self.broken
        }
        return replace(
            self,
            tried=tuple(one for one in self.tried if one not in why_not),
            untried=why_not,
            calls={},
            uncalled=dict(uncalled),
        )

    def held(self, invariant: Invariant) -> bool | None:
        """Whether an invariant held; `None` where it was not tried, or another one broke before."""
        if invariant.number in self.broken:
            return False
        return True if self.ok and invariant not in self.untried else None

    @property
    def text(self) -> str:
        """All of it for a person."""
        counts = ", ".join(f"{number:,} {what}" for what, number in self.counts.items() if number)
        lines = [f"{self.task}: {counts}; seed {self.seed}"]
        if self.ok:
            lines.append(f"All {len(self.tried)} invariants that were tried held.")
        for finding in self.findings:
            again = f"only={finding.number}, " if finding.number is not None else ""
            lines += ["", finding.text, f"  again: check_task(…, {again}seed={self.seed})"]
        lines += [f"not tried: {one}: {self.untried[one]}" for one in Invariant if one in self.untried]
        called = [name for name, times in self.calls.items() if times]
        if called:
            lines.append(f"called: {', '.join(sorted(called))}")
        lines += [f"not called: {name}: {why}" for name, why in self.uncalled.items()]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's own types."""
        return {
            "task": self.task,
            "ok": self.ok,
            "seed": self.seed,
            "counts": dict(self.counts),
            "faults": dict(self.reached),
            "invariants": [
                {"number": one.number, "title": one.title, "held": self.held(one)} for one in self.tried
            ],
            "not_tried": [
                {"number": one.number, "title": one.title, "why": why} for one, why in self.untried.items()
            ],
            "called": dict(self.calls),
            "not_called": dict(self.uncalled),
            "findings": [
                {
                    "invariant": finding.invariant.number,
                    "title": finding.invariant.title,
                    "message": finding.message,
                    "history": [line.strip() for line in finding.history],
                    "number": finding.number,
                }
                for finding in self.findings
            ],
            "notes": list(self.notes),
        }
