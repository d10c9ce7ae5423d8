"""The conformance kit for people who write a side or a task.

`check_side` holds one side to its contract, `check_task` lets a task run against its own two sides, with random edits,
faults and crashes.

>>> from tasks.testing import check_side
>>> report = check_side(lambda: MySide(place))  # doctest: +SKIP
>>> assert report.ok, report.text  # doctest: +SKIP
"""

from tasks.testing.histories.people import Person, PersonFor, TaskPerson
from tasks.testing.invariants import Invariant
from tasks.testing.sides import BrokenRule, Rule, SideReport, check_side
from tasks.testing.task.check import check_task
from tasks.testing.task.report import Finding, Report

__all__ = [
    "BrokenRule",
    "Finding",
    "Invariant",
    "Person",
    "PersonFor",
    "Report",
    "Rule",
    "SideReport",
    "TaskPerson",
    "check_side",
    "check_task",
]
