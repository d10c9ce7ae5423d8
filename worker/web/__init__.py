"""The web process, `python -m worker.web`: health, webhooks and database nodes, each a group of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.applications import Starlette

    app: Starlette

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    """Make `app` when it is asked for, so that importing a part of this package stays cheap.

    Raises:
        SystemExit: a setting or a task is wrong; standard error has one line about it.
    """
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from worker.telling.startup import refusing

    with refusing():
        from worker.web.application import app_of_settings

        made = app_of_settings()
    globals()["app"] = made
    return made
