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
from tasks.merge.deletion import PROPAGATE, Deletion
from tasks.merge.guards import Halt, check_guards
from tasks.merge.holding import (
    SETTLING,
    Held,
    asked_again,
    await_listing,
    content_of,
    failed_again,
    hold_back,
    left_again,
    left_out,
    let_settle,
    pair_of,
)
from tasks.merge.matching import Match
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
    Mark,
    Name,
    Park,
    Plan,
    Record,
    Restore,
    Skip,
    Snapshot,
    Spare,
    Unlink,
    Update,
    Values,
    Withdraw,
)
from tasks.merge.plan_data import plan_digest, plan_from_data, plan_to_data
from tasks.merge.planner import make_plan
from tasks.merge.policy import UNRESOLVED, Dispute, Policy, in_window
from tasks.merge.remade import brings_together, in_question, left_sight, may_be_there, unknown_rests
from tasks.merge.scope import Filter, Window
from tasks.merge.settled import Referred, is_settled, referred, settled_names, with_rest
from tasks.merge.undo import take_back, undo
from tasks.merge.untouched import shows_base
from tasks.sides.ends import ID, End, Labels

__all__ = [
    "ID",
    "NAMELESS",
    "PROPAGATE",
    "SETTLING",
    "UNRESOLVED",
    "Action",
    "Adopt",
    "Agree",
    "Change",
    "Conflict",
    "Create",
    "Delete",
    "Deletion",
    "Dispute",
    "Effect",
    "End",
    "Filter",
    "Halt",
    "Held",
    "Intent",
    "Labels",
    "Link",
    "Mark",
    "Match",
    "Name",
    "Park",
    "Plan",
    "Policy",
    "Record",
    "Referred",
    "Restore",
    "Skip",
    "Snapshot",
    "Spare",
    "Unlink",
    "Update",
    "Values",
    "Window",
    "Withdraw",
    "asked_again",
    "await_listing",
    "brings_together",
    "check_guards",
    "content_of",
    "failed_again",
    "hold_back",
    "in_question",
    "in_window",
    "is_settled",
    "left_again",
    "left_out",
    "left_sight",
    "let_settle",
    "make_plan",
    "may_be_there",
    "pair_of",
    "plan_digest",
    "plan_from_data",
    "plan_to_data",
    "referred",
    "resolve",
    "settled_names",
    "shows_base",
    "take_back",
    "undo",
    "unknown_rests",
    "with_rest",
]
