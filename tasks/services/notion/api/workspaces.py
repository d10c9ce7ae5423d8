"""Which budgets of requests are of one workspace: its own limit holds for all of its tokens together."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from tasks.services.notion.api.throttle import Throttle

_lock = threading.Lock()
#: Ids of workspaces by the budgets of their tokens, as far as this process has learnt them.
_workspaces: WeakKeyDictionary[Throttle, str] = WeakKeyDictionary()


def note_workspace(throttle: Throttle, workspace: str) -> None:
    """Remember of which workspace the token of a budget is."""
    with _lock:
        _workspaces[throttle] = workspace


def workspace_of(throttle: Throttle) -> str | None:
    """The workspace of a budget's token, `None` where nobody has asked yet."""
    with _lock:
        return _workspaces.get(throttle)


def fellows_of(throttle: Throttle) -> list[Throttle]:
    """The budgets of other tokens of the same workspace."""
    with _lock:
        workspace = _workspaces.get(throttle)
        known = list(_workspaces.items())
    return [other for other, whose in known if workspace == whose and other is not throttle]
