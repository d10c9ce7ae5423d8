"""`POST /webhooks/notion`: Notion says that something changed, and the tasks that it concerns run soon."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import redis
from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tasks.errors import TaskError
from tasks.object_task import ObjectTask
from tasks.services.notion.api.webhooks import (
    SIGNATURE_HEADER,
    DeliveryError,
    Event,
    Handshake,
    concerned,
    is_signed,
    read_delivery,
)
from worker.store import schema
from worker.web.groups import RouteGroup
from worker.web.resources import Resources
from worker.web.webhooks.handshake import HandshakeWindow
from worker.web.webhooks.wakeups import KNOWN, Pace, Wakeups

log = logging.getLogger(__name__)

PATH = "/webhooks/notion"
#: Largest body in bytes; events are some kilobytes.
MAX_BODY = 256 * 1024
#: Events of before that are not known any more, and have been overtaken by many a poll.
STALE = timedelta(seconds=KNOWN) - timedelta(hours=1)


def webhooks(resources: Resources, pace: Pace | None = None) -> RouteGroup:
    """The route, and the sending of wake-ups behind it."""
    receiver = Receiver(resources, Wakeups(resources, pace))
    route = Route(PATH, receiver.receive, methods=["POST"])
    return RouteGroup("/webhooks", [route], max_body=MAX_BODY, background=receiver.wakeups.sending)


class Receiver:
    """Takes deliveries. It answers fast and never with 429, at which Notion pauses a subscription."""

    def __init__(self, resources: Resources, wakeups: Wakeups) -> None:
        self._resources = resources
        self._window = HandshakeWindow(resources.redis)
        self.wakeups = wakeups

    async def receive(self, request: Request) -> JSONResponse:
        """Answer one delivery."""
        body = await request.body()
        signed = is_signed(
            self._resources.settings.webhook_secrets(), body, request.headers.get(SIGNATURE_HEADER, "")
        )
        try:
            delivery = read_delivery(body)
        except DeliveryError as error:
            raise HTTPException(400, str(error)) from None
        try:
            if isinstance(delivery, Handshake):
                await self._shake_hands(delivery)
            elif signed:
                await self._take(delivery)
            else:
                raise HTTPException(401, "the signature is missing or wrong")
        except redis.RedisError as error:
            log.warning("A delivery of Notion's cannot be taken: %s", error)
            raise HTTPException(503, "try again later") from None
        return JSONResponse({"status": "ok"})

    async def _shake_hands(self, handshake: Handshake) -> None:
        if not await asyncio.to_thread(self._window.accept, handshake.token):
            raise HTTPException(403, "the operator has not opened the window for new subscriptions")
        log.warning("A webhook subscription has sent its token: `lockstep webhooks show` shows it.")

    async def _take(self, event: Event) -> None:
        if datetime.now(UTC) - event.at > STALE:
            log.info("An event of %s is too old to be of use.", event.at)
            return
        tasks = await asyncio.to_thread(self._tasks_of, event)
        fresh = await self.wakeups.note(event.id, tasks)
        log.debug("Event %s (%s) for %s%s.", event.id, event.type, tasks, "" if fresh else ", known already")

    def _tasks_of(self, event: Event) -> list[str]:
        """Tasks that an event concerns: by where the object is now, and by what is linked with it."""
        names = self.wakeable_by(event)
        rest = [name for name in self.wakeups.wakeable() if name not in names]
        if event.kind == "page" and event.object_id and rest:
            link = schema.link.c
            try:
                with self._resources.store.read() as connection:
                    query = select(link.task).where(link.task.in_(rest), link.left_id == event.object_id)
                    names += connection.scalars(query).all()
            except TaskError as error:
                log.warning("Whether an event concerns a linked page cannot be told: %s", error)
        return names

    def wakeable_by(self, event: Event) -> list[str]:
        """Tasks whose Notion side says that the event is about an object of theirs."""
        tasks, wakeable = self._resources.tasks, self.wakeups.wakeable()
        found = {name: tasks[name] for name in wakeable if name in tasks}
        return [
            name for name, task in found.items() if isinstance(task, ObjectTask) and concerned(task, event)
        ]
