"""The web process: routes, their limits, and errors that tell nothing of the inside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus

import redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config import get_settings
from config.logging import configure_logging
from config.sentry import init_sentry
from worker.alarms.watch import Watch as AlarmWatch
from worker.broker.installation import claim
from worker.reload import Watch
from worker.store.tables.installation import installation_of
from worker.web.body_limit import BodyLimit
from worker.web.dashboard.group import dashboard
from worker.web.groups import RouteGroup
from worker.web.health import health
from worker.web.metrics import metrics
from worker.web.nodes import nodes
from worker.web.resources import Resources
from worker.web.webhooks.endpoint import webhooks

log = logging.getLogger(__name__)

#: Everything that is served; a new part adds its function here.
GROUPS: Sequence[Callable[[Resources], RouteGroup]] = (health, metrics, webhooks, nodes, dashboard)

#: Loggers of the server, which come with handlers of their own that know no secret.
SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


def make_app(
    resources: Resources,
    groups: Sequence[Callable[[Resources], RouteGroup]] = GROUPS,
    alarms: AlarmWatch | None = None,
    changes: Watch | None = None,
) -> Starlette:
    """The ASGI application; `resources` are closed with it, and meanwhile it is looked for alarms and changed tasks."""
    made = [group(resources) for group in groups]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(resources.close)
            if alarms is not None:
                alarms.start()
                stack.push_async_callback(asyncio.to_thread, alarms.stop)
            if changes is not None:
                changes.start()
                stack.callback(changes.end)
            for group in made:
                await stack.enter_async_context(group.background())
            yield

    return Starlette(
        routes=[route for group in made for route in group.routes],
        middleware=[Middleware(BodyLimit, limits={group.path: group.max_body for group in made})],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )


def app_of_settings() -> Starlette:
    """The application for the settings of this process, with logging and error reporting set up.

    Raises:
        SettingsError: a setting is wrong or missing, or Redis is another installation's.
        TaskDefinitionError: the tasks cannot be loaded.
        StoreError: the database cannot be used.
    """
    settings = get_settings()
    configure_logging(settings)
    for name in SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # addresses of callers are their own affair
    init_sentry(settings)
    resources = Resources.of(settings)
    changes = resources.watch()
    resources.store.migrate()
    for number, client in enumerate(resources.clients):
        with suppress(redis.RedisError):  # a Redis that is away is told by /healthz
            claim(client, installation_of(resources.store), number if resources.further else None)
    return make_app(resources, alarms=AlarmWatch(settings, lambda: resources.tasks), changes=changes)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as every route answers it."""
    return JSONResponse({"error": {"status": status, "message": message}}, status, headers=headers)


async def _refuse(_: Request, refused: Exception) -> Response:
    if not isinstance(refused, HTTPException):
        raise refused
    headers = dict(refused.headers or {})
    if refused.status_code in (401, 408, 413, 503):
        headers["connection"] = "close"  # the rest of the body is not waited for
    return error(refused.status_code, refused.detail, headers)


async def _fail(_: Request, failed: Exception) -> Response:
    return error(500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase)
