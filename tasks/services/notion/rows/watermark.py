"""Where the changes start that a listing of Notion's does not hold yet, by Notion's own stamps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tasks.errors import CursorExpiredError

#: Stamps are whole minutes, and a query may lag behind the writes.
OVERLAP = timedelta(minutes=2)

#: After so long without an edit, no further edit gets the stamp of the last one.
SETTLED = 300.0

#: A row created in the first minute of all could not be listed from a minute before it.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Watermark:
    """What is read again next time: all rows edited at `since` or later."""

    #: Names what was listed; a mark of another listing is of no use.
    scope: str
    #: ISO 8601, a whole minute of Notion's clock.
    since: str
    #: The newest stamp seen, `None` where no row came after it was left behind.
    newest: str | None
    #: When it was seen first, in seconds of this machine's clock; only differences count.
    seen_at: float
    #: Names of options by id: rows show a renamed or removed option otherwise without any edit.
    options: Mapping[str, str] = field(default_factory=dict)
    #: Rows that were told to be in the trash, by id: the stamp of their last edit, and when they were told first.
    trashed: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    def with_options(self, options: Mapping[str, str]) -> Self:
        """The mark with the options of now."""
        return replace(self, options=dict(options))

    def with_trashed(self, told: Mapping[str, tuple[str, float]]) -> Self:
        """The mark with the rows that were told to be in the trash."""
        return replace(self, trashed=dict(told))

    @classmethod
    def of_walk(
        cls, scope: str, stamps: Iterable[datetime], *, seconds: float, now: float, before: Watermark | None
    ) -> Watermark:
        """The mark after rows were read.

        Edits made while they were read have stamps later than the newest one, less the time it took.

        Args:
            scope: of the listing.
            stamps: when the rows that came were edited last.
            seconds: how long reading took.
            now: seconds of this machine's clock.
            before: the mark from which was read; `None` after a full listing.
        """
        newest = max(stamps, default=None)
        if newest is None:
            return before or cls(scope, _FIRST.isoformat(), None, now)
        text = newest.isoformat()
        if before is not None and before.newest == text:
            if 0 <= now - seconds - before.seen_at < SETTLED:
                return before
            if now - seconds >= before.seen_at:
                return cls(scope, (_minute(newest) + timedelta(minutes=1)).isoformat(), None, now)
        since = max(_FIRST, _minute(newest - OVERLAP - timedelta(seconds=seconds)))
        return cls(scope, since.isoformat(), text, now)

    def to_json(self) -> dict[str, Any]:
        """As a cursor that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, cursor: Any, scope: str, options: Mapping[str, str] | None = None) -> Watermark:
        """The mark in a cursor.

        Raises:
            CursorExpiredError: it is of another listing, or no mark at all, or an option has another name.
        """
        try:
            mark = cls(**cursor)
            datetime.fromisoformat(mark.since)
            known = dict(mark.options)
            trashed = {row_id: (str(stamp), float(at)) for row_id, (stamp, at) in mark.trashed.items()}
        except (AttributeError, TypeError, ValueError):
            raise CursorExpiredError("the cursor is not one of Notion's: all rows are listed") from None
        if mark.scope != scope:
            raise CursorExpiredError("another data source or filter than before: all rows are listed")
        if any((options or {}).get(option) != name for option, name in known.items()):
            raise CursorExpiredError("an option was renamed or removed: all rows are listed")
        return mark.with_trashed(trashed)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
