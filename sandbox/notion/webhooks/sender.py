"""Subscriptions and deliveries: signed, merged, repeated, and wayward if a test wants them to be."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import secrets
import string
import threading
import uuid
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import VERSIONS
from sandbox.notion.state.clock import Clock, moment
from sandbox.notion.state.ids import WORKSPACE_ID, bot_id, new_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import Change
from sandbox.notion.webhooks.events import IMMEDIATE, TYPES, Event, events_of, merged, shown

log = logging.getLogger(__name__)

ATTEMPTS = 8
_TIMEOUT = 10.0
_KEPT_DELIVERIES = 10_000
_LETTERS = string.ascii_letters + string.digits


class Behaviour(BaseModel):
    """How events travel. Times are seconds of the workspace's clock, shares are chances from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: How long events of one object are held back, to be merged with others.
    delay: float = Field(10.0, ge=0)
    #: Until the second attempt; twice as long before each further one, about a day for all eight.
    retry_after: float = Field(675.0, ge=0)
    #: The share of events that never arrive.
    drop: float = Field(0.0, ge=0, le=1)
    #: The share of events that arrive twice.
    duplicate: float = Field(0.0, ge=0, le=1)
    #: Whether events that are due at the same time arrive in any order.
    reorder: bool = False
    #: What chance begins with.
    seed: int = 0


@dataclass
class Subscription:
    """Somebody who is told of events, as soon as the subscription is verified."""

    id: str
    url: str
    integration: str
    events: frozenset[str]
    version: str
    verification_token: str = field(repr=False)
    verified: bool = False

    def shown(self) -> dict[str, Any]:
        """Without the token, which only its receiver knows."""
        return {
            "id": self.id,
            "url": self.url,
            "verified": self.verified,
            "api_version": self.version,
            "events": sorted(self.events),
        }


@dataclass(frozen=True)
class Delivery:
    """One attempt; the status is None where nobody answered."""

    subscription: str
    event: dict[str, Any]
    attempt: int
    status: int | None


@dataclass
class _Waiting:
    """An event on its way: a delivery that is due at a time of the workspace's clock, in milliseconds."""

    subscription: Subscription
    event: dict[str, Any]
    due: float
    attempt: int = 1


@dataclass
class _Burst:
    due: float
    events: list[Event] = field(default_factory=list)


