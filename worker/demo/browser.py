"""The dashboard of a demo that stays, opened where somebody sits before it."""

from __future__ import annotations

import os
import sys
import webbrowser


def has_desktop() -> bool:
    """Whether this is a terminal on a desktop, where a browser can be seen: no pipe, no server, no session by SSH."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def open_in_browser(url: str) -> bool:
    """Open a page; whether that could be done."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
