"""A task written with nothing but the abstract methods, over objects that are mutated in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks import ConflictMode, SyncTask

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Page:
    id: str
    title: str = ""
    done: bool = False
    edited: datetime = START


@dataclass
class ToDo:
    uid: str
    summary: str = ""
    completed: bool = False
    modified: datetime = START


@dataclass
class Services:
    """Both services, and every write that they got."""

    pages: list[Page] = field(default_factory=list)
    todos: list[ToDo] = field(default_factory=list)
    writes: list[tuple[Any, ...]] = field(default_factory=list)
    made: int = 0

    def page(self, title: str, *, done: bool = False, edited: datetime = START) -> Page:
        self.made += 1
        self.pages.append(Page(f"p{self.made}", title, done, edited))
        return self.pages[-1]

    def todo(self, summary: str, *, completed: bool = False, modified: datetime = START) -> ToDo:
        self.made += 1
        self.todos.append(ToDo(f"t{self.made}", summary, completed, modified))
        return self.todos[-1]

    def find(self, kind: type[Any], text: str) -> Any:
        """The one object of a kind with this title or summary."""
        objects: list[Any] = [*self.pages, *self.todos]
        (found,) = (
            obj
            for obj in objects
            if isinstance(obj, kind) and text in (vars(obj).get("title"), vars(obj).get("summary"))
        )
        return found

    def shown(self) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
        return (
            sorted((page.title, page.done) for page in self.pages),
            sorted((todo.summary, todo.completed) for todo in self.todos),
        )

    def agreed(self) -> list[tuple[str, bool]]:
        pages, todos = self.shown()
        assert pages == todos
        return pages


class ToDos(SyncTask):
    """Plain functions only."""

    def __init__(
        self,
        services: Services,
        name: str = "to-dos",
        mode: ConflictMode | str = ConflictMode.NEWER,
    ) -> None:
        super().__init__(name=name, attr_map={"Title": "summary", "Done": "completed"}, conflict_mode=mode)
        self.services = services

    def get_notion_objects(self) -> list[Any]:
        return list(self.services.pages)

    def get_other_objects(self) -> list[Any]:
        return list(self.services.todos)

    def notion_id(self, obj: Page) -> str:
        return obj.id

    def other_id(self, obj: ToDo) -> str:
        return obj.uid

    def notion_hash(self, obj: Page) -> str:
        return obj.title

    def other_hash(self, obj: ToDo) -> str:
        return obj.summary

    def notion_timestamp(self, obj: Page) -> datetime:
        return obj.edited

    def other_timestamp(self, obj: ToDo) -> datetime:
        return obj.modified

    def notion_to_dict(self, obj: Page) -> dict[str, Any]:
        return {"Title": obj.title, "Done": obj.done, "Not mapped": obj.edited}

    def other_to_dict(self, obj: ToDo) -> dict[str, Any]:
        return {"summary": obj.summary, "completed": obj.completed}

    def notion_create_obj(self, **kwargs: Any) -> Page:
        self.services.writes.append(("notion", "create", kwargs["Title"]))
        return self.services.page(kwargs["Title"], done=kwargs["Done"])

    def other_create_obj(self, **kwargs: Any) -> ToDo:
        self.services.writes.append(("other", "create", kwargs["summary"]))
        return self.services.todo(kwargs["summary"], completed=kwargs["completed"])

    def notion_update_obj(self, obj: Page, attr: str, value: Any) -> None:
        self.services.writes.append(("notion", "update", obj.id, attr, value))
        setattr(obj, {"Title": "title", "Done": "done"}[attr], value)
        obj.edited += timedelta(minutes=1)

    def other_update_obj(self, obj: ToDo, attr: str, value: Any) -> None:
        self.services.writes.append(("other", "update", obj.uid, attr, value))
        setattr(obj, attr, value)
        obj.modified += timedelta(minutes=1)

    def notion_delete_obj(self, obj: Page) -> None:
        self.services.writes.append(("notion", "delete", obj.id))
        self.services.pages.remove(obj)

    def other_delete_obj(self, obj: ToDo) -> None:
        self.services.writes.append(("other", "delete", obj.uid))
        self.services.todos.remove(obj)


class AsyncToDos(ToDos):
    """The same as coroutines."""

    async def get_notion_objects(self) -> list[Any]:  # type: ignore[override]
        return super().get_notion_objects()

    async def get_other_objects(self) -> list[Any]:  # type: ignore[override]
        return super().get_other_objects()

    async def notion_id(self, obj: Page) -> str:  # type: ignore[override]
        return super().notion_id(obj)

    async def other_to_dict(self, obj: ToDo) -> dict[str, Any]:  # type: ignore[override]
        return super().other_to_dict(obj)

    async def notion_create_obj(self, **kwargs: Any) -> Page:  # type: ignore[override]
        return super().notion_create_obj(**kwargs)

    async def other_create_obj(self, **kwargs: Any) -> ToDo:  # type: ignore[override]
        return super().other_create_obj(**kwargs)

    async def notion_update_obj(self, obj: Page, attr: str, value: Any) -> None:  # type: ignore[override]
        super().notion_update_obj(obj, attr, value)

    async def other_update_obj(self, obj: ToDo, attr: str, value: Any) -> None:  # type: ignore[override]
        super().other_update_obj(obj, attr, value)

    async def notion_delete_obj(self, obj: Page) -> None:  # type: ignore[override]
        super().notion_delete_obj(obj)

    async def other_delete_obj(self, obj: ToDo) -> None:  # type: ignore[override]
        super().other_delete_obj(obj)
