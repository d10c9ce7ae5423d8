"""Values of every type are written to a Notion workspace, read back the same, written over and cleared.

`LOCKSTEP_NOTION_VALUES` is the number of values that are drawn for each type.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.notion import Sandbox
from tasks.errors import ItemError
from tasks.services.notion.columns.properties import SUPPORTED_TYPES
from tasks.values.canonical import same
from tests.tasks.services.notion.conftest import TOKEN
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.values import REFUSED, drawn, meant, nasty
from tests.tasks.services.notion.wired import Wired
from tests.world.figures import report

EXAMPLES = int(os.environ.get("LOCKSTEP_NOTION_VALUES", "12"))
KINDS = sorted(SUPPORTED_TYPES)
STATUSES = [{"name": name} for name in ("To do", "Doing", "Ready")]
REFERENCES = [str(UUID(int=(0x4000 << 64) + (0x8 << 60) + number)) for number in range(100)]
#: Values that went round, by type and by what is nasty about them.
REACHED: Counter[tuple[str, str]] = Counter()

pytestmark = pytest.mark.timeout(3600)

Anything = TypeVar("Anything")


@dataclass
class Desk:
    """A workspace with a column of every type, a side on it, and the loop in which both are used."""

    runner: asyncio.Runner
    side: Wired
    #: A row that every value is written over.
    row: Any

    def run(self, coroutine: Coroutine[Any, Any, Anything]) -> Anything:
        return self.runner.run(coroutine)

    async def read(self, page_id: str) -> Any:
        page = await self.side.get(page_id)
        assert page is not None
        return self.side.values(page)

    async def go_round(self, kind: str, value: Any, label: str) -> None:
        """A new row, another one that is written over, the same again, and cleared."""
        wanted = meant(kind, value)
        made = await self.side.make(**{kind: value})
        check(kind, self.side.values(made)[kind], wanted)
        check(kind, (await self.read(made.id))[kind], wanted)
        self.row = await self.side.update(self.row, {kind: value})
        check(kind, (await self.read(self.row.id))[kind], wanted)
        self.side.wire.sent.clear()
        for again in (value, wanted):
            self.row = await self.side.update(self.row, {kind: again})
        assert "PATCH" not in {method for method, _ in self.side.wire.sent}, "the same was written again"
        self.row = await self.side.update(self.row, {kind: None})
        check(kind, (await self.read(self.row.id))[kind], meant(kind, None))
        REACHED[kind, label] += 1

    def refuses(self, kind: str, value: Any, label: str) -> None:
        """A value that Notion does not take is refused before anything is written."""
        self.side.wire.sent.clear()
        with pytest.raises(ItemError):
            self.run(self.side.make(**{kind: value}))
        with pytest.raises(ItemError):
            self.run(self.side.update(self.row, {kind: value}))
        assert {method for method, _ in self.side.wire.sent} <= {"GET"}, label
        REACHED[kind, f"refused: {label}"] += 1


def check(kind: str, found: Any, wanted: Any) -> None:
    assert same(found, wanted), f"{kind}: {str(found)[:200]!r} in place of {str(wanted)[:200]!r}"
    assert type(found) is type(wanted) or kind == "number"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with (
        Sandbox(tokens={TOKEN}) as sandbox,
        asyncio.Runner() as runner,
        pytest.MonkeyPatch.context() as patches,
    ):
        patches.setattr(
            "tasks.services.notion.api.queries.PAGE_SIZE", 40
        )  # long values come in several answers
        side = runner.run(opened(sandbox.url))
        try:
            yield Desk(runner, side, runner.run(side.make()))
        finally:
            runner.run(side.close())


async def opened(url: str) -> Wired:
    async with httpx.AsyncClient() as client:
        person = Person(url, client)
        targets = await person.make_data_source("Targets", {"Name": {"title": {}}})
        people = [{"object": "user", "id": one, "type": "person", "name": "Ann"} for one in REFERENCES]
        await person.arrange("POST", "objects", {"objects": people})
        pages = [await person.make_page(targets) for _ in REFERENCES]
        columns: dict[str, Any] = {kind: {kind: {}} for kind in KINDS}
        columns["status"] = {"status": {"options": STATUSES}}
        columns["relation"] = {"relation": {"data_source_id": targets, "single_property": {}}}
        source = await person.make_data_source("All types", columns)
    side = Wired(url, source, KINDS)
    await side.open()
    await side.learn()
    TARGETS.update(dict.fromkeys(KINDS, REFERENCES), relation=pages)
    return side


#: Ids that values of a type may name.
TARGETS: dict[str, list[str]] = {}


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """What all types came to, for whoever wants to quote it."""
    yield
    refused = sum(times for (_, label), times in REACHED.items() if label.startswith("refused"))
    report("notion values", round_trips=REACHED.total() - refused, refused=refused)


@pytest.mark.parametrize("kind", KINDS)
def test_values_go_round_or_are_refused(desk: Desk, kind: str) -> None:
    targets = TARGETS[kind]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES <= 20,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(drawn(kind, targets) | st.sampled_from(list(nasty(kind, targets).values())))
    def goes_round(value: Any) -> None:
        desk.run(desk.go_round(kind, value, "drawn"))

    goes_round()
    for label, value in nasty(kind, targets).items():
        desk.run(desk.go_round(kind, value, label))
    for label, value in REFUSED[kind].items():
        desk.refuses(kind, value, label)

    needed = [*nasty(kind, targets), *(f"refused: {label}" for label in REFUSED[kind])]
    assert not [label for label in needed if not REACHED[kind, label]], "never reached"
    assert REACHED[kind, "drawn"] >= min(EXAMPLES, 2)
