"""What the filters of the Notion API mean, written once more from its documentation, over cells as answers show them.

Nothing of the sandbox is used. A condition is (filter as sent, predicate of a shown page).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

Json = dict[str, Any]
Test = Callable[[Any], bool]

TEXT_TYPES = ("title", "rich_text", "url", "email", "phone_number")
PEOPLE_TYPES = ("people", "created_by", "last_edited_by")
DATE_TYPES = ("date", "created_time", "last_edited_time")
WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1, "one_week_ago": -7, "one_week_from_now": 7}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda a, b: a == b,
    "greater_than": lambda a, b: a > b,
    "less_than": lambda a, b: a < b,
    "greater_than_or_equal_to": lambda a, b: a >= b,
    "less_than_or_equal_to": lambda a, b: a <= b,
    "after": lambda a, b: a > b,
    "before": lambda a, b: a < b,
    "on_or_after": lambda a, b: a >= b,
    "on_or_before": lambda a, b: a <= b,
}
TEXT: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda a, b: a == b,
    "does_not_equal": lambda a, b: a != b,
    "contains": lambda a, b: a.find(b) >= 0,
    "does_not_contain": lambda a, b: a.find(b) < 0,
    "starts_with": lambda a, b: a[: len(b)] == b,
    "ends_with": lambda a, b: a[len(a) - len(b) :] == b if len(b) <= len(a) else False,
}


def plain(cell: Json) -> Any:
    """A shown cell as text, number, boolean, day, moment, or list; None for an empty one."""
    kind = cell["type"]
    value = cell[kind]
    if kind in ("title", "rich_text"):
        return "".join(run["plain_text"] for run in value) or None
    if kind in ("select", "status"):
        return value["name"] if value else None
    if kind == "multi_select":
        return [option["name"] for option in value]
    if kind in ("people", "relation"):
        return [entry["id"] for entry in value]
    if kind in ("created_by", "last_edited_by"):
        return [value["id"]]
    if kind == "date":
        return point(value["start"]) if value else None
    if kind in ("created_time", "last_edited_time"):
        return point(value)
    if kind == "unique_id":
        return value["number"]
    if kind == "verification":
        return "none" if value["state"] == "unverified" else value["state"]
    if kind in ("formula", "rollup"):
        inner = value[value["type"]]
        if value["type"] == "array":
            return [plain(item) for item in inner]
        return (point(inner["start"]) if inner else None) if value["type"] == "date" else inner
    return value


def point(text: str) -> date | datetime:
    if len(text) == len("2026-01-01"):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(value: date | datetime) -> date:
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def minute(value: date | datetime) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return int(value.timestamp()) // 60


def shifted(today: date, months: int) -> date:
    index = today.year * 12 + today.month - 1 + months
    for last in (today.day, 30, 29, 28):
        try:
            return date(index // 12, index % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError


def span(word: str, today: date) -> tuple[date, date]:
    if word == "this_week":
        first = next(
            today - timedelta(back) for back in range(7) if (today - timedelta(back)).isoweekday() == 7
        )
        return first, first + timedelta(6)
    other = {
        "past_week": today - timedelta(7),
        "past_month": shifted(today, -1),
        "past_year": shifted(today, -12),
        "next_week": today + timedelta(7),
        "next_month": shifted(today, 1),
        "next_year": shifted(today, 12),
    }[word]
    return min(today, other), max(today, other)


SPANS = ("this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year")


class Model:
    """Draws conditions whose operands are near the values that are there."""

    def __init__(self, rng: random.Random, now: datetime, people: list[str]) -> None:
        self.rng = rng
        self.today = now.date()
        self.people = people

    def conditions(self, kind: str, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        """Every operator of a type: its name, a condition, and what the condition says of a plain value."""
        family = {**dict.fromkeys(TEXT_TYPES, "text"), **dict.fromkeys(PEOPLE_TYPES, "references")}
        family |= {**dict.fromkeys(DATE_TYPES, "date"), "relation": "references", "unique_id": "number"}
        yield from getattr(self, f"_{family.get(kind, kind)}")(values)
        if kind not in ("checkbox", "unique_id", "verification"):
            yield "is_empty", {"is_empty": True}, lambda value: value is None or value == [] or value == ""
            yield "is_not_empty", {"is_not_empty": True}, lambda value: value not in (None, [], "")

    def _one(self, values: list[Any], otherwise: Any) -> Any:
        return self.rng.choice([value for value in values if value is not None] or [otherwise])

    def _text(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for name, compare in TEXT.items():
            whole = self._one(values, "x")
            cut = self.rng.randint(0, len(whole))
            word = {"contains": whole[1:3], "does_not_contain": whole[1:3]}.get(name, whole)
            word = {"starts_with": whole[:cut], "ends_with": whole[cut:]}.get(name, word)
            word = self.rng.choice([word, word.upper()])
            yield (
                name,
                {name: word},
                lambda v, compare=compare, word=word: compare((v or "").lower(), word.lower()),  # type: ignore[misc]
            )

    def _number(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for name in list(COMPARE)[:5]:
            operand = self._one(values, 0) + self.rng.choice([0, 0, 0.5, -1])
            yield (
                name,
                {name: operand},
                lambda v, name=name, operand=operand: v is not None and COMPARE[name](v, operand),  # type: ignore[misc]
            )
        other = self._one(values, 0)
        yield "does_not_equal", {"does_not_equal": other}, lambda v: v is None or v != other

    def _checkbox(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for name in ("equals", "does_not_equal"):
            wanted = self.rng.random() < 0.5
            yield (
                name,
                {name: wanted},
                lambda v, name=name, wanted=wanted: (v is wanted) if name == "equals" else (v is not wanted),  # type: ignore[misc]
            )

    def _select(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for several in (False, True):
            names = [self._one(values, "x") for _ in range(2 if several else 1)]
            operand = names if several else names[0]
            yield "equals", {"equals": operand}, lambda v, names=names: v in names  # type: ignore[misc]
            yield "does_not_equal", {"does_not_equal": operand}, lambda v, names=names: v not in names  # type: ignore[misc]

    _status = _select

    def _multi_select(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        name = self._one([name for value in values for name in value], "x")
        yield "contains", {"contains": name}, lambda v: name in v
        yield "does_not_contain", {"does_not_contain": name}, lambda v: name not in v
        both = [name, self._one([name for value in values for name in value], "x")]
        yield "contains", {"contains": both}, lambda v: bool(set(both) & set(v))

    def _references(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        wanted = self._one([entry for value in values for entry in value], self.people[0])
        sent = wanted.replace("-", "") if self.rng.random() < 0.3 else wanted
        yield "contains", {"contains": sent}, lambda v: wanted in v
        yield "does_not_contain", {"does_not_contain": sent}, lambda v: wanted not in v

    def _files(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        return iter(())

    def _verification(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for state in ("verified", "expired", "none"):
            yield f"status {state}", {"status": state}, lambda v, state=state: v == state  # type: ignore[misc]

    def _date(self, values: list[Any]) -> Iterator[tuple[str, Json, Test]]:
        for name in ("equals", "after", "before", "on_or_after", "on_or_before"):
            compare = COMPARE[name]
            near = self._one(values, self.today)
            on = day(near) + timedelta(self.rng.choice([0, 0, 1, -1]))
            yield (
                f"{name} day",
                {name: on.isoformat()},
                lambda v, on=on, c=compare: v is not None and c(day(v), on),  # type: ignore[misc]
            )
            at = near if isinstance(near, datetime) else datetime(near.year, near.month, near.day, tzinfo=UTC)
            at += timedelta(seconds=self.rng.choice([0, 59, 60, -1]))
            yield (
                f"{name} moment",
                {name: at.isoformat()},
                lambda v, at=at, c=compare: v is not None and c(minute(v), minute(at)),  # type: ignore[misc]
            )
        for word in (*WORDS, "one_month_ago", "one_month_from_now"):
            name = self.rng.choice(["equals", "after", "before", "on_or_after", "on_or_before"])
            months = {"one_month_ago": -1, "one_month_from_now": 1}.get(word)
            said = shifted(self.today, months) if months else self.today + timedelta(WORDS[word])
            yield (
                word,
                {name: word},
                lambda v, said=said, c=COMPARE[name]: v is not None and c(day(v), said),  # type: ignore[misc]
            )
        for word in SPANS:
            first, last = span(word, self.today)
            yield (
                word,
                {word: {}},
                lambda v, first=first, last=last: v is not None and first <= day(v) <= last,  # type: ignore[misc]
            )
