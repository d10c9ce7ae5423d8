"""The three-way merge: what both sides agreed on last, and both as they are now, to a plan.

Pure functions: nothing here reads or writes anything. The words:

*side*      one of two services; its *end* says which: left or right.
*record*    one object as its side shows it, its values by attribute.
*snapshot*  all records of one side at one moment, and whether these are all.
*link*      a pair of records that are the same thing, with the base.
*base*      the values that each side showed when they agreed last.
*plan*      the list of typed actions that bring the sides together, each with its reason.
"""

from tasks.merge.attributes import resolve
from tasks.merge.guards import Halt, check_guards
from tasks.merge.holding import (
    Held,
    asked_again,
    await_listing,
    content_of,
    failed_again,
    hold_back,
    left_again,
    left_out,
    pair_of,
)
from tasks.merge.model import (
    NAMELESS,
    Action,
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Effect,
    Intent,
    Link,
    Name,
    Park,
    Plan,
    Record,
    Restore,
    Skip,
    Snapshot,
    Unlink,
    Update,
    Values,
    Withdraw,
)
from tasks.merge.plan_data import plan_digest, plan_from_data, plan_to_data
from tasks.merge.planner import make_plan
from tasks.merge.policy import UNRESOLVED, Dispute, Policy
from tasks.merge.remade import in_question
from tasks.merge.undo import take_back, undo
from tasks.sides.ends import ID, End, Labels

__all__ = [
    "ID",
    "NAMELESS",
    "UNRESOLVED",
    "Action",
    "Adopt",
    "Agree",
    "Change",
    "Conflict",
    "Create",
    "Delete",
    "Dispute",
    "Effect",
    "End",
    "Halt",
    "Held",
    "Intent",
    "Labels",
    "Link",
    "Name",
    "Park",
    "Plan",
    "Policy",
    "Record",
    "Restore",
    "Skip",
    "Snapshot",
    "Unlink",
    "Update",
    "Values",
    "Withdraw",
    "asked_again",
    "await_listing",
    "check_guards",
    "content_of",
    "failed_again",
    "hold_back",
    "in_question",
    "left_again",
    "left_out",
    "make_plan",
    "pair_of",
    "plan_digest",
    "plan_from_data",
    "plan_to_data",
    "resolve",
    "take_back",
    "undo",
]
