"""Holds one side to its contract: every rule has a name, and is told with how often it was put to the test."""

from tasks.testing.sides.check import check_side
from tasks.testing.sides.report import BrokenRule, SideReport
from tasks.testing.sides.rules import Rule

__all__ = ["BrokenRule", "Rule", "SideReport", "check_side"]
