"""A node of django-spire, run by the interpreter of its own environment, with the words of `bench.two_nodes.own`."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from typing import Any
from urllib import request
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

from bench.two_nodes.usage import usage

_PARTS = urlsplit(os.environ["BENCH_DATABASE"])
_POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": _PARTS.path[1:],
    "USER": _PARTS.username or "",
    "HOST": parse_qs(_PARTS.query).get("host", [""])[0],
}
_SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": _PARTS.path[1:]}

settings.configure(
    DATABASES={"default": _SQLITE if _PARTS.scheme == "sqlite" else _POSTGRESQL},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_spire.contrib.sync"],
    ROOT_URLCONF=__name__,
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    ALLOWED_HOSTS=["*"],
    USE_TZ=False,
    SECRET_KEY="not one",
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  Django wants its settings first
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django_spire.contrib.sync import HybridLogicalClock  # noqa: E402
from django_spire.contrib.sync.django.factory import (  # noqa: E402
    build_client_engine,
    build_server_engine,
)
from django_spire.contrib.sync.django.mixin import SyncableFieldsMixin  # noqa: E402
from django_spire.contrib.sync.django.seed import seed_clock  # noqa: E402
from django_spire.contrib.sync.django.views import process_sync_request  # noqa: E402


class Item(SyncableFieldsMixin):
    """The bench's table."""

    id = models.IntegerField(primary_key=True)
    a = models.TextField()
    b = models.TextField()
    c = models.TextField()
    d = models.TextField()
    e = models.IntegerField()
    f = models.IntegerField()
    g = models.FloatField()
    h = models.BooleanField()
    i = models.DateTimeField()

    class Meta:
        app_label = "bench"
        db_table = "item"


MODELS: list[Any] = [Item]
clock = HybridLogicalClock()
SyncableFieldsMixin.configure(clock)


def prepare() -> None:
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Item)


def fill(size: int) -> None:
    for start in range(0, size, 1000):
        Item.objects.bulk_create(
            [
                Item(id=n, a=t, b=t, c=t, d=t, e=n, f=n, g=1.5, h=True, i=datetime(2026, 1, 2, 3, 4, 5))
                for n in range(start, min(start + 1000, size))
                for t in [f"the text of record {n}"]
            ]
        )


def change(every: int) -> None:
    seed_clock(clock, MODELS)
    with transaction.atomic():
        for item in Item.objects.extra(where=[f"mod(id, {every}) = 0"]):
            item.a = f"changed {every}"
            item.save()


def serve() -> None:
    seed_clock(clock, MODELS)
    engine = build_server_engine(MODELS, "office")

    def sync(asked: HttpRequest) -> JsonResponse:
        return process_sync_request(asked, engine)

    urlpatterns.extend([path("sync", sync), path("usage", lambda _: JsonResponse(usage()))])

    class Handler(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = WSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(WSGIHandler())
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def ask(address: str) -> None:
    seed_clock(clock, MODELS)
    engine = build_client_engine(MODELS, "laptop", "office", f"{address}/sync", headers={"x-bench": "1"})
    moved = 0
    opened = request.OpenerDirector.open

    def counted(self: Any, asked: Any, *args: Any, **more: Any) -> Any:
        nonlocal moved
        answer = opened(self, asked, *args, **more)
        moved += len(asked.data or b"") + int(answer.headers.get("content-length") or 0)
        return answer

    request.OpenerDirector.open = counted  # type: ignore[method-assign]
    start, before = time.perf_counter(), time.process_time()
    result = engine.sync()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    changed = sum(map(len, [*result.created.values(), *result.applied.values()]))
    print(
        json.dumps(
            {"seconds": seconds, "cpu": cpu, "changed": changed, "bytes": moved, "memory": usage()["memory"]}
        )
    )


urlpatterns: list[Any] = []

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare"]:
            prepare()
        case ["fill", size]:
            fill(int(size))
        case ["change", every]:
            change(int(every))
        case ["serve"]:
            serve()
        case ["ask", address]:
            ask(address)
