"""The back door: what happens to a workspace from outside of its API."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.notion.parts import users
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import VERSIONS
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.requests.rate_limit import RateLimit
from sandbox.notion.state.clock import moment
from sandbox.notion.state.ids import bot_id, parse_id
from sandbox.notion.webhooks import Behaviour
from sandbox.notion.workspace.person import ACTIONS, Person
from sandbox.notion.workspace.workspace import Workspace

Json = dict[str, Any]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Clock(_Body):
    now: AwareDatetime | None = None
    #: Not more than a hundred years at once.
    advance: float = Field(0, ge=-3.2e9, le=3.2e9)
    speed: float | None = Field(None, gt=0, le=100_000)


class _DataSource(_Body):
    title: str = "Tasks"
    properties: Json = {}
    parent: Json | None = None


class _Id(_Body):
    id: str


class _Objects(_Body):
    objects: list[Json]


class _Bot(BaseModel):
    model_config = ConfigDict(extra="allow")

    token: str
    id: str


class _IndexLag(_Body):
    seconds: float = Field(ge=0)


class _Background(_Body):
    seconds: float | None = Field(None, ge=0)
    failing: dict[str, str] | None = None


class _Subscription(_Body):
    url: str
    token: str = ""
    events: list[str] | None = None
    version: str = VERSIONS[1]
    verification_token: str | None = Field(None, min_length=1)


class _Verification(_Body):
    id: str
    verification_token: str


def answer(workspace: Workspace, method: str, path: str, body: Json) -> Json:
    """The JSON that answers a request to the back door; `ApiError` when it is refused."""
    handler = _HANDLERS.get((method, path.rstrip("/")))
    if handler is None:
        what = f"{method} /_sandbox/{path}"
        raise ApiError(400, "invalid_request_url", f"There is no {what}; GET /_sandbox/ lists what there is.")
    try:
        with nullcontext() if path.startswith(("webhooks", "background")) else workspace.store.transaction():
            return handler(workspace, body)
    except ValidationError as error:
        raise errors.told(path.rstrip("/"), error) from None


def _list(workspace: Workspace, _: Json) -> Json:
    """What there is at the back door."""
    actions = {name: list(inspect.signature(action).parameters)[1:] for name, action in ACTIONS.items()}
    return {
        "requests": sorted(f"{method} /_sandbox/{path}" for method, path in _HANDLERS),
        "actions": {f"POST /_sandbox/person/{name}": arguments for name, arguments in actions.items()},
        "api": "any request of the API below /_sandbox/person/v1/",
    }


def _clock(workspace: Workspace, body: Json) -> Json:
    wanted, clock = _Clock.model_validate(body), workspace.clock
    try:
        if wanted.speed is not None:
            clock.run(wanted.speed, wanted.now)
        elif "now" in body:
            clock.set(wanted.now)
        if wanted.advance:
            clock.advance(timedelta(seconds=wanted.advance))
    except ValueError as error:
        raise errors.validation(f"clock: {error}.") from None
    return _time(workspace, body)


def _time(workspace: Workspace, _: Json) -> Json:
    return {"now": moment(workspace.clock.now()).isoformat()}


def _add_fault(workspace: Workspace, body: Json) -> Json:
    workspace.faults.add(body)
    return _faults(workspace, body)


def _faults(workspace: Workspace, _: Json) -> Json:
    return {"faults": workspace.faults.waiting()}


def _clear_faults(workspace: Workspace, body: Json) -> Json:
    workspace.faults.clear()
    return _faults(workspace, body)


def _set_rate_limit(workspace: Workspace, body: Json) -> Json:
    workspace.rate_limiter.limit = RateLimit.model_validate(body)
    return _rate_limit(workspace, body)


def _rate_limit(workspace: Workspace, _: Json) -> Json:
    limit = workspace.rate_limiter.limit
    return {"rate_limit": limit and limit.model_dump()}


def _end_rate_limit(workspace: Workspace, body: Json) -> Json:
    workspace.rate_limiter.limit = None
    return _rate_limit(workspace, body)


def _counters(workspace: Workspace, _: Json) -> Json:
    counts = workspace.counters.counts()
    return {
        "total": counts.total(),
        "counters": [asdict(what) | {"requests": number} for what, number in counts.most_common()],
    }


def _reset_counters(workspace: Workspace, body: Json) -> Json:
    workspace.counters.reset()
    return _counters(workspace, body)


def _index_lag(workspace: Workspace, body: Json) -> Json:
    workspace.index.seconds = _IndexLag.model_validate(body).seconds
    return {"seconds": workspace.index.seconds}


def _set_background(workspace: Workspace, body: Json) -> Json:
    wanted, background = _Background.model_validate(body), workspace.background
    if wanted.seconds is not None:
        background.seconds = wanted.seconds
    if wanted.failing is not None:
        background.failing = wanted.failing
    return _background(workspace, body)


def _background(workspace: Workspace, _: Json) -> Json:
    background = workspace.background
    return {"seconds": background.seconds, "failing": background.failing, "waiting": background.waiting()}


def _finish_background(workspace: Workspace, _: Json) -> Json:
    """Not in a transaction, as what is refused leaves nothing behind while the rest stays."""
    return {"finished": workspace.background.finish()}


def _subscribe(workspace: Workspace, body: Json) -> Json:
    """Not in a transaction, as the receiver may ask the workspace something before it answers."""
    wanted = _Subscription.model_validate(body)
    return workspace.webhooks.subscribe(**wanted.model_dump()).shown()


def _verify(workspace: Workspace, body: Json) -> Json:
    wanted = _Verification.model_validate(body)
    workspace.webhooks.verify(wanted.id, wanted.verification_token)
    return _webhooks(workspace, body)


def _unsubscribe(workspace: Workspace, body: Json) -> Json:
    workspace.webhooks.unsubscribe(_Id.model_validate(body).id)
    return _webhooks(workspace, body)


def _behave(workspace: Workspace, body: Json) -> Json:
    workspace.webhooks.behaviour = Behaviour.model_validate(body)
    return _webhooks(workspace, body)


def _flush(workspace: Workspace, _: Json) -> Json:
    return {"attempts": workspace.webhooks.flush()}


def _webhooks(workspace: Workspace, _: Json) -> Json:
    sender = workspace.webhooks
    return {
        "subscriptions": [subscription.shown() for subscription in sender.subscriptions()],
        "behaviour": sender.behaviour.model_dump(),
        "waiting": sender.waiting(),
        "deliveries": [asdict(delivery) for delivery in sender.deliveries()[-100:]],
    }


def _data_source(workspace: Workspace, body: Json) -> Json:
    wanted = _DataSource.model_validate(body)
    person = Person(workspace)
    source = person.create_data_source(wanted.title, wanted.properties, wanted.parent)
    shown = person.request("GET", f"data_sources/{source}")
    return {"database_id": shown["parent"]["database_id"], "data_source_id": source}


def _erase(workspace: Workspace, body: Json) -> Json:
    object_id = _uuid(_Id.model_validate(body).id)
    workspace.store.delete(object_id)
    return {"erased": object_id}


def _forget_cursors(workspace: Workspace, _: Json) -> Json:
    workspace.walks.forget()
    return {}


def _objects(workspace: Workspace, body: Json) -> Json:
    objects = _Objects.model_validate(body).objects
    workspace.put(objects)
    return {"seeded": len(objects)}


def _bot(workspace: Workspace, body: Json) -> Json:
    """From now on this user is the bot of a token."""
    wanted = _Bot.model_validate(body)
    user_id = _uuid(wanted.id)
    if workspace.store.get(user_id) is None:
        doc = {"object": "user", **body, "id": user_id, "token": None}
        users.add_user(workspace.store, workspace.clock, doc)
    workspace.store.set_fact(f"bot:{bot_id(wanted.token)}", user_id)
    return {"id": user_id}


def _index(workspace: Workspace, body: Json) -> Json:
    """Put objects into the search index, or take them out."""
    for object_id, known in TypeAdapter(dict[str, bool]).validate_python(body).items():
        obj = workspace.store.get(object_id)
        if obj is None:
            raise ApiError(404, "object_not_found", f"Could not find {object_id}.")
        obj.indexed = known
        if obj.in_trash:
            obj.doc["indexed_in_trash"] = known
        workspace.store.save(obj)
    return {}


def _uuid(value: str) -> str:
    object_id = parse_id(value)
    if object_id is None:
        raise errors.bad_body("id", "a valid uuid", value)
    return object_id


_HANDLERS: dict[tuple[str, str], Callable[[Workspace, Json], Json]] = {
    ("GET", ""): _list,
    ("GET", "clock"): _time,
    ("POST", "clock"): _clock,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "rate_limit"): _rate_limit,
    ("POST", "rate_limit"): _set_rate_limit,
    ("DELETE", "rate_limit"): _end_rate_limit,
    ("GET", "counters"): _counters,
    ("DELETE", "counters"): _reset_counters,
    ("POST", "index_lag"): _index_lag,
    ("GET", "background"): _background,
    ("POST", "background"): _set_background,
    ("POST", "background/finish"): _finish_background,
    ("GET", "webhooks"): _webhooks,
    ("POST", "webhooks"): _subscribe,
    ("POST", "webhooks/verify"): _verify,
    ("POST", "webhooks/unsubscribe"): _unsubscribe,
    ("POST", "webhooks/behaviour"): _behave,
    ("POST", "webhooks/flush"): _flush,
    ("POST", "data_sources"): _data_source,
    ("POST", "erase"): _erase,
    ("POST", "forget_cursors"): _forget_cursors,
    ("POST", "objects"): _objects,
    ("POST", "bot"): _bot,
    ("POST", "search_index"): _index,
}
#: Below /_sandbox/, beside `person/`.
PATHS = frozenset(path for _, path in _HANDLERS)
