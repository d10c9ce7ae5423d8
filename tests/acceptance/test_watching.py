"""What Flower and Sentry see of the ready task."""

from __future__ import annotations

import gzip
import json
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from sentry_sdk.envelope import Envelope

from tests.acceptance.office import FAST, PATIENCE, TOKEN, Office, Thing, title
from tests.harness import ProbeSpec, Stack, eventually, free_port

pytestmark = pytest.mark.processes

MakeOffice = Callable[..., Office]
MakeStack = Callable[..., Stack]

LOGIN = ("watcher", "hush-hush-word")


class Flower:
    """`celery -A worker flower`, asked over its API."""

    def __init__(self, stack: Stack) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = stack.celery(
            *("flower", "--address=127.0.0.1", f"--port={self.url.rpartition(':')[2]}"), name="flower"
        )
        self.process.wait_until(lambda: self.get("/healthcheck") == 200, PATIENCE, "an answer")

    def get(self, path: str, auth: tuple[str, str] | None = LOGIN) -> int:
        try:
            return httpx.get(self.url + path, auth=auth, timeout=5, trust_env=False).status_code
        except httpx.TransportError:
            return 0

    def ask(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(self.url + path, auth=LOGIN, timeout=10, trust_env=False).json()
        return found


def test_flower_shows_workers_runs_states_and_progress(make_office: MakeOffice) -> None:
    office = make_office(every="2s", FLOWER_BASIC_AUTH=":".join(LOGIN))
    flower = Flower(office)
    for auth in (None, ("watcher", "wrong")):
        for path in ("/api/tasks", "/api/workers", "/workers", "/"):
            assert flower.get(path, auth) == 401
    office.fill(20)
    office.board.slow(1.0)
    office.worker()
    office.beat()

    workers = eventually(lambda: flower.ask("/api/workers?refresh=1"), PATIENCE)
    (name,) = workers
    assert name.startswith("w")
    eventually(
        lambda: "sync.todos" in flower.ask("/api/workers?refresh=1")[name].get("registered", []), PATIENCE
    )

    def running() -> str:
        tasks = flower.ask("/api/tasks?taskname=sync.todos")
        return next((each for each, task in tasks.items() if "/" in (task["result"] or "")), "")

    task_id = eventually(running, PATIENCE, "a run that shows its progress")
    seen: set[str] = set()

    def over() -> bool:
        info = flower.ask(f"/api/task/info/{task_id}")
        assert info["name"] == "sync.todos"
        if info["state"] != "SUCCESS":
            seen.add(f"{info['state']} {info['result']}")
        return bool(info["state"] == "SUCCESS")

    eventually(over, PATIENCE, "the run's success")
    steps = [int(done) for done in re.findall(r"apply\w* (\d+)/20", " ".join(sorted(seen)))]
    assert len(steps) >= 3, seen
    assert "'left_created': 10" in flower.ask(f"/api/task/info/{task_id}")["result"]

    office.radicale.stop()
    failed = eventually(lambda: flower.ask("/api/tasks?state=FAILURE"), PATIENCE)
    task = next(iter(failed.values()))
    assert task["name"] == "sync.todos"
    assert "cannot be reached" in task["exception"]
    assert office.radicale.password not in json.dumps(flower.ask("/api/tasks"))


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_other_pools_run_syncs_too(make_stack: MakeStack, pool: str) -> None:
    stack = make_stack(ProbeSpec(every=1), ProbeSpec("second", every=1))
    sides = [stack.sides(), stack.sides("second")]
    for each in sides:
        each.notion.create(Name="milk", Done=False)
    worker = stack.worker(*FAST, f"--pool={pool}", "--concurrency=2")
    stack.beat()
    for each in sides:
        eventually(each.equal, PATIENCE)
        each.other.delete(each.other.rows()[0].id)
        eventually(lambda each=each: each.notion.rows() == [], PATIENCE)
        assert each.overlapping() == []
    assert "Traceback" not in worker.output(), worker.tail()


class SentryServer(ThreadingHTTPServer):
    """Takes envelopes; keeps every byte it was sent, unpacked, with the headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[bytes] = []
        self.headers: list[str] = []
        self.dsn = f"http://public@127.0.0.1:{self.server_address[1]}/1"

    def items(self, kind: str) -> list[dict[str, Any]]:
        envelopes = [Envelope.deserialize(body) for body in list(self.received)]
        return [
            json.loads(item.get_bytes())
            for envelope in envelopes
            for item in envelope.items
            if item.type == kind
        ]


class _Handler(BaseHTTPRequestHandler):
    server: SentryServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = self.headers.get("Content-Encoding")
        if how == "gzip":
            body = gzip.decompress(body)
        elif how == "deflate":
            body = zlib.decompress(body)
        self.server.headers.append(f"{self.path} {self.headers}")
        self.server.received.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    with SentryServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_sentry_hears_of_failures_and_of_no_secret_and_no_value(
    make_office: MakeOffice, sentry: SentryServer
) -> None:
    """Failures of the set-up, of a service and of one object, each with data in reach."""
    office = make_office(
        every="2s", SENTRY_DSN=sentry.dsn, FLOWER_BASIC_AUTH=":".join(LOGIN), LOCKSTEP_LOG_LEVEL="DEBUG"
    )
    office.board.add(Thing("Confidential-title", notes="Confidential-note", tags=("Confidential-tag",)))
    office.phone.add(Thing("Confidential-to-do", notes="Confidential-words"))
    office.worker(*FAST)
    office.beat()
    assert len(office.in_step()) == 2
    office.board.send("PATCH", f"data_sources/{office.board.source}", {"in_trash": True})
    events = eventually(lambda: sentry.items("event"), PATIENCE)
    assert events[0]["tags"]["task"] == "sync.todos"
    office.board.send("PATCH", f"data_sources/{office.board.source}", {"in_trash": False})
    office.rested()
    office.board.arrange("POST", "faults", {"method": "PATCH", "status": 400})
    office.phone.edit("Confidential-to-do", SUMMARY=":Confidential-new")
    office.board.edit("Confidential-title", Name=title("Confidential-newer"))
    office.in_step()
    seen = len(sentry.items("event"))
    office.radicale.stop()
    eventually(lambda: len(sentry.items("event")) > seen, PATIENCE)
    everything = b"\n".join(sentry.received).decode() + "".join(sentry.headers)
    for word in (
        *(TOKEN, office.radicale.password, "hush-hush-word", "Confidential-title", "Confidential-to-do"),
        *("Confidential-note", "Confidential-words", "Confidential-tag", "Confidential-new"),
    ):
        assert word not in everything, everything[: everything.index(word) + 200][-600:]
    assert {event["tags"]["task"] for event in sentry.items("event")} == {"sync.todos"}


def test_sentry_gets_check_ins_of_scheduled_tasks(make_office: MakeOffice, sentry: SentryServer) -> None:
    """A monitor's period is a minute at least."""
    office = make_office(every="1m", SENTRY_DSN=sentry.dsn)
    office.fill(4)
    office.worker(*FAST)
    office.beat()
    assert len(office.in_step()) == 4
    opened, closed = eventually(
        lambda: len(found := sentry.items("check_in")) == 2 and found, PATIENCE, "two check-ins"
    )
    assert (opened["status"], closed["status"]) == ("in_progress", "ok")
    assert opened["check_in_id"] == closed["check_in_id"]
    assert opened["monitor_slug"] == closed["monitor_slug"] == "todos"
    schedule = opened["monitor_config"]["schedule"]
    assert (schedule["type"], schedule["value"], schedule["unit"]) == ("interval", 1, "minute")
    assert sentry.items("event") == []
