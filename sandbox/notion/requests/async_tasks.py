"""Requests that are accepted at once and carried out later, and the tasks that tell how it went."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.state.clock import utc_text
from sandbox.notion.state.stored import WORKSPACE, Stored

Json = dict[str, Any]
_API = "https://api.notion.com/v1/async_tasks"
_POLL_SECONDS = 2


def carry_out(call: Call, operation: str, request: Json, work: Callable[[Json], Json]) -> Json:
    """The answer of a request that may be carried out later: its own, or a task when it says `allow_async`.

    What is wrong with the request by now is refused by now. `request` is what it takes to send it again.
    """
    body: Json = request["body"]
    wish = body.get("allow_async", False)
    if not isinstance(wish, bool):
        raise errors.bad_body("allow_async", "a boolean", wish)
    plain = {key: value for key, value in body.items() if key != "allow_async"}
    if not wish:
        return work(plain)
    with call.store.rehearsal():
        work(plain)
    doc = {
        "operation": operation,
        "request": request | {"body": plain},
        "version": call.version,
        "everything": call.everything,
        "status": "waiting",
    }
    task = call.store.insert(call.new(f"task_{uuid.uuid4().hex}", "async_task", WORKSPACE, doc))
    call.later(task, "request")
    return show(call, task)


def retrieve(call: Call, task_id: str) -> Json:
    """GET /async_tasks/{id}: how far a task of the caller is."""
    task = call.find("async_task", task_id)
    if task.created_by != call.user.id and not call.everything:
        raise call.missing("async_task", task_id)
    return show(call, task)


def succeed(task: Stored, answer: Json) -> None:
    """Keep the answer of a task's request; the caller saves it."""
    task.doc |= {"status": "succeeded", "answer": answer}


def fail(task: Stored, error: ApiError) -> None:
    """Keep the refusal of a task's request; the caller saves it."""
    refusal = error.body("")
    task.doc |= {
        "status": "failed",
        "answer": {key: value for key, value in refusal.items() if key != "request_id"},
    }


def show(call: Call, task: Stored) -> Json:
    """A task: queued, from half of its time on running, and then succeeded or failed."""
    doc = task.doc
    shown: Json = {
        "object": "async_task",
        "id": task.id,
        "status": doc["status"],
        "status_url": f"{_API}/{task.id}",
        "created_time": utc_text(task.created),
        "operation": {"surface": "rest", "name": doc["operation"]},
    }
    if doc["status"] == "succeeded":
        return shown | {"result": doc["answer"]}
    if doc["status"] == "failed":
        return shown | {"error": doc["answer"]}
    half = task.created + call.background_seconds * 500
    status = "running" if call.background_seconds and call.now() >= half else "queued"
    return shown | {
        "status": status,
        "poll_after_seconds": max(_POLL_SECONDS, math.ceil(call.background_seconds)),
    }
