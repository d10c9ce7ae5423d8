"""What a Sentry server receives from a real beat and a real worker."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sentry_sdk.envelope import Envelope

from tests.harness import ProbeSpec, Stack, eventually

pytestmark = pytest.mark.processes


class SentryServer(ThreadingHTTPServer):
    """Takes envelopes and keeps their items."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.items: list[tuple[str, dict[str, Any]]] = []
        self.dsn = f"http://public@127.0.0.1:{self.server_address[1]}/1"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for each, item in list(self.items) if each == kind]


class _Handler(BaseHTTPRequestHandler):
    server: SentryServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for item in Envelope.deserialize(body).items:
            self.server.items.append((str(item.type), json.loads(item.get_bytes())))
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


def test_scheduled_runs_check_in_and_failures_are_reported(sentry: SentryServer, tmp_path: Path) -> None:
    specs = ProbeSpec("good", every=60), ProbeSpec("bad", every=60), ProbeSpec("limited", total=1)
    with Stack(tmp_path, *specs, env={"SENTRY_DSN": sentry.dsn}) as stack:
        stack.sides("bad").other.refuse("no calendar today")
        stack.sides("good").notion.create(Name="very private", Done=False)
        stack.worker("--without-mingle")
        stack.beat()

        def check_ins() -> list[tuple[str, str, str]]:
            found = sorted(
                (item["monitor_slug"], item["status"], item["check_in_id"]) for item in sentry.of("check_in")
            )
            return found if len(found) == 4 else []

        found = eventually(check_ins, 25)
        assert [each[:2] for each in found] == [
            ("bad", "error"),
            ("bad", "in_progress"),
            ("good", "in_progress"),
            ("good", "ok"),
        ]
        assert found[0][2] == found[1][2]
        assert found[2][2] == found[3][2]
        (event,) = eventually(lambda: sentry.of("event"), 10)
        assert event["tags"]["task"] == "sync.bad"
        assert "very private" not in str(sentry.items)
