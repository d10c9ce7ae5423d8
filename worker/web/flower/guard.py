"""Flower, made to refuse whom it would serve: strangers without a login, and pages of other hosts.

Its `/metrics` tells of the schedule and of the workers' loops as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import prometheus_client
from flower import app, command  # type: ignore[import-untyped]
from flower.views import monitor  # type: ignore[import-untyped]
from tornado.httputil import HTTPServerRequest, split_host_and_port
from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError, RequestHandler, authenticated

from config import Settings
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.startup import refusing
from worker.web.flower import watched
from worker.web.flower.metrics import Metrics as OwnMetrics
from worker.web.hosts import is_here

LOGIN = "FLOWER_BASIC_AUTH"


class Metrics(monitor.Metrics):  # type: ignore[misc]  # Flower has no types
    """Flower's, which asks for the login as every other page does."""

    @authenticated
    async def get(self) -> None:
        """Answer in Prometheus' form."""
        await super().get()


class WrongHost(RequestHandler):
    """The answer to a request that is meant for another host."""

    def prepare(self) -> None:
        """Refuse it."""
        raise HTTPError(403, reason="This host name is not served here")


class GuardedFlower(app.Flower):  # type: ignore[misc]
    """Serves those who log in; without a login only this machine, by its own names.

    A name of somebody else's that leads here is how a web page would get at it (DNS rebinding).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        prefix = (self.options.url_prefix or "").strip("/")
        rule = Rule(PathMatches(f"/{prefix}/metrics" if prefix else "/metrics"), Metrics)
        self.wildcard_router.rules.insert(0, rule)

    @property
    def has_login(self) -> bool:
        """Whether it asks anybody who they are."""
        return bool(self.options.basic_auth or self.options.auth)

    def start_http_server(self) -> Any:
        """Listen, unless everybody who reaches this machine would see all and could stop workers."""
        with refusing():
            if (
                not self.has_login
                and not self.options.unix_socket
                and not is_here(self.options.address or "")
            ):
                raise CommandError(
                    f"Flower would let in everybody who reaches {self.options.address or 'this machine'}: set "
                    f"{LOGIN}=user:password, or let it listen on this machine only with --address=127.0.0.1"
                )
        return super().start_http_server()

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """As Tornado, for hosts that are served."""
        if not self.has_login and not self.options.unix_socket:
            host, _ = split_host_and_port(request.host)
            if not is_here(host):
                return self.get_handler_delegate(request, WrongHost)
        return super().find_handler(request, **options)


def guard(settings: Settings) -> None:
    """Let Flower start guarded, and end with one line where it cannot start; by itself it prints a traceback."""
    metrics = OwnMetrics(settings)
    metrics.changes.start()
    prometheus_client.REGISTRY.register(metrics)
    if not os.environ.get(LOGIN, "").strip():
        os.environ.pop(LOGIN, None)  # Flower takes an empty one for a login that nobody has
    command.Flower = GuardedFlower
    watched.install()
    bind: Callable[..., Any] = app.bind_sockets

    def bind_or_refuse(port: int, address: str | None = None, **options: Any) -> Any:
        with refusing():
            try:
                return bind(port, address=address, **options)
            except OSError as error:
                raise CommandError(
                    f"Flower cannot listen on {address or '*'}:{port} ({error.strerror}): "
                    "stop what listens there, or choose another port with --port",
                    ExitCode.UNAVAILABLE,
                ) from None

    app.bind_sockets = bind_or_refuse
