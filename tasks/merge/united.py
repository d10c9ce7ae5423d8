"""Files that both sides changed: what each did is kept, as far as it can be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.values.file import File, holds_files, sorted_files


@dataclass(frozen=True, slots=True)
class Own:
    """What the side that is written did by itself to the files of an attribute: still to be carried across."""

    added: frozenset[File]
    removed: frozenset[File]

    def base(self, shown: Any) -> Any:
        """What counts as agreed on where the side shows this now: all but what it did by itself."""
        if not isinstance(shown, tuple):
            return shown
        return sorted_files((set(shown) - self.added) | self.removed)


def united(before: Any, source: Any, target_before: Any, target: Any) -> tuple[tuple[File, ...], Own] | None:
    """The files of the target with what the source did to its own; `None` where these are no files.

    Args:
        before: what the source showed when both agreed; `None` where they never did.
        source: what it shows now.
        target_before: what the target showed then.
        target: what it shows now.
    """
    values = [value or () for value in (before, source, target_before, target)]
    if not all(isinstance(value, tuple) for value in values) or not any(map(holds_files, values)):
        return None
    was, now, target_was, there = (frozenset(value) for value in values)
    removed = was - now
    unknown = {file.name for file in removed if not file.is_known}
    kept = {
        file for file in there if file not in removed and not (file.name in unknown and file in target_was)
    }
    return sorted_files(kept | (now - was)), Own(there - target_was, target_was - there)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a write without an answer did to the files of an attribute, as far as it is shown."""

    added: frozenset[File]
    removed: frozenset[File]

    def base(self, before: Any) -> tuple[File, ...]:
        """What a side counts as having agreed on then."""
        return sorted_files((frozenset(before or ()) - self.removed) | self.added)


def arrived(before: Any, written: Any, shown: Any) -> Arrived | None:
    """Which files a write brought or took away, whatever people did since; `None` where these are no files.

    What it was to bring and is not there counts as not brought: if it is there across, it is brought again.

    Args:
        before: what the written side showed when both agreed; `None` where they never did.
        written: what it was to have.
        shown: what it shows now.
    """
    values = [value or () for value in (before, written, shown)]
    if not all(isinstance(value, tuple) for value in values) or not any(map(holds_files, values)):
        return None
    was, wanted, now = (frozenset(value) for value in values)
    return Arrived((wanted - was) & now, (was - wanted) - now)
