"""The parts of a plan that the steps of a sync carry out."""

from __future__ import annotations

from collections.abc import Callable

from tasks.merge import Action, Adopt, Agree, Conflict, Create, Delete, End, Link, Unlink, Update


def keeps_deleted(side: End) -> Callable[[Action], bool]:
    """The actions that follow from deletions on a side."""

    def keep(action: Action) -> bool:
        match action:
            case Delete():
                return action.side is side.opposite
            case Create():
                return action.side is side and action.instead_of is not None
            case Conflict(attribute=None):
                return action.winner is side.opposite
            case Adopt(instead_of=Link() as old):  # deleted, and there again under another id
                return old.id_on(side) != (action.left_id if side is End.LEFT else action.right_id)
        return isinstance(action, Unlink)

    return keep


def keeps_created(side: End) -> Callable[[Action], bool]:
    """The actions that follow from new objects on a side; one that has its counterpart already is linked with it."""

    def keep(action: Action) -> bool:
        if isinstance(action, Adopt):
            return action.instead_of is None
        return isinstance(action, Create) and action.side is side.opposite and action.instead_of is None

    return keep


def keeps_changes(action: Action) -> bool:
    """The actions that follow from edits of linked objects."""
    return isinstance(action, Update | Agree) or (
        isinstance(action, Conflict) and action.attribute is not None
    )


def keeps_links(action: Action) -> bool:
    """The actions of a first sync that creates nothing."""
    return isinstance(action, Adopt) or keeps_changes(action)


#: The parts of a plan that the steps carry out.
PARTS: dict[str, Callable[[Action], bool]] = {
    "links": keeps_links,
    "changes": keeps_changes,
    "notion_created": keeps_created(End.LEFT),
    "other_created": keeps_created(End.RIGHT),
    "notion_deleted": keeps_deleted(End.LEFT),
    "other_deleted": keeps_deleted(End.RIGHT),
}


def keeps_rest(action: Action) -> bool:
    """Links, and whatever no other step is for."""
    return isinstance(action, Adopt) or not any(
        keep(action) for part, keep in PARTS.items() if part != "links"
    )
