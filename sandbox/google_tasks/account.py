"""What one user has: task lists, and tasks in their order, with all that the API does to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from sandbox.google_tasks.clock import Clock
from sandbox.google_tasks.errors import ApiError, changed, invalid, not_found
from sandbox.google_tasks.queries import asked_for
from sandbox.google_tasks.resources import Json, Task, TaskList, encoded, moment, new_id

DEFAULT = "@default"


class Account:
    """The task lists of one user. Every method raises `ApiError` where the API would refuse.

    People's apps are these methods too: what is called here directly, somebody did elsewhere.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._lock = RLock()
        self._default = encoded("05601648605575476000:0:0")
        first = TaskList(self._default, "My Tasks", self.clock.stamp())
        self.lists: dict[str, TaskList] = {first.id: first}
        self.tasks: dict[str, Task] = {}
        #: The ids of siblings in their order, by list and parent; without what is deleted or hidden.
        self._order: dict[tuple[str, str | None], list[str]] = {}
        #: Whether subtasks are deleted with their parent; else they stay, and belong to one that is gone.
        self.subtasks_go_along = True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes anything meanwhile."""
        with self._lock:
            yield

    # -- task lists ---------------------------------------------------------------------------------------

    def list_id(self, list_id: str = DEFAULT) -> str:
        """The id of a list that is there."""
        found = self._default if list_id == DEFAULT else list_id
        if found not in self.lists:
            raise not_found("Task list")
        return found

    def all_lists(self) -> list[Json]:
        """All task lists."""
        with self._lock:
            return [one.shown() for one in self.lists.values()]

    def get_list(self, list_id: str = DEFAULT) -> Json:
        """One task list."""
        with self._lock:
            return self.lists[self.list_id(list_id)].shown()

    def insert_list(self, title: Any) -> Json:
        """Make a task list."""
        _check_title(title)
        with self._lock:
            made = TaskList(new_id(), title or "", self.clock.stamp())
            self.lists[made.id] = made
            return made.shown()

    def patch_list(self, list_id: str, body: Json, *, if_match: str | None = None) -> Json:
        """Rename a task list."""
        with self._lock:
            found = self.lists[self.list_id(list_id)]
            _check_version(found.shown(), if_match)
            if "title" in body:
                _check_title(body["title"])
                found.title = body["title"] or ""
                found.updated = self.clock.stamp()
            return found.shown()

    def delete_list(self, list_id: str, *, if_match: str | None = None) -> None:
        """Delete a task list with all that is in it."""
        with self._lock:
            found = self.list_id(list_id)
            _check_version(self.lists[found].shown(), if_match)
            if found == self._default:
                raise invalid("Cannot delete the default task list.")
            del self.lists[found]
            self.tasks = {one.id: one for one in self.tasks.values() if one.list_id != found}
            self._order = {key: ids for key, ids in self._order.items() if key[0] != found}

    # -- tasks --------------------------------------------------------------------------------------------

    def listed(self, list_id: str = DEFAULT, query: dict[str, str] | None = None) -> list[Json]:
        """The tasks of a list that a query asks for, those first that changed last."""
        passes = asked_for(query or {})
        with self._lock:
            here = self.list_id(list_id)
            found = sorted(
                (one for one in self.tasks.values() if one.list_id == here),
                key=lambda one: (one.updated, one.id),
                reverse=True,
            )
            return [self._shown(one) for one in found if passes(one)]

    def get(self, task_id: str, list_id: str = DEFAULT) -> Json:
        """One task, also one that is deleted."""
        with self._lock:
            return self._shown(self._task(task_id, list_id))

    def insert(
        self, body: Json, list_id: str = DEFAULT, *, parent: str | None = None, previous: str | None = None
    ) -> Json:
        """Make a task, the first of its siblings unless another one is named as the previous one."""
        with self._lock:
            here, now = self.list_id(list_id), self.clock.stamp()
            made = Task(new_id(), here, now)
            made.take(body, now, whole=True)
            made.deleted = False
            self._check_place(made, parent, previous)
            self.tasks[made.id] = made
            self._place(made, parent, previous)
            self.lists[here].updated = made.updated
            return self._shown(made)

    def patch(
        self,
        task_id: str,
        body: Json,
        list_id: str = DEFAULT,
        *,
        whole: bool = False,
        if_match: str | None = None,
    ) -> Json:
        """Set what is given of a task, or all of it."""
        with self._lock:
            task = self._task(task_id, list_id)
            _check_version(self._shown(task), if_match)
            was_out, now = task.deleted or task.hidden, self.clock.stamp()
            task.take(body, now, whole=whole)
            is_out = task.deleted or task.hidden
            if is_out and not was_out:
                self._displace(task)
            elif was_out and not is_out:
                over = self.tasks.get(task.parent or "")
                self._place(task, over.id if over is not None and not over.deleted else None, None)
            task.updated = self.lists[task.list_id].updated = self.clock.stamp()
            return self._shown(task)

    def delete(self, task_id: str, list_id: str = DEFAULT, *, if_match: str | None = None) -> None:
        """Delete a task; it is shown as deleted from then on."""
        with self._lock:
            task = self._task(task_id, list_id)
            _check_version(self._shown(task), if_match)
            if task.deleted:
                return
            gone = [task, *(self._below(task) if self.subtasks_go_along else ())]
            for one in gone:
                self._displace(one)
                one.deleted = True
                one.updated = self.lists[task.list_id].updated = self.clock.stamp()

    def move(
        self,
        task_id: str,
        list_id: str = DEFAULT,
        *,
        parent: str | None = None,
        previous: str | None = None,
        destination: str | None = None,
        if_match: str | None = None,
    ) -> Json:
        """Put a task somewhere else. Its own time of change stays as it was, only that of its list does not."""
        with self._lock:
            task = self._task(task_id, list_id)
            before = self._shown(task)
            _check_version(before, if_match)
            if task.deleted:
                raise not_found()
            if destination is not None:
                goal = self.list_id(destination)
                for one in [task, *self._below(task)]:
                    self._displace(one)
                    one.list_id = goal
                    self._place(one, one.parent if one is not task else None, None)
            self._check_place(task, parent, previous)
            self._displace(task)
            self._place(task, parent, previous)
            after = self._shown(task)
            if after != before:
                self.lists[self.list_id(list_id)].updated = self.clock.stamp()
                self.lists[task.list_id].updated = self.clock.stamp()
            return after

    def clear(self, list_id: str = DEFAULT) -> None:
        """Hide what is completed."""
        with self._lock:
            here = self.list_id(list_id)
            for task in self.tasks.values():
                if task.list_id == here and task.status == "completed" and not (task.hidden or task.deleted):
                    self._displace(task)
                    task.hidden = True
                    task.updated = self.lists[here].updated = self.clock.stamp()

    def put(self, shown: Json, *, default: bool = False) -> None:
        """Keep a task list, maybe instead of the default one, or a task, as an answer of the API shows it."""
        with self._lock:
            if shown.get("kind") == "tasks#taskList":
                if default:
                    self.lists.pop(self._default, None)
                    self._default = shown["id"]
                self.lists[shown["id"]] = TaskList(
                    shown["id"], shown.get("title", ""), moment("updated", shown["updated"])
                )
                return
            old = self.tasks.pop(shown["id"], None)
            if old is not None:
                self._displace(old)
            list_id = shown["selfLink"].split("/lists/")[1].split("/")[0]
            if list_id not in self.lists:
                self.lists[list_id] = TaskList(list_id, "", moment("updated", shown["updated"]))
            task = Task(shown["id"], list_id, moment("updated", shown["updated"]))
            task.take(
                {
                    name: shown[name]
                    for name in ("title", "notes", "status", "due", "completed")
                    if name in shown
                },
                self.clock.now(),
                whole=True,
            )
            task.deleted, task.hidden = bool(shown.get("deleted")), bool(shown.get("hidden"))
            task.links, task.assignment = tuple(shown.get("links", ())), shown.get("assignmentInfo")
            task.parent, task.last_position = shown.get("parent"), int(shown.get("position", 0))
            self.tasks[task.id] = task
            if not (task.deleted or task.hidden):
                siblings = self._order.setdefault((list_id, task.parent), [])
                siblings.insert(min(task.last_position, len(siblings)), task.id)

    # -- places -------------------------------------------------------------------------------------------

    def _task(self, task_id: str, list_id: str) -> Task:
        here = self.list_id(list_id)
        task = self.tasks.get(task_id)
        if task is None or task.list_id != here:
            raise not_found()
        return task

    def _shown(self, task: Task) -> Json:
        siblings = self._order.get((task.list_id, task.parent), [])
        return task.shown(siblings.index(task.id) if task.id in siblings else None)

    def _below(self, task: Task) -> list[Task]:
        children = [one for one in self.tasks.values() if one.parent == task.id and not one.deleted]
        return [found for child in children for found in (child, *self._below(child))]

    def _check_place(self, task: Task, parent: str | None, previous: str | None) -> None:
        for other in (parent, previous):
            found = self.tasks.get(other or "")
            if other and (
                found is None or found.deleted or found.hidden or found.list_id != task.list_id or task.hidden
            ):
                raise invalid("Invalid task ID")
        if parent and self.tasks[parent].assignment:
            raise invalid("Assigned tasks cannot have subtasks.")
        if parent and (parent == task.id or parent in {one.id for one in self._below(task)}):
            raise invalid("Invalid task ID")
        if previous and (previous == task.id or self.tasks[previous].parent != (parent or None)):
            raise invalid("Invalid task ID")

    def _place(self, task: Task, parent: str | None, previous: str | None) -> None:
        task.parent = parent or None
        if task.deleted or task.hidden:
            return
        siblings = self._order.setdefault((task.list_id, task.parent), [])
        siblings.insert(siblings.index(previous) + 1 if previous else 0, task.id)

    def _displace(self, task: Task) -> None:
        siblings = self._order.get((task.list_id, task.parent), [])
        if task.id in siblings:
            task.last_position = siblings.index(task.id)
            siblings.remove(task.id)


def _check_title(title: Any) -> None:
    if title is not None and not isinstance(title, str):
        raise invalid("Invalid value at 'tasklist.title' (TYPE_STRING)")
    if title is not None and len(title) > 1024:
        raise ApiError(400, "invalid", "Request contains an invalid argument.")


def _check_version(shown: Json, if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", shown["etag"]):
        raise changed()
