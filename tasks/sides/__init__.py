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
              is left as it is. It comes at once, or in *pages*.
*changes*     what changed since a *cursor*, where the service can say so. What it does not name is unchanged.
*scope*       what the listings hold: the place and the filter. What another scope leaves out was not deleted.
*gone*        deleted, by the service's own word. Missing is not gone.
*precondition*  that an object is still as it was read. A write looks, and gives up where it is not.
*file*        a name, and what its bytes are known by. The merge compares these; the bytes are read from one side
              (`read_file`) when the other one says that it lacks them (`lacks_files`), right before it is written.
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
from tasks.sides.kinds import Attribute, Kind, Option, Person, State
from tasks.sides.listing import Changes, Listing, gathered, whole_of
from tasks.sides.service import GROUP, Service
from tasks.sides.set_up import Answers, Place, Question, SetUp, Tell
from tasks.sides.side import Answer, Side, check_lock
from tasks.values.file import File, sorted_files

__all__ = [
    "GROUP",
    "ID",
    "Answer",
    "Answers",
    "Attribute",
    "Changes",
    "CursorExpiredError",
    "End",
    "File",
    "ItemError",
    "Kind",
    "Labels",
    "Listing",
    "Option",
    "OutcomeUnknownError",
    "Person",
    "Place",
    "PreconditionError",
    "Question",
    "Service",
    "SetUp",
    "Side",
    "SideError",
    "State",
    "Tell",
    "UnfitError",
    "check_lock",
    "gathered",
    "sorted_files",
    "title_key",
    "whole_of",
]
