from __future__ import annotations

import gc
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks import ItemError, Listing, TaskDefinitionError
from tasks.engine.calls import calls
from tasks.engine.reading import BATCH, read_side
from tasks.engine.running import adapters_of
from tasks.engine.views import SideView
from tasks.errors import ExitError
from tasks.merge import End
from tests.tasks.sync_task.seed_style import Page, Services, ToDos


async def read(task: ToDos, side: End = End.LEFT) -> SideView:
    sync = task.pairing()
    async with calls(task.name) as caller:
        return await read_side(adapters_of(sync, sync.mapped({}), caller)[side])


async def test_both_sides_are_read_by_notion_attribute() -> None:
    services = Services()
    page, todo = services.page("a"), services.todo("a", completed=True)
    task = ToDos(services)
    notion, other = await read(task), await read(task, End.RIGHT)
    assert notion.snapshot.records["p1"].values == {"Title": "a", "Done": False}
    assert other.snapshot.records["t2"].values == {"Title": "a", "Done": True}
    assert notion.objects == {"p1": page}
    assert other.objects == {"t2": todo}
    assert notion.snapshot.records["p1"].hash == other.snapshot.records["t2"].hash == "a"
    assert notion.snapshot.partial is None


async def test_a_listing_says_when_it_is_partial() -> None:
    class Partial(ToDos):
        def get_notion_objects(self) -> list[Any]:
            return Listing(super().get_notion_objects(), partial="cut off")

    services = Services()
    services.page("a")
    view = await read(Partial(services))
    assert view.snapshot.partial == "cut off"
    assert list(view.snapshot.records) == ["p1"]


@pytest.mark.parametrize("wrong", [None, "text", {"p1": 1}, iter(())])
async def test_a_listing_must_be_a_list(wrong: Any) -> None:
    task = ToDos(Services())
    vars(task)["get_notion_objects"] = lambda: wrong
    with pytest.raises(TaskDefinitionError, match="get_notion_objects must return a list or a Listing, not "):
        await read(task)


async def test_an_object_that_exits_is_an_error_of_the_run() -> None:
    async def leave(_obj: Page) -> str:
        sys.exit(1)

    services = Services()
    services.page("a")
    task = ToDos(services)
    vars(task)["notion_hash"] = leave
    with pytest.raises(ExitError):
        await read(task)


async def test_many_objects_are_all_read() -> None:
    services = Services()
    for number in range(2 * BATCH + 1):
        services.page(str(number))
    assert len((await read(ToDos(services))).snapshot.records) == 2 * BATCH + 1


@pytest.mark.parametrize("method", ["notion_to_dict", "notion_hash", "notion_timestamp"])
@pytest.mark.parametrize("coroutine", [False, True])
async def test_an_object_that_cannot_be_read_is_there_but_unreadable(method: str, coroutine: bool) -> None:
    services = Services()
    services.page("good"), services.page("bad")
    task = ToDos(services)
    plain = getattr(task, method)

    def picky(obj: Page) -> Any:
        if obj.title == "bad":
            raise ItemError("garbled")
        return plain(obj)

    async def picky_coroutine(obj: Page) -> Any:
        return picky(obj)

    setattr(task, method, picky_coroutine if coroutine else picky)
    view = await read(task)
    assert list(view.snapshot.records) == ["p1"]
    assert view.snapshot.unreadable == {"p2": "garbled"}
    assert view.snapshot.partial is None
    assert list(view.objects) == ["p1", "p2"]


@pytest.mark.parametrize("answer", [None, "", ItemError("no id yet")])
async def test_an_object_without_an_id_makes_the_listing_partial(answer: Any) -> None:
    class Nameless(ToDos):
        def notion_id(self, obj: Page) -> str:
            if isinstance(answer, Exception):
                raise answer
            return obj.id if obj.title == "good" else answer

    services = Services()
    services.page("bad")
    if not isinstance(answer, Exception):
        services.page("good")
    view = await read(Nameless(services))
    assert view.snapshot.partial is not None
    assert view.snapshot.partial.startswith("an object has no id: ")
    assert len(view.snapshot.records) == len(services.pages) - 1


async def test_an_id_that_is_not_text_is_kept_as_text_so_that_it_is_found_again() -> None:
    class Typed(ToDos):
        def notion_id(self, obj: Page) -> Any:
            return uuid.UUID(int=int(obj.id[1:]))

        def other_id(self, obj: Any) -> Any:
            return int(obj.uid[1:])

    services = Services()
    services.page("a"), services.todo("b")
    task = Typed(services)
    await task
    services.writes.clear()
    await task
    assert services.writes == []
    assert services.agreed() == [("a", False), ("b", False)]


async def test_an_object_without_a_hash_is_like_no_other() -> None:
    class Hashless(ToDos):
        def notion_hash(self, obj: Page) -> Any:
            return None

        def other_hash(self, obj: Any) -> Any:
            return None

    services = Services()
    services.page("a"), services.todo("b")
    await Hashless(services)
    assert services.agreed() == [("a", False), ("b", False)]


async def test_an_attribute_of_the_map_that_objects_do_not_have_is_told() -> None:
    class Unnamed(ToDos):
        def other_to_dict(self, obj: Any) -> dict[str, Any]:
            return {"Summary": obj.summary, "completed": obj.completed}

    services = Services()
    services.todo("a")
    with pytest.raises(TaskDefinitionError) as caught:
        await read(Unnamed(services), End.RIGHT)
    assert str(caught.value) == (
        "task 'to-dos': attr_map names 'summary', which other_to_dict does not give; "
        "it gives Summary, completed"
    )


async def test_a_value_that_cannot_be_kept_makes_its_object_unreadable() -> None:
    class Odd(ToDos):
        def notion_to_dict(self, obj: Page) -> dict[str, Any]:
            return {"Title": object(), "Done": False}

    services = Services()
    services.page("a")
    view = await read(Odd(services))
    assert view.snapshot.unreadable == {
        "p1": "attribute 'Title': a value of type object cannot be kept as JSON"
    }


@pytest.mark.parametrize(
    ("answer", "edited"),
    [(None, None), (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))],
)
async def test_a_timestamp_without_a_zone_is_utc_and_none_is_unknown(answer: Any, edited: Any) -> None:
    class Timed(ToDos):
        def notion_timestamp(self, obj: Page) -> Any:
            return answer

    services = Services()
    services.page("a")
    assert (await read(Timed(services))).snapshot.records["p1"].edited == edited


@pytest.mark.filterwarnings("error")
async def test_of_an_object_that_is_listed_twice_nothing_more_is_asked() -> None:
    asked: list[str] = []

    class Twice(ToDos):
        def get_notion_objects(self) -> list[Any]:
            return [*super().get_notion_objects(), *super().get_notion_objects()]

        async def notion_to_dict(self, obj: Page) -> dict[str, Any]:
            asked.append(obj.id)
            return super().notion_to_dict(obj)

    services = Services()
    services.page("a"), services.page("b")
    view = await read(Twice(services))
    assert asked == ["p1", "p2"]
    assert not view.snapshot.records
    assert view.snapshot.unreadable.keys() == {"p1", "p2"}
    del view
    gc.collect()  # a coroutine that nobody awaited is told of now
