"""Writes of tasks: looked at right before, and sent with the version that was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, UnfitError
from tasks.services.google_tasks.answers import RefusedError
from tasks.services.google_tasks.attributes import wanted
from tasks.services.google_tasks.task import Task
from tasks.services.google_tasks.task_list import TaskList

#: How often a write is sent whose task got another version only because others moved.
ATTEMPTS = 4


class Writer:
    """Writes the tasks of one list.

    Parameters:
        tasks: of the list.
    """

    def __init__(self, tasks: TaskList) -> None:
        self.tasks = tasks
        #: The task that was made last, by its parent: the next one follows it, so that their order stays.
        self._last_made: dict[str, str] = {}
        #: Subtasks that lost their parent to a deletion of ours, which is nobody's edit.
        self._moved: dict[str, str | None] = {}
        #: What was deleted on purpose.
        self._deleted: set[str] = set()

    async def create(self, values: Mapping[str, Any]) -> Task:
        """Make a task; raises as `Tasks.create` does."""
        given = wanted(values)
        subject = f"new task {_short(str(values.get('title') or ''))}"
        body = {name: value for name, value in given.fields.items() if value}
        parent = given.parent or ""
        previous = self._last_made.get(parent, "")
        try:
            made = await self.tasks.insert(body, subject=subject, parent=parent, previous=previous)
        except RefusedError as error:
            if not previous or error.status not in (400, 404):
                raise
            # The one before may have been deleted or moved by now.
            made = await self.tasks.insert(body, subject=subject, parent=parent)
        self._last_made[parent] = made.id
        return made

    async def update(self, task: Task, changes: Mapping[str, Any]) -> Task:
        """Set attributes; raises as `Tasks.update` does."""
        given = wanted(changes, task)
        subject = f"task {_short(task.title)}"
        now = await self._as_read(task, subject)
        if task.recalled is not None:  # what cannot be read of it is known only now
            given = wanted(changes, now)
        if given.parent is not None and given.parent != (now.parent or ""):
            goal = given.parent
            try:
                now = await self._send(
                    now, subject, lambda seen: self.tasks.move(seen, subject=subject, parent=goal)
                )
            except RefusedError as error:  # it comes first: nothing else was written yet
                raise UnfitError(
                    f"{error}; its parent must be an open task of this list", {"parent"}
                ) from None
        body = given.body_for(now)
        if body:
            now = await self._send(now, subject, lambda seen: self.tasks.patch(seen, body, subject=subject))
        return now

    async def delete(self, task: Task) -> None:
        """Delete a task; raises as `Tasks.delete` does.

        Its subtasks would go with it, or stay where no app shows them: nobody deleted them, so they take its place.
        """
        subject = f"task {_short(task.title)}"
        now = await self._as_read(task, subject, also_deleted=True)
        if now.deleted:
            return
        previous = now.id
        for child in (await self.tasks.read()).tasks.values():
            if child.parent == now.id and not child.deleted:
                previous = await self._take_out(child, now, previous)
        before = await self.tasks.last_change()
        now = await self._as_read(task, subject)

        async def send(seen: Task) -> Task:
            await self.tasks.delete(seen, subject=subject)
            return seen

        self._deleted.add(now.id)
        try:
            await self._send(now, subject, send)
        except OutcomeUnknownError:
            await self._bring_back(now, before)
            raise
        after = await self.tasks.get(task.id)
        if after is not None and not after.deleted and after.shows_still(now):
            raise ItemError(f"{subject}: Google says that it is deleted, but shows it still")
        await self._bring_back(now, before)

    async def _bring_back(self, parent: Task, before: datetime | None) -> None:
        """Take back the deletion of subtasks that went with a task: somebody put them there after the look."""
        if (
            before is None
        ):  # Google does not say when, so that those that somebody deleted cannot be told apart
            return
        for child in (await self.tasks.read(since=before)).tasks.values():
            went_with_it = child.deleted and child.updated is not None and child.updated > before
            if child.parent == parent.id and went_with_it and child.id not in self._deleted:
                restored = await self.restore(child.id)
                if restored is not None and restored.parent == parent.id:
                    await self._take_out(restored, parent, "")

    async def _take_out(self, child: Task, parent: Task, previous: str) -> str:
        """Put a subtask where its parent is; gives the one that the next subtask follows."""
        subject = f"task {_short(child.title)}, a subtask of {_short(parent.title)}"

        async def move(**place: str) -> Task:
            return await self._send(
                child, subject, lambda seen: self.tasks.move(seen, subject=subject, **place)
            )

        # What is hidden has no place, and none beside it or below it.
        placed = not (child.hidden or parent.hidden)
        try:
            moved = await (move(parent=parent.parent or "", previous=previous) if placed else move())
        except RefusedError:
            if not placed:
                raise
            placed, moved = False, await move()
        if moved.parent == parent.id:
            raise ItemError(f"{subject}: Google does not take it out, so the task above it is not deleted")
        self._moved[moved.id] = moved.parent
        return moved.id if placed else previous

    async def restore(self, task_id: str) -> Task | None:
        """Take back a deletion; raises as `GoogleClient.request` does."""
        found = await self.tasks.get(task_id)
        if found is None or not found.deleted:
            return found
        subject = f"deleted task {_short(found.title)}"
        after = await self._send(
            found, subject, lambda seen: self.tasks.patch(seen, {"deleted": False}, subject=subject)
        )
        return None if after.deleted else after

    async def _as_read(self, task: Task, subject: str, *, also_deleted: bool = False) -> Task:
        """The task as it is, which is as it was read.

        Raises:
            PreconditionError: it is not.
        """
        now = await self.tasks.get(task.id)
        if now is None or (now.deleted and not task.deleted):
            if now is not None and also_deleted:
                return now
            raise PreconditionError(f"{subject}: it was deleted or moved to another list while the sync ran")
        if now.id in self._moved and now.parent == self._moved[now.id]:
            return now if now.shows_still(task, apart_from="parent") else self._refuse(subject)
        return now if now.shows_still(task) else self._refuse(subject)

    @staticmethod
    def _refuse(subject: str) -> Task:
        raise PreconditionError(f"{subject}: it was edited while the sync ran; the next run takes it up")

    async def _send(self, now: Task, subject: str, send: Callable[[Task], Awaitable[Task]]) -> Task:
        """Send a write under the version that was seen; once more where only the task's place changed since.

        Raises:
            PreconditionError: the task itself changed, or its version does not come to rest.
        """
        for _ in range(ATTEMPTS):
            try:
                return await send(now)
            except RefusedError as error:
                if error.status not in (404, 410, 412):
                    raise
                then, now = now, await self._as_read(now, subject)
                if error.status != 412 and now == then:
                    raise  # it is another one that is not found, such as its parent
        raise PreconditionError(f"{subject}: it changes all the time; the next run takes it up")


def _short(title: str) -> str:
    line = " ".join(title.split())
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
