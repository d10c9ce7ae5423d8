"""`/metrics`, for Prometheus: to this machine, or to who sends the token of `METRICS_TOKEN`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.alarms.facts import gather
from worker.alarms.facts import waiting as waiting_in
from worker.errors import BrokerUnavailableError
from worker.metrics import Metrics
from worker.redis_client import impatient
from worker.standing import Status
from worker.web.groups import RouteGroup
from worker.web.hosts import is_here
from worker.web.resources import Resources

#: Seconds that Redis has for an answer.
PATIENCE = 3.0


def metrics(resources: Resources) -> RouteGroup:
    """The route."""
    settings, client = resources.settings, impatient(resources.redis, PATIENCE)
    token = settings.metrics_token

    def waiting(status: Status) -> Mapping[str, int]:
        try:
            return waiting_in(resources.settings, status, client)
        except (
            redis.RedisError,
            BrokerUnavailableError,
        ):  # it answered a moment ago, or is a fact of its own
            return {}

    registry = CollectorRegistry()
    registry.register(
        Metrics(
            settings,
            lambda: resources.tasks,
            lambda: gather(resources.settings, resources.tasks, resources.store, client),
            resources.store.tallies.all,
            waiting,
        )
    )

    async def answer(request: Request) -> Response:
        _let_in(request, None if token is None else token.get_secret_value())
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, registry), media_type=content_type)

    return RouteGroup("/metrics", [Route("/metrics", answer, methods=["GET"])], max_body=0)


def _let_in(request: Request, token: str | None) -> None:
    """Refuse who may not read them.

    Without a token only this machine may, by its own names: a web page that is led here by a name of somebody else's
    is kept out, and so is what a proxy hands on from elsewhere.

    Raises:
        HTTPException: the request is refused.
    """
    if token is not None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), token.encode()):
            raise HTTPException(401, "Send the token of METRICS_TOKEN", {"WWW-Authenticate": "Bearer"})
        return
    forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    local = (
        request.client is not None and is_here(request.client.host) and is_here(request.url.hostname or "")
    )
    if forwarded or not local:
        raise HTTPException(403, "Only this machine may read this until METRICS_TOKEN is set")
