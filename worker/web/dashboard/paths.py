"""Addresses of the dashboard."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def path_to(*parts: str | int, said: str = "") -> str:
    """An address, with each part made safe.

    Args:
        parts: of the path.
        said: the word for what is to be said there, one of `visit.NOTICES`.
    """
    path = "/" + "/".join(quote(str(part), safe="") for part in parts)
    return f"{path}?{urlencode({'said': said})}" if said else path