def _reachable(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and parsed.host != ""


class Sender:
    """Sends webhooks from a thread of its own, which begins with the first subscription."""

    def __init__(self, store: Store, clock: Clock, workspace_name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = workspace_name
        self._subscriptions: dict[str, Subscription] = {}
        self._bursts: dict[str, _Burst] = {}
        self._waiting: list[_Waiting] = []
        self._deliveries: deque[Delivery] = deque(maxlen=_KEPT_DELIVERIES)
        self._behaviour = Behaviour()
        self._chance = random.Random(0)  # noqa: S311
        self._changed = threading.Condition()
        self._posting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = False

    # -- subscriptions ------------------------------------------------------------------------------------

    def subscribe(
        self,
        url: str,
        *,
        token: str = "",
        events: Collection[str] | None = None,
        version: str = VERSIONS[1],
        verification_token: str | None = None,
    ) -> Subscription:
        """Subscribe the integration of `token` to events, all by default, and send its verification token.

        The subscription is asleep until `verify`. A verification token is drawn unless one is given.

        Raises:
            ApiError: No http address, an unknown event or version, or the receiver did not take the token.
        """
        if not _reachable(url):
            raise errors.bad_body("url", "an address that begins with http:// or https://", url)
        unknown = sorted(set(events or ()) - set(TYPES))
        if unknown:
            raise errors.validation(
                f"There are no events {', '.join(unknown)}; known are {', '.join(TYPES)}."
            )
        if version not in VERSIONS:
            raise errors.validation(f"There is no version {version}; known are {', '.join(VERSIONS)}.")
        secret = verification_token or "secret_" + "".join(secrets.choice(_LETTERS) for _ in range(43))
        chosen = frozenset(TYPES if events is None else events)
        made = Subscription(new_id(), url, bot_id(token), chosen, version, secret)
        status = self._post(made, {"verification_token": secret})
        if status is None or not 200 <= status < 300:
            answer = "nobody answered" if status is None else f"the answer was {status}"
            raise errors.validation(f"The receiver did not take the verification token: {answer}.")
        with self._store.transaction(), self._changed:
            if not self._subscriptions:
                self._store.watch(self._note)
            self._subscriptions[made.id] = made
        self._start()
        return made

    def verify(self, subscription_id: str, verification_token: str) -> None:
        """Paste the token that the receiver has got: from now on events are sent.

        Raises:
            ApiError: No such subscription, or another token.
        """
        found = self._find(subscription_id)
        if not hmac.compare_digest(found.verification_token.encode(), verification_token.encode()):
            raise errors.validation("This is not the verification token that the receiver has got.")
        found.verified = True

    def unsubscribe(self, subscription_id: str) -> None:
        """Send nothing more; `ApiError` when there is no such subscription."""
        self._find(subscription_id)
        with self._store.transaction(), self._changed:
            del self._subscriptions[subscription_id]
            self._waiting = [item for item in self._waiting if item.subscription.id != subscription_id]
            if not self._subscriptions:
                self._store.unwatch(self._note)
                self._bursts.clear()

    def subscriptions(self) -> list[Subscription]:
        """All of them."""
        return list(self._subscriptions.values())

    def _find(self, subscription_id: str) -> Subscription:
        found = self._subscriptions.get(subscription_id)
        if found is None:
            raise errors.validation(f"There is no subscription {subscription_id}.")
        return found

    # -- events -------------------------------------------------------------------------------------------

    @property
    def behaviour(self) -> Behaviour:
        """How events travel."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        with self._changed:
            self._behaviour = behaviour
            self._chance = random.Random(behaviour.seed)  # noqa: S311

    def _note(self, changes: list[Change]) -> None:
        """Called under the lock of the store, right after a transaction."""
        now = self._clock.now()
        events = events_of(self._store, changes, now)
        with self._changed:
            for event in events:
                at_once = event.type in IMMEDIATE
                key = f"{event.entity} {new_id()}" if at_once else event.entity
                due = now if at_once else now + self._behaviour.delay * 1000
                self._bursts.setdefault(key, _Burst(due)).events.append(event)
            self._changed.notify_all()

    def waiting(self) -> int:
        """How many objects have events that are held back, and deliveries that will be tried again."""
        with self._changed:
            return len(self._bursts) + len(self._waiting)

    def deliveries(self) -> list[Delivery]:
        """The attempts so far, oldest first."""
        with self._changed:
            return list(self._deliveries)

    def flush(self) -> int:
        """Send everything that waits, as if its time had come, and come back when it was; how many attempts."""
        return self._send_due(float("inf"))

    def _send_due(self, now: float) -> int:
        with self._posting:
            due = self._take(now)
            for item in due:
                if item.subscription.id in self._subscriptions:
                    self._deliver(item)
            return len(due)

    def _take(self, now: float) -> list[_Waiting]:
        """What is due, in the order in which it shall arrive."""
        with self._changed:
            for key in [key for key, burst in self._bursts.items() if burst.due <= now]:
                for event in merged(self._bursts.pop(key).events):
                    self._waiting += self._addressed(event)
            due = [item for item in self._waiting if item.due <= now]
            self._waiting = [item for item in self._waiting if item.due > now]
            if self._behaviour.reorder:
                self._chance.shuffle(due)
            return due

    def _addressed(self, event: Event) -> list[_Waiting]:
        found = []
        for subscription in self._subscriptions.values():
            doc = shown(event, subscription.version)
            asked = subscription.verified and event.type in subscription.events
            if doc is None or not asked or self._chance.random() < self._behaviour.drop:
                continue
            twice = self._chance.random() < self._behaviour.duplicate
            item = _Waiting(subscription, self._envelope(event, subscription, doc), event.at)
            found += [item, _Waiting(subscription, item.event, event.at)] if twice else [item]
        return found

    def _envelope(self, event: Event, subscription: Subscription, doc: dict[str, Any]) -> dict[str, Any]:
        at = moment(event.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "id": str(uuid.uuid4()),
            "timestamp": at,
            "workspace_id": WORKSPACE_ID,
            "workspace_name": self._name,
            "subscription_id": subscription.id,
            "integration_id": subscription.integration,
            "authors": [{"id": user, "type": kind} for user, kind in event.authors],
            "attempt_number": 1,
            "api_version": subscription.version,
            **doc,
        }

    # -- deliveries ---------------------------------------------------------------------------------------

    def _deliver(self, item: _Waiting) -> None:
        event = item.event | {"attempt_number": item.attempt}
        status = self._post(item.subscription, event)
        with self._changed:
            self._deliveries.append(Delivery(item.subscription.id, event, item.attempt, status))
            if status is not None and 200 <= status < 300:
                return
            if item.attempt == ATTEMPTS:
                log.warning("The event %s was given up after %d attempts", event["id"], ATTEMPTS)
                return
            wait = self._behaviour.retry_after * 2 ** (item.attempt - 1)
            due = self._clock.now() + wait * 1000
            self._waiting.append(_Waiting(item.subscription, item.event, due, item.attempt + 1))
            self._changed.notify_all()

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def _post(self, subscription: Subscription, doc: dict[str, Any]) -> int | None:
        raw = json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hmac.new(subscription.verification_token.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-notion-signature": f"sha256={digest}"}
        try:
            return self._http.post(subscription.url, content=raw, headers=headers).status_code
        except httpx.HTTPError as error:
            log.warning("A webhook did not reach %s: %s", httpx.URL(subscription.url).host, error)
            return None

    # -- the thread ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notion-sandbox-webhooks", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                # The clock of the workspace may be moved at any time: look often while something waits.
                self._changed.wait(0.02 if self._bursts or self._waiting else None)
                if self._ended:
                    return
            self._send_due(self._clock.now())

    def stop(self) -> None:
        """Send nothing more and end the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if "_http" in self.__dict__:
            self._http.close()
