"""The contract of a side: what a service has to offer so that it can be kept in step with any other.

The words, before any method:

*object*      one thing at a service: a row, a to-do, an issue, a file. Its side makes it and takes it back; nobody
              else looks into it.
*id*          what an object is found again by, for as long as it lives.
*key*         what two objects have in common that are the same thing and were never linked: most often the title.
*attribute*   one named value of every object. Its *kind* says what the value is, whatever the service calls it; the
              side converts at its own edge, so that all services meet in the same few kinds.
*listing*     all objects of a side at one moment. It is *complete*, or *partial* and says why: what a partial one does
              not hold was not deleted. What is there but cannot be read is named as *unreadable*, and only that object
              is left as it is.
*changes*     what changed since a *cursor*, where the service can say so. What it does not name is unchanged.
*scope*       what the listings hold: the place and the filter. What another scope leaves out was not deleted.
*gone*        deleted, by the service's own word. Missing is not gone.
*precondition*  that an object is still as it was read. A write looks, and gives up where it is not.
*end*         left or right: one of the two places of a sync at which a side stands.
"""

from tasks.errors import (
    CursorExpiredError,
    ItemError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    UnfitError,
)
from tasks.sides.ends import ID, End, Labels
from tasks.sides.keys import title_key
from tasks.sides.kinds import Attribute, Kind, Option, State
from tasks.sides.listing import Changes, Listing
from tasks.sides.service import GROUP, Service
from tasks.sides.side import Answer, Side, check_lock

__all__ = [
    "GROUP",
    "ID",
    "Answer",
    "Attribute",
    "Changes",
    "CursorExpiredError",
    "End",
    "ItemError",
    "Kind",
    "Labels",
    "Listing",
    "Option",
    "OutcomeUnknownError",
    "PreconditionError",
    "Service",
    "Side",
    "SideError",
    "State",
    "UnfitError",
    "check_lock",
    "title_key",
]
