"""What a calendar says of how far it is, and of what changed since then (RFC 6578): a hint, and never a proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from xml.sax.saxutils import escape

from tasks.errors import CursorExpiredError
from tasks.services.caldav.collection.contents import path_of
from tasks.services.caldav.collection.resources import XML, Resources
from tasks.services.caldav.server import multistatus
from tasks.services.caldav.server.multistatus import Resource

#: Answers that belong together; each names some hundred resources.
MOST_PARTS = 1000

TOKEN = multistatus.DAV + "sync-token"
TAG = "{http://calendarserver.org/ns/}getctag"
#: What is asked for, among a calendar's properties.
VERSION_PROPS = '<D:sync-token/><S:getctag xmlns:S="http://calendarserver.org/ns/"/>'


@dataclass(frozen=True)
class Version:
    """How far a calendar is, in the server's own words."""

    token: str | None = None
    tag: str | None = None

    @classmethod
    def of(cls, calendar: Resource) -> Self:
        """That of a calendar whose properties were asked for."""
        return cls(*((calendar.text(name) or "").strip() or None for name in (TOKEN, TAG)))

    @classmethod
    def from_json(cls, kept: Any) -> Self:
        """A version that was kept.

        Raises:
            CursorExpiredError: it is none.
        """
        if not isinstance(kept, Mapping) or not all(
            kept.get(name) is None or isinstance(kept.get(name), str) for name in ("token", "tag")
        ):
            raise CursorExpiredError("it is no version of a calendar")
        return cls(kept.get("token"), kept.get("tag"))

    def to_json(self) -> Any:
        """What the next run is to know; `None` where it would not help."""
        return {"token": self.token, "tag": self.tag} if self.token or self.tag else None

    def is_same(self, other: Version) -> bool:
        """Whether nothing changed in between: one of the server's words is still the same."""
        return (self.token is not None and self.token == other.token) or (
            self.tag is not None and self.tag == other.tag
        )


@dataclass(frozen=True)
class Delta:
    """What changed since a version."""

    #: Resources that were made or edited, without content.
    changed: list[Resource]
    #: The addresses of those that are said to be gone.
    removed: list[str]
    #: Where the next changes start.
    token: str


async def read_delta(resources: Resources, token: str) -> Delta:
    """What the server says that changed since a token; an answer that was cut short is continued.

    Raises:
        CursorExpiredError: it does not say, or not in full.
        SideError: the server cannot be reached or refuses the user.
    """
    found: dict[str, Resource] = {}
    for _ in range(MOST_PARTS):
        named, following = await resources.sync(
            f'{XML}<D:sync-collection xmlns:D="DAV:"><D:sync-token>{escape(token)}</D:sync-token>'
            "<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        is_cut = False
        for one in named:
            if one.broken is not None:
                raise CursorExpiredError(one.broken)
            if path_of(one.href) != path_of(resources.url):
                found[path_of(one.href)] = one
            elif one.status == 507:
                is_cut = True
            elif one.status >= 300:
                raise CursorExpiredError(f"the calendar answers {one.status} of itself")
        if following is None or (is_cut and following == token):
            raise CursorExpiredError("the answer leads no further")
        token = following
        if not is_cut:
            gone = {404, 410}
            return Delta(
                [one for one in found.values() if one.status not in gone],
                [one.href for one in found.values() if one.status in gone],
                token,
            )
    raise CursorExpiredError("the answer comes to no end")
