"""The three-way merge: what both sides agreed on last, and both as they are now, to a plan.

Pure functions: nothing here reads or writes anything. The words:

*side*      Notion, or the other service.
*record*    one object as its side shows it, its values by Notion attribute.
*snapshot*  all records of one side at one moment, and whether these are all.
*link*      a pair of records that are the same thing, with the base.
*base*      the values that each side showed when they agreed last.
*plan*      the list of typed actions that bring the sides together, each with its reason.
"""

from tasks.merge.attributes import resolve
from tasks.merge.guards import Halt, check_guards
from tasks.merge.model import (
    Action,
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Plan,
    Policy,
    Record,
    Side,
    Skip,
    Snapshot,
    Unlink,
    Update,
)
from tasks.merge.planner import make_plan

__all__ = [
    "Action",
    "Adopt",
    "Agree",
    "Change",
    "Conflict",
    "Create",
    "Delete",
    "Halt",
    "Intent",
    "Link",
    "Plan",
    "Policy",
    "Record",
    "Side",
    "Skip",
    "Snapshot",
    "Unlink",
    "Update",
    "check_guards",
    "make_plan",
    "resolve",
]
