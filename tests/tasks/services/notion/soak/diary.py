"""What people did, written down outside of the engine, and what may have become of it in the end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.tasks.services.notion.soak.hands import TYPED

Things = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """Somebody did something to a thing, with what its side showed of it before."""

    at: float
    side: str
    #: `add`, `edit`, `delete` or `restore`.
    kind: str
    key: str
    attr: str
    value: Any
    saw: dict[str, Any]
    #: Of a deletion: what the other side showed of it then.
    across: dict[str, Any] | None = None

    def ends(self, attr: str) -> bool:
        """Whether this did away with the value that the thing had."""
        return self.kind == "delete" or (self.kind, self.attr) == ("edit", attr)

    def __str__(self) -> str:
        return f"{self.at:.0f} s {self.kind} {self.key} {self.attr}={self.value!r} in {self.side}"


@dataclass
class Diary:
    """All that people did, and a judge of the end."""

    entries: list[Entry] = field(default_factory=list)
    #: When people called an option otherwise, which edits all rows that have it.
    renames: list[float] = field(default_factory=list)

    def write(self, at: float, side: str, kind: str, key: str, **more: Any) -> None:
        self.entries.append(
            Entry(
                at,
                side,
                kind,
                key,
                more.get("attr", ""),
                more.get("value"),
                more.get("saw") or {},
                more.get("across"),
            )
        )

    def of(self, key: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.key == key]

    def judge(self, notion: Things, other: Things, ledger: Collection[tuple[str, Any]]) -> list[str]:
        """What is wrong with the end; nothing when all is well.

        Parameters:
            notion, other: what the sides show, by id.
            ledger: attributes and values that were kept of conflicts.
        """
        wrong: list[str] = []
        sides = []
        for name, things in (("notion", notion), ("other", other)):
            by_key: Things = {}
            for values in things.values():
                if values["key"] in by_key:
                    wrong.append(f"{values['key']} is there twice in {name}")
                by_key[values["key"]] = {a: v for a, v in values.items() if a != "hidden"}
            sides.append(by_key)
        for key in sorted(sides[0].keys() | sides[1].keys()):
            one, two = sides[0].get(key), sides[1].get(key)
            if one != two:
                wrong.append(f"{key} differs: {one} in notion, {two} in other")
        end = sides[0]
        for key in sorted({entry.key for entry in self.entries}):
            story = self.of(key)
            if key not in end and not any(entry.kind == "delete" for entry in story):
                wrong.append(f"{key} is gone, though nobody deleted it")
            if key in end and self._should_be_gone(story):
                wrong.append(f"{key} is there, though it was deleted: {'; '.join(map(str, story))}")
            wrong += self._lost(story, end.get(key), ledger)
        wrong += [f"{key} was made by nobody" for key in end if not self.of(key)]
        return wrong

    def _lost(
        self, story: list[Entry], end: dict[str, Any] | None, ledger: Collection[tuple[str, Any]]
    ) -> list[str]:
        """Values that nobody saw go."""
        typed = [(entry, entry.attr, entry.value) for entry in story if entry.kind == "edit"]
        typed += [(e, attr, value) for e in story if e.kind == "add" for attr, value in e.value.items()]
        lost = []
        for entry, attr, value in typed:
            if (
                attr not in (*TYPED, "text")
                or (end is not None and end[attr] == value)
                or (attr, value) in ledger
            ):
                continue
            seen = [e for e in story if e.saw.get(attr) == value and e.ends(attr)]
            if not seen:
                lost.append(
                    f"{attr}={value!r} is lost: {entry}; then {'; '.join(map(str, story))}; end {end}"
                )
        return lost

    def _should_be_gone(self, story: list[Entry]) -> bool:
        """Whether the last word is a deletion of what was the same on both sides."""
        *before, last = story
        if (
            last.kind != "delete"
            or last.across is None
            or any(e.kind in ("restore", "delete") for e in before)
        ):
            return False
        if any(moment >= last.at for moment in self.renames):
            return False
        return all(last.across[attr] == value for attr, value in last.saw.items() if attr != "hidden")
