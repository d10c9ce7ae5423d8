"""What a check of a side found, as data and as a text to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.testing.sides.rules import Rule


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that does not hold."""

    rule: Rule
    #: What is wrong, and what mends it.
    message: str
    #: What was done, one line each.
    history: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The finding for a person."""
        head = f"{self.rule}: {self.message}"
        return "\n".join([head, *(f"  {number:2}. {line}" for number, line in enumerate(self.history, 1))])


@dataclass(frozen=True, slots=True)
class SideReport:
    """How a side fared."""

    label: str
    seed: int
    findings: Sequence[BrokenRule] = ()
    #: How often each rule was put to the test.
    reached: Mapping[Rule, int] = field(default_factory=dict)
    #: The rules that a side like this need not keep, or that the caller left out, and why.
    left_out: Mapping[Rule, str] = field(default_factory=dict)
    #: What a person should know, though no rule is broken.
    notes: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.findings

    @property
    def broken(self) -> frozenset[str]:
        """The names of the rules that are broken, such as `create once`."""
        return frozenset(finding.rule.title for finding in self.findings)

    @property
    def text(self) -> str:
        """All of it for a person."""
        times = sum(self.reached.values())
        lines = [
            f"{self.label}: {len(self.reached)} rules, put to the test {times:,} times; seed {self.seed}"
        ]
        lines += ["All of them hold."] if self.ok else []
        for finding in self.findings:
            lines += ["", finding.text]
        lines += ["", "Reached:"] if self.reached else []
        lines += [
            f"  {self.reached[rule]:>6,}  {rule}: {rule.meaning}" for rule in Rule if rule in self.reached
        ]
        lines += [f"not tried: {rule}: {self.left_out[rule]}" for rule in Rule if rule in self.left_out]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's own types."""
        return {
            "side": self.label,
            "ok": self.ok,
            "seed": self.seed,
            "rules": [
                {
                    "name": rule.title,
                    "reached": self.reached.get(rule, 0),
                    "held": rule.title not in self.broken,
                }
                for rule in Rule
                if rule in self.reached or rule.title in self.broken
            ],
            "not_tried": [
                {"name": rule.title, "why": self.left_out[rule]} for rule in Rule if rule in self.left_out
            ],
            "findings": [
                {"rule": one.rule.title, "message": one.message, "history": list(one.history)}
                for one in self.findings
            ],
            "notes": list(self.notes),
        }
