"""Where the next changes start: by GitHub's own times, with an overlap: pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tasks.errors import CursorExpiredError, SideError
from tasks.services.github.pages import Pages

#: What was changed so long before the newest change may still come to light behind it.
OVERLAP = timedelta(minutes=2)
#: More issues than this in an answer, and the cursor moves on; until then one address stays, for its ETag.
MANY = 30


@dataclass(frozen=True, slots=True)
class Cursor:
    """From when on changes are asked for, and the ETag that the answer to that had last."""

    repository: int
    since: str
    etag: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def read(cls, kept: Any, repository: int) -> Cursor:
        """What `to_json` gave, of this repository.

        Raises:
            CursorExpiredError: it is no such thing.
        """
        try:
            found = cls(kept["repository"], kept["since"], kept["etag"])
            usable = datetime.fromisoformat(found.since).tzinfo is not None
        except (KeyError, TypeError, ValueError):
            usable = False
        if not usable or found.repository != repository or not isinstance(found.etag, str | None):
            raise CursorExpiredError("GitHub's changes cannot be asked for from there on")
        return found

    @classmethod
    def behind(cls, pages: Pages, repository: int) -> Cursor:
        """Where changes start that a listing may lack.

        It goes by the newest change in the listing, so that it stays where nothing happens, and yet never begins
        later than the listing: what is edited on a page that was read is to be seen.

        Raises:
            SideError: GitHub does not say when it answered.
        """
        began = pages.first.date
        if began is None:
            raise SideError("GitHub's answer has no date, so that nobody knows from when on changes are new")
        since = min(pages.newest or began, began) - OVERLAP
        return cls(repository, since.isoformat(timespec="seconds").replace("+00:00", "Z"))

    def after(self, pages: Pages) -> Cursor:
        """Where changes start after these: the same place with another ETag, unless they have become many.

        Raises:
            SideError: GitHub does not say when it answered.
        """
        following = Cursor.behind(pages, self.repository)
        if len(pages.seen) > MANY and following.since > self.since:
            return following
        return Cursor(self.repository, self.since, pages.first.headers.get("etag"))
