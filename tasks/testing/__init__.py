"""A conformance kit for people who write tasks: random edits, faults and crashes against a task's own two sides.

>>> from tasks.testing import check_task
>>> report = check_task(make_task)  # doctest: +SKIP
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
