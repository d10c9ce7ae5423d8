"""The two sides of a `SyncTask`: its own methods, by the names that the contract of a side has for them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from tasks.sides import Listing, Side, gathered, whole_of

Method = TypeVar("Method")

#: The task's methods, with `notion` or `other` in the gap, by the names of the contract.
METHODS = {
    "list": "get_{}_objects",
    "pages": "get_{}_objects",
    "changes": "{}_changes",
    "get": "{}_get_obj",
    "known": "{}_known_obj",
    "is_gone": "{}_is_gone",
    "id": "{}_id",
    "key": "{}_hash",
    "edited": "{}_timestamp",
    "values": "{}_to_dict",
    "title": "{}_obj_title",
    "address": "{}_obj_address",
    "create": "{}_create_keyed",
    "update": "{}_update_attrs",
    "update_one": "{}_update_obj",
    "delete": "{}_delete_obj",
    "restore": "{}_restore_obj",
}


def _of_task(name: str) -> Any:
    """A method of the contract that is the task's own, be it plain or a coroutine."""
    return property(lambda side: getattr(side.task, METHODS[name].format(side.word)))


def _of_both(name: str) -> Any:
    """What a task does for both sides at once: the left one does it, as it is asked first."""
    return property(
        lambda side: getattr(side.task, name) if side.word == "notion" else partial(getattr(Side, name), side)
    )


def hands_on(method: Method) -> Method:
    """Say of a method of the page that it only hands the values to the method without a key."""
    method.hands_on = True  # type: ignore[attr-defined]
    return method


class MethodSide(Side):
    """One side of a task that was written as one class."""

    def __init__(self, task: Any, word: str, label: str) -> None:
        self.task = task
        #: `notion` or `other`: how its methods begin.
        self.word = word
        self.label = label

    @property
    def granularity(self) -> timedelta:  # type: ignore[override]
        """How coarse its clock is."""
        return getattr(self.task, f"{self.word}_granularity")  # type: ignore[no-any-return]

    @property
    def settling(self) -> timedelta:  # type: ignore[override]
        """How long a listing may lack what was just made."""
        return getattr(self.task, f"{self.word}_settling")  # type: ignore[no-any-return]

    @property
    def concurrency(self) -> int:  # type: ignore[override]
        """Writes under way at once."""
        return self.task.concurrency  # type: ignore[no-any-return]

    @property
    def describe(self) -> Any:
        """The task's check of its set-up; its `attr_map` says which attributes there are."""
        return self.task.check if self.word == "notion" else dict

    open = _of_both("open")
    close = _of_both("close")
    recall = _of_both("recall")
    scope = _of_both("scope")
    remembered = _of_both("remembered")

    @property
    def lists_in_pages(self) -> bool:
        """Whether the task's listing is a generator, which gives pages."""
        return inspect.isasyncgenfunction(self.pages) or inspect.isgeneratorfunction(self.pages)

    @property
    def list(self) -> Any:
        """The task's own; of one that gives pages, all of them."""
        listing = self.pages

        async def all_pages() -> Listing:
            return await gathered(listing())

        if inspect.isasyncgenfunction(listing):
            return all_pages
        return (lambda: whole_of(listing())) if self.lists_in_pages else listing

    pages = _of_task("pages")
    changes = _of_task("changes")
    get = _of_task("get")
    known = _of_task("known")
    is_gone = _of_task("is_gone")
    id = _of_task("id")
    key = _of_task("key")
    edited = _of_task("edited")
    values = _of_task("values")
    title = _of_task("title")
    address = _of_task("address")
    update = _of_task("update")
    update_one = _of_task("update_one")
    delete = _of_task("delete")
    restore = _of_task("restore")

    @property
    def create(self) -> Any:
        """The task's own, which takes no thread where it only hands the values to a coroutine."""
        keyed = getattr(self.task, METHODS["create"].format(self.word))
        make = getattr(self.task, f"{self.word}_create_obj")
        if not getattr(keyed, "hands_on", False) or not inspect.iscoroutinefunction(make):
            return keyed

        async def create(key: str, values: dict[str, Any]) -> Any:
            return await make(**values)

        return create

    def concerns(self, event: Mapping[str, Any]) -> bool:
        """The task's word, where it has one."""
        own = getattr(self.task, "concerns", None)
        return self.word == "notion" and callable(own) and bool(own(event))

    def spelled(self, method: str) -> str:
        """The name of the task's method."""
        names = METHODS | {"create": "{}_create_obj"}
        return names.get(method, method).format(self.word)
