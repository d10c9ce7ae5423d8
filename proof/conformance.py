#!/usr/bin/env python3
"""Hold every side of ours to the contract of sides, and write how often each rule was put to the test.

Usage: conformance.py [--output docs/conformance.md]

Runs the contract tests of all services as they are in the suite, against their real servers and checked stand-ins.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import tasks.testing  # noqa: E402 - found above
from tasks.testing import Rule, SideReport  # noqa: E402

#: A test file of a service, by what is before its name.
_SERVICE = re.compile(r"tests/(?:tasks/services/(?P<ours>\w+)/|examples/test_(?P<example>\w+)\.py)")


_HEAD = """\
# Which service keeps which rule

Every side is held to the same contract by `tasks.testing.check_side` ([how](testing.md)): against real servers
where there are some (radicale and xandikos, SQLite and PostgreSQL, files), else against stand-ins that are held
against recorded traffic or published descriptions (Notion, Google Tasks, GitHub). The table says how often each
rule was put to the test. It is written by `python proof/conformance.py`, which stops where a rule does not hold.
"""


class Tally:
    """What the checks of all services found; it listens in on `check_side`."""

    def __init__(self) -> None:
        self.reached: dict[str, Counter[Rule]] = defaultdict(Counter)
        self.left_out: dict[str, dict[Rule, str]] = defaultdict(dict)
        self._check = tasks.testing.check_side
        tasks.testing.check_side = self._listen

    def _listen(self, *args: Any, **options: Any) -> SideReport:
        report = self._check(*args, **options)
        where = _SERVICE.match(os.environ["PYTEST_CURRENT_TEST"])
        if where and report.ok:
            service = where["ours"] or where["example"]
            self.reached[service].update(report.reached)
            self.left_out[service].update(report.left_out)
        return report


def page(tally: Tally) -> str:
    """The page of the documentation."""
    services = sorted(tally.reached)
    notes: dict[str, int] = {}

    def cell(service: str, rule: Rule) -> str:
        times = tally.reached[service][rule]
        if times:
            return f"{times:,}"
        why = tally.left_out[service].get(rule, "it came to no such case")
        return f"[{notes.setdefault(why, len(notes) + 1)}]"

    rows = [
        f"| **{rule.title}** {rule.meaning} | {' | '.join(cell(service, rule) for service in services)} |"
        for rule in Rule
    ]
    lines = [
        _HEAD,
        f"| rule | {' | '.join(f'`{service}`' for service in services)} |",
        f"|---|{'---:|' * len(services)}",
        *rows,
        "",
        "Where a rule has a number in brackets, it was not tried, because",
        "",
        *(f"{number}. {why}" for why, number in notes.items()),
    ]
    return "\n".join(lines) + "\n"


def contract_tests() -> list[str]:
    """The contract tests of the services that this project announces, and of its examples."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    modules = project["project"]["entry-points"]["lockstep.services"].values()
    packages = {module.partition(":")[0].split(".")[2] for module in modules}
    ours = [f"tests/tasks/services/{package}/test_contract.py" for package in sorted(packages)]
    return [*ours, "tests/examples/test_todotxt.py"]


def main() -> int:
    """Run the tests and write the page; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "conformance.md")
    options = parser.parse_args()
    os.chdir(ROOT)
    tally = Tally()
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *contract_tests()])
    if code == pytest.ExitCode.OK:
        options.output.write_text(page(tally), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
